//! The connector: checks the configuration and divides tables among tasks.

use super::keys;
use super::monitor::Monitor;
use super::offset::{self, Offset, PartitionKind};
use super::query::Subject;
use super::settings::{Mode, Settings, What, wrong_keys};
use super::stream::{Style, tracking};
use super::task::JdbcSourceTask;
use crate::db::{Connection, DbError, DbResult};
use crate::settings::{ConnectionSettings, WrongKey, keys as connection_keys};
use ferroconnect_plugin_sdk::{
    AbiVec, Config, ConfigValue, ConnectorContext, Description, Error, OffsetMap, Plugin, Result, SourceConnector,
    SourceOffsetChange, StopSignal, Support, warn,
};
use std::convert::Infallible;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// The key of a task with its tables: quoted names, separated by commas.
pub(super) const TABLES: &str = "tables";
/// The key of a task that says whether its tables are known.
pub(super) const FETCHED: &str = "tables.fetched";
/// How long a database may look at the query of a configuration.
const TRY_OUT: Duration = Duration::from_secs(60);
/// Keys whose values are not repeated in answers.
const SECRET: [&str; 3] = [keys::QUERY_MASKED, keys::DELETES_URL, connection_keys::PASSWORD];

/// Reads tables, or the result of a query, of a database.
#[derive(Debug, Default)]
pub struct JdbcSource {
    config: Config,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    settings: Settings,
    /// None where a query is read.
    monitor: Option<Monitor>,
}

impl Plugin for JdbcSource {
    fn describe() -> Description {
        Description::new("io.confluent.connect.jdbc.JdbcSourceConnector", env!("CARGO_PKG_VERSION"))
            .alias("io.aiven.connect.jdbc.JdbcSourceConnector")
            .alias("JdbcSource")
            .task_class("io.confluent.connect.jdbc.source.JdbcSourceTask")
            .doc("Reads rows of tables, or of a query, of MySQL, MariaDB, PostgreSQL and SQLite.")
            .config(keys::definition())
    }
}

impl SourceConnector for JdbcSource {
    type Task = JdbcSourceTask;

    fn validate(&self, config: &Config) -> Result<Vec<ConfigValue>> {
        let mut wrong = wrong_keys(config);
        if wrong.is_empty() {
            match Settings::parse(config) {
                Ok(settings) => wrong.extend(try_out(config, &settings, TRY_OUT).err()),
                // A value that is not of its type: the worker has found it too.
                Err(_) => return Ok(Vec::new()),
            }
        }
        Ok(answers(config, wrong))
    }

    fn start(&mut self, context: ConnectorContext, config: Config) -> Result<()> {
        let settings = Settings::parse(&config)?;
        settings.connection.warn_of_unknown_parameters();
        let url = &settings.connection.url;
        let primary =
            url.parameters.get(&["targetServerType"]).is_some_and(|kind| kind.eq_ignore_ascii_case("primary"));
        if settings.deletes.is_some() && url.hosts.len() > 1 && !primary {
            warn!(
                "connection.url names several hosts. A row that one of them has not yet looks deleted, and {} tells so: \
                 name the primary only (PostgreSQL: targetServerType=primary)",
                keys::DELETES
            );
        }
        let has_own_url = config.get(keys::DELETES_URL).is_some_and(|url| !url.is_empty());
        if let Some(deletes) = settings.deletes.as_ref().filter(|_| has_own_url) {
            deletes.connection.warn_of_unknown_parameters();
        }
        let monitor = match &settings.what {
            What::Tables(choice) => Some(Monitor::start(context, settings.clone(), choice.clone())?),
            What::Query(_) => None,
        };
        self.config = config;
        self.running = Some(Running { settings, monitor });
        Ok(())
    }

    fn task_configs(&mut self, maximum: usize) -> Result<Vec<Config>> {
        let running = self.running.as_ref().ok_or_else(|| Error::fatal("The connector was not started"))?;
        let Some(monitor) = &running.monitor else { return Ok(vec![self.config.clone()]) };
        let task = |tables: &str, fetched: bool| {
            let mut task = self.config.clone();
            task.set(TABLES, tables).set(FETCHED, fetched);
            task
        };
        let Some(tables) = monitor.tables(running.settings.first_list)? else {
            return Ok(vec![task("", false)]);
        };
        let dialect = running.settings.connection.dialect;
        let names: Vec<_> = tables.iter().map(|table| dialect.quoted_table(table)).collect();
        Ok(groups(&names, maximum).iter().map(|group| task(&group.join(","), true)).collect())
    }

    fn stop(&mut self) -> Result<()> {
        if let Some(monitor) = self.running.take().and_then(|running| running.monitor) {
            monitor.stop();
        }
        Ok(())
    }

    fn alter_offsets(&mut self, config: &Config, change: &SourceOffsetChange) -> Result<bool> {
        let settings = Settings::parse(config)?;
        change.named().try_for_each(|(partition, offset)| {
            let Some(partition) = partition else {
                return Err(Error::config("A partition must not be null"));
            };
            let kind = offset::check_partition(partition)?;
            match (kind, &settings.what) {
                (PartitionKind::Table, What::Tables(_)) | (PartitionKind::Query, What::Query(_)) => {}
                // What was read before may be reset.
                _ if offset.is_none() => return Ok(()),
                (PartitionKind::Table, _) => {
                    return Err(Error::config("The connector reads a query; its partition is {\"query\": \"query\"}"));
                }
                (PartitionKind::Query, _) => {
                    return Err(Error::config(
                        "The connector reads tables; its partitions have 'table' and 'protocol'",
                    ));
                }
            }
            offset.map_or(Ok(()), |offset| check_offset(settings.mode, offset))
        })?;
        Ok(true)
    }

    /// In modes with a number each row has a position of its own; not so where more gaps are open than a position can name.
    fn exactly_once_support(&self, config: &Config) -> Result<Support> {
        let unique = Settings::parse(config)
            .is_ok_and(|settings| settings.mode.has_incrementing() && settings.gap_patience.is_none());
        Ok(if unique { Support::SUPPORTED } else { Support::UNSUPPORTED })
    }
}

fn check_offset(mode: Mode, map: &OffsetMap) -> Result<()> {
    let wrong = |text: &str| Err(Error::config(format!("{text} in this mode")));
    let offset = Offset::from_map(map)?;
    offset::gaps(map)?;
    let told = offset::removal(map)?.is_some();
    match (mode, offset.incrementing, offset.timestamp) {
        // As it is shown where rows that are gone are looked for.
        (Mode::Bulk, None, None) if told => Ok(()),
        (Mode::Bulk, ..) => wrong("No offsets are kept"),
        // As it is shown where only rows of the first time are safe: the beginning.
        (Mode::Timestamp, None, None) if map.is_empty() || told => Ok(()),
        (Mode::Incrementing, None, _) => wrong("An offset needs 'incrementing'"),
        (Mode::Timestamp | Mode::TimestampIncrementing, _, None) => wrong("An offset needs 'timestamp'"),
        _ => Ok(()),
    }
}

/// Deals items to at most `maximum` groups of neighbours, the first ones larger by one.
fn groups(items: &[String], maximum: usize) -> Vec<&[String]> {
    let count = items.len().min(maximum).max(1);
    let (least, more) = (items.len() / count, items.len() % count);
    let mut rest = items;
    (0..count)
        .map(|number| {
            let (group, left) = rest.split_at(least + usize::from(number < more));
            rest = left;
            group
        })
        .collect()
}

/// Takes [`TABLES`] apart. A comma within quotes belongs to a name.
pub(super) fn split_tables(list: &str) -> Vec<&str> {
    let quote = list.chars().next().unwrap_or('"');
    let mut quoted = false;
    let parts = list.split(|character| {
        quoted ^= character == quote;
        character == ',' && !quoted
    });
    parts.filter(|part| !part.is_empty()).collect()
}

/// Connects once, and lets the database look at the query for so long. A database that is merely away is no reason to
/// refuse the configuration: the connector waits for it, and a worker has to start without it.
fn try_out(config: &Config, settings: &Settings, limit: Duration) -> Result<(), WrongKey> {
    let once = ConnectionSettings { attempts: 1, ..settings.connection.clone() };
    let wrong = |key, error: DbError| WrongKey::new(key, error.to_string());
    let mut connection = match once.connect(&StopSignal::default()) {
        Ok(connection) => connection,
        Err(error) if error.may_work_later() => {
            warn!("{error}. The configuration is taken without a look at the database");
            return Ok(());
        }
        Err(error) => return Err(wrong(connection_keys::URL, error)),
    };
    let What::Query(query) = &settings.what else { return Ok(()) };
    let key =
        if config.get(keys::QUERY).is_some_and(|query| !query.is_empty()) { keys::QUERY } else { keys::QUERY_MASKED };
    let described = within(limit, connection.as_mut(), |connection| connection.describe(super::query::trimmed(query)));
    let columns = match described {
        Ok(columns) => columns,
        // What says nothing about the query is no reason to refuse it.
        Err(error) if error.may_work_later() => return Ok(()),
        Err(error) if error.is_interrupted() => {
            let seconds = limit.as_secs();
            warn!(
                "The database did not say within {seconds} s whether it can run the query; it is taken without a look"
            );
            return Ok(());
        }
        Err(error) => return Err(wrong(key, settings.shown(error))),
    };
    tracking(settings, Style::Plain, &Subject::Query(query.clone()), &columns).map(|_| ())
}

/// Breaks a call off where it takes too long, as one that waits for a lock.
fn within<T>(
    limit: Duration,
    connection: &mut dyn Connection,
    call: impl FnOnce(&mut dyn Connection) -> DbResult<T>,
) -> DbResult<T> {
    let interrupter = connection.interrupter();
    let (running, ended) = channel::<Infallible>();
    std::thread::spawn(move || {
        if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            interrupter.interrupt();
        }
    });
    let result = call(connection);
    drop(running);
    result
}

/// What is wrong, by keys.
fn answers(config: &Config, wrong: Vec<WrongKey>) -> Vec<ConfigValue> {
    let mut answers: Vec<ConfigValue> = Vec::new();
    for WrongKey { key, why } in wrong {
        let known = answers.iter().position(|answer| answer.name == key);
        let place = known.unwrap_or_else(|| {
            let value = config.get(&key).filter(|_| !SECRET.contains(&key.as_str()));
            answers.push(ConfigValue {
                name: key.as_str().into(),
                value: value.map(Into::into).into(),
                recommended: AbiVec::new(),
                errors: AbiVec::new(),
                visible: true,
            });
            answers.len() - 1
        });
        answers[place].errors.push(why.into());
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::super::settings::tests::config;
    use super::*;
    use crate::db::Isolation;
    use crate::dialect::TableId;
    use ferroconnect_plugin_sdk::testkit::PATIENCE;
    use ferroconnect_plugin_sdk::{OffsetChange, Value, offset_map};
    use ferroconnect_test_servers::{Kind, Server};

    #[test]
    fn a_query_that_the_database_cannot_look_at_in_time_is_taken() {
        // MariaDB looks at a query without waiting for a locked table.
        let server = Server::shared(Kind::Postgres);
        let url = server.url(server.database());
        let query = [(keys::QUERY, "SELECT nr FROM looked_at"), (keys::TOPIC_PREFIX, "t")];
        let config = config(&[&[(connection_keys::URL, &*url), (keys::MODE, "bulk")], &query[..]].concat());
        let settings = Settings::parse(&config).unwrap();
        let mut other = settings.connection.connect(&StopSignal::default()).unwrap();
        other.execute("CREATE TABLE looked_at (id INT)", &[]).unwrap();
        let wrong = try_out(&config, &settings, PATIENCE).unwrap_err();
        assert!(wrong.key == keys::QUERY && wrong.why.contains("nr"), "{wrong:?}");
        other.begin(Isolation::ServerDefault).unwrap();
        other.execute("LOCK TABLE looked_at IN ACCESS EXCLUSIVE MODE", &[]).unwrap();
        let (says, said) = channel();
        std::thread::spawn(move || {
            // Whoever waits has given up if this is not received.
            let _ = says.send(try_out(&config, &settings, Duration::from_millis(300)));
        });
        assert_eq!(said.recv_timeout(PATIENCE * 3).expect("it ends"), Ok(()));
    }

    #[test]
    fn tables_are_dealt_in_their_order() {
        let items: Vec<String> = ["a", "b", "c", "d", "e"].map(String::from).to_vec();
        let sizes = |maximum| groups(&items, maximum).iter().map(|group| group.len()).collect::<Vec<_>>();
        assert_eq!(sizes(1), [5]);
        assert_eq!(sizes(3), [2, 2, 1]);
        assert_eq!(sizes(9), [1; 5]);
        assert_eq!(groups(&items, 2)[1], ["d", "e"]);
        assert_eq!(groups(&[], 3).len(), 1);
    }

    #[test]
    fn lists_of_tables_are_taken_apart() {
        assert_eq!(split_tables(r#""s"."a,b","s"."c"",""d""#), [r#""s"."a,b""#, r#""s"."c"",""d""#]);
        assert_eq!(split_tables("`d`.`a,b`,`d`.`c`"), ["`d`.`a,b`", "`d`.`c`"]);
        assert!(split_tables("").is_empty());
    }

    #[test]
    fn only_positions_that_name_each_row_are_fit_for_exactly_once() {
        let support = |pairs: &[(&str, &str)]| {
            let config = config(&[pairs, &[(keys::WHITELIST, "t")]].concat());
            JdbcSource::default().exactly_once_support(&config).unwrap()
        };
        let mode = |mode| (keys::MODE, mode);
        assert_eq!(support(&[mode("incrementing")]), Support::SUPPORTED);
        assert_eq!(support(&[mode("incrementing"), (keys::GAPS, "wait")]), Support::UNSUPPORTED);
        assert_eq!(support(&[mode("bulk")]), Support::UNSUPPORTED);
    }

    #[test]
    fn offsets_that_fit_can_be_set() {
        let altered = |mode: &str, offset: Option<_>| {
            let config = config(&[(keys::MODE, mode), (keys::WHITELIST, "t"), (keys::TIMESTAMP, "x")]);
            let table = offset::table_partition(&TableId::bare("t"));
            JdbcSource::default().alter_offsets(&config, &OffsetChange::Alter(vec![(Some(table), offset)]))
        };
        let number = || Some(offset_map([("incrementing", Value::int64(5))]));
        assert!(altered("incrementing", number()).unwrap());
        assert!(altered("timestamp", Some(offset_map([]))).unwrap());
        assert!(altered("bulk", None).unwrap());
        for (mode, offset, part) in [
            ("bulk", number(), "No offsets are kept"),
            ("timestamp", number(), "needs 'timestamp'"),
            ("incrementing", Some(offset_map([("incrementing", "x".into())])), "a whole number"),
            ("incrementing", Some(offset_map([("incrementing", Value::int64(5)), ("gaps", "7".into())])), "below"),
        ] {
            let error = altered(mode, offset).unwrap_err();
            assert!(error.message().contains(part), "{error}");
        }
        let config = config(&[(keys::MODE, "bulk"), (keys::WHITELIST, "t")]);
        let query = OffsetChange::Alter(vec![(Some(offset::query_partition()), number())]);
        assert!(JdbcSource::default().alter_offsets(&config, &query).unwrap_err().message().contains("reads tables"));
    }
}
