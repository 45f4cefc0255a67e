//! The statements that read rows.

use super::offset::Offset;
use super::times::{Clock, Instant};
use crate::db::{Column, SqlValue, TypeClass};
use crate::dialect::{Database, Dialect, TableId};
use std::ops::RangeInclusive;

/// How SQLite's times are brought into one form: as text with milliseconds.
const SQLITE_FORM: &str = "%Y-%m-%d %H:%M:%f";

/// What is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    /// A table.
    Table(TableId),
    /// The result of a query.
    Query(String),
}

impl Subject {
    fn select(&self, dialect: Dialect, whole: bool) -> String {
        match self {
            Subject::Table(table) => format!("SELECT * FROM {}", dialect.table(table)),
            Subject::Query(query) if whole => trimmed(query).to_owned(),
            // Conditions stand around the query, so that it may have clauses of its own. It may end in a comment.
            Subject::Query(query) => format!("SELECT * FROM (\n{}\n) AS result", trimmed(query)),
        }
    }
}

/// A query without the semicolon that people end it with.
pub(super) fn trimmed(query: &str) -> &str {
    query.trim().trim_end_matches(|character: char| character == ';' || character.is_whitespace())
}

/// A column with times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TimeColumn {
    /// Its name.
    pub(super) name: String,
    /// Whether its values are points in time.
    pub(super) with_zone: bool,
    /// What its values are multiples of.
    pub(super) grain: Grain,
}

/// What the times of a column are multiples of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grain {
    /// A day.
    Day,
    /// So many digits of a second.
    Digits(u32),
}

impl TimeColumn {
    /// As far as it matters here.
    pub(super) fn new(column: &Column, database: Database) -> TimeColumn {
        let digits = || column.scale.and_then(|scale| u32::try_from(scale).ok()).unwrap_or(9);
        let grain = match (column.class, database) {
            (TypeClass::Date, _) => Grain::Day,
            // A column does not say how fine its times are, and CURRENT_TIMESTAMP has whole seconds.
            (_, Database::Sqlite) => Grain::Digits(0),
            _ => Grain::Digits(digits()),
        };
        TimeColumn { name: column.name.clone(), with_zone: column.class == TypeClass::TimestampWithZone, grain }
    }

    /// The latest time of this column that no row will get any more at `now`: what it holds of `now` may yet be given to
    /// rows.
    pub(super) fn over(&self, now: Instant, clock: &Clock) -> Instant {
        match self.grain {
            Grain::Digits(digits) => now.cut(digits),
            Grain::Day => clock.midnight(now),
        }
    }
}

/// The columns that tell which rows are new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tracking {
    /// None: all rows are read each time.
    Bulk,
    /// A column that grows.
    Incrementing(String),
    /// Columns with the time of the last change; never empty.
    Timestamp(Vec<TimeColumn>),
    /// Both.
    Both(Vec<TimeColumn>, String),
}

impl Tracking {
    /// The columns with times.
    pub(super) fn times(&self) -> &[TimeColumn] {
        match self {
            Tracking::Timestamp(times) | Tracking::Both(times, _) => times,
            Tracking::Bulk | Tracking::Incrementing(_) => &[],
        }
    }

    /// The column that grows.
    pub(super) fn incrementing(&self) -> Option<&str> {
        match self {
            Tracking::Incrementing(column) | Tracking::Both(_, column) => Some(column),
            Tracking::Bulk | Tracking::Timestamp(_) => None,
        }
    }
}

/// Where a query begins and ends.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Range {
    /// Behind this.
    pub(super) after: Offset,
    /// Before this; for tracked times.
    pub(super) before: Option<Instant>,
}

/// A statement with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    /// The text.
    pub(super) sql: String,
    /// What stands in place of the placeholders.
    pub(super) parameters: Vec<SqlValue>,
}

/// Puts statements together.
#[derive(Debug, Clone)]
pub(super) struct Statements<'a> {
    pub(super) dialect: Dialect,
    pub(super) clock: &'a Clock,
    /// `query.suffix`.
    pub(super) suffix: &'a str,
}

impl Statements<'_> {
    /// The statement that reads the rows in a range.
    pub(super) fn read(&self, subject: &Subject, tracking: &Tracking, range: Range) -> Statement {
        let mut builder = Builder { dialect: self.dialect, parameters: Vec::new() };
        let (condition, order) = match tracking {
            Tracking::Bulk => (None, None),
            Tracking::Incrementing(column) => {
                let column = self.dialect.name(column);
                let after = range.after.incrementing;
                let condition = after.map(|after| format!("{column} > {}", builder.bind(SqlValue::Int(after))));
                (condition, Some(column))
            }
            Tracking::Timestamp(times) => {
                let time = self.time(times);
                let condition = self.between(&mut builder, times, &time, range);
                (condition, Some(time))
            }
            Tracking::Both(times, column) => {
                let (time, column) = (self.time(times), self.dialect.name(column));
                let condition = self.behind(&mut builder, times, &time, &column, range);
                (condition, Some(format!("{time}, {column}")))
            }
        };
        let mut sql = subject.select(self.dialect, *tracking == Tracking::Bulk);
        if let Some(condition) = condition {
            sql += &format!(" WHERE {condition}");
        }
        if let Some(order) = order {
            sql += &format!(" ORDER BY {order} ASC");
        }
        if !self.suffix.is_empty() {
            // The query may end in a comment.
            sql += &format!("\n{}", self.suffix);
        }
        Statement { sql, parameters: builder.parameters }
    }

    /// The statement that reads the rows whose numbers are in these ranges, of which there is at least one. A range from
    /// [`i64::MIN`] on has no lower bound, for the column may not hold that. `query.suffix` does not stand behind it: a
    /// LIMIT would make rows look as if they were not there.
    pub(super) fn among(&self, subject: &Subject, column: &str, ranges: &[RangeInclusive<i64>]) -> Statement {
        let mut builder = Builder { dialect: self.dialect, parameters: Vec::new() };
        let column = self.dialect.name(column);
        let (single, wide): (Vec<_>, Vec<_>) = ranges.iter().partition(|range| range.start() == range.end());
        let mut conditions = Vec::new();
        for range in wide {
            let first = (*range.start() != i64::MIN).then(|| builder.bind(SqlValue::Int(*range.start())));
            let last = builder.bind(SqlValue::Int(*range.end()));
            conditions.push(match first {
                Some(first) => format!("{column} BETWEEN {first} AND {last}"),
                None => format!("{column} <= {last}"),
            });
        }
        if !single.is_empty() {
            let numbers: Vec<_> = single.iter().map(|range| builder.bind(SqlValue::Int(*range.start()))).collect();
            conditions.push(format!("{column} IN ({})", numbers.join(", ")));
        }
        let select = subject.select(self.dialect, false);
        let sql = format!("{select} WHERE {} ORDER BY {column} ASC", conditions.join(" OR "));
        Statement { sql, parameters: builder.parameters }
    }

    /// The statement whose columns are those of the subject.
    pub(super) fn describe(&self, subject: &Subject) -> String {
        subject.select(self.dialect, true)
    }

    /// `time > after AND time < before`.
    fn between(&self, builder: &mut Builder, times: &[TimeColumn], time: &str, range: Range) -> Option<String> {
        let after = range.after.timestamp.map(|after| format!("{time} > {}", self.bind(builder, times, after)));
        let before = range.before.map(|before| format!("{time} < {}", self.bind(builder, times, before)));
        let both: Vec<_> = [after, before].into_iter().flatten().collect();
        (!both.is_empty()).then(|| both.join(" AND "))
    }

    /// `time < before AND ((time = after AND column > last) OR time > after)`; without a last row all of the time
    /// `after` count as new.
    fn behind(
        &self,
        builder: &mut Builder,
        times: &[TimeColumn],
        time: &str,
        column: &str,
        range: Range,
    ) -> Option<String> {
        let before = range.before.map(|before| format!("{time} < {}", self.bind(builder, times, before)));
        let after = range.after.timestamp.map(|after| {
            let first = self.bind(builder, times, after);
            let Some(last) = range.after.incrementing else { return format!("{time} >= {first}") };
            let last = builder.bind(SqlValue::Int(last));
            let second = self.bind(builder, times, after);
            format!("(({time} = {first} AND {column} > {last}) OR {time} > {second})")
        });
        let both: Vec<_> = [before, after].into_iter().flatten().collect();
        (!both.is_empty()).then(|| both.join(" AND "))
    }

    /// The time of a row: the first of the columns that is not NULL.
    fn time(&self, times: &[TimeColumn]) -> String {
        let columns: Vec<_> = times.iter().map(|column| self.time_column(&column.name)).collect();
        match columns.as_slice() {
            [only] => only.clone(),
            several => format!("COALESCE({})", several.join(", ")),
        }
    }

    fn time_column(&self, name: &str) -> String {
        let name = self.dialect.name(name);
        match self.dialect.database {
            // Times are texts of several forms there, or milliseconds: only in one form can they be compared.
            Database::Sqlite => format!(
                "CASE typeof({name}) WHEN 'integer' THEN strftime('{SQLITE_FORM}', {name} / 1000.0, 'unixepoch') ELSE \
                 strftime('{SQLITE_FORM}', {name}) END"
            ),
            _ => name,
        }
    }

    fn bind(&self, builder: &mut Builder, times: &[TimeColumn], instant: Instant) -> String {
        let value = match self.dialect.database {
            Database::Sqlite => {
                // SQLite rounds times to milliseconds.
                let rounded = Instant::from_nanos(instant.nanos() + 500_000).cut(3);
                let local = self.clock.civil(rounded);
                let text = format!("{}.{:03}", local.strftime("%Y-%m-%d %H:%M:%S"), local.millisecond());
                SqlValue::Text(text)
            }
            _ => self.clock.bound(instant, times.first().is_some_and(|column| column.with_zone)),
        };
        builder.bind(value)
    }
}

struct Builder {
    dialect: Dialect,
    parameters: Vec<SqlValue>,
}

impl Builder {
    fn bind(&mut self, value: SqlValue) -> String {
        self.parameters.push(value);
        self.dialect.placeholder(self.parameters.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::datetime;
    use jiff::tz::TimeZone;

    fn time(name: &str) -> TimeColumn {
        TimeColumn { name: name.into(), with_zone: false, grain: Grain::Digits(6) }
    }

    fn read(database: Database, subject: &Subject, tracking: &Tracking, range: Range, suffix: &str) -> Statement {
        let clock = Clock::new(TimeZone::fixed(jiff::tz::offset(2)), true);
        let dialect = Dialect { database, quote: true };
        Statements { dialect, clock: &clock, suffix }.read(subject, tracking, range)
    }

    fn table() -> Subject {
        Subject::Table(TableId { catalog: None, schema: Some("s".into()), name: "t".into() })
    }

    fn range(incrementing: Option<i64>, after: Option<i64>, before: Option<i64>) -> Range {
        let instant = |millis: Option<i64>| millis.map(Instant::from_millis);
        Range { after: Offset { incrementing, timestamp: instant(after) }, before: instant(before) }
    }

    fn hour(hour: i8) -> SqlValue {
        SqlValue::DateTime(datetime(1970, 1, 1, hour, 0, 0, 0))
    }

    #[test]
    fn each_mode_has_its_conditions() {
        let postgres = |tracking: &Tracking, range| read(Database::Postgres, &table(), tracking, range, "");
        let all = "SELECT * FROM \"s\".\"t\"";
        let nothing = Range::default();
        assert_eq!(postgres(&Tracking::Bulk, nothing).sql, all);

        let incrementing = Tracking::Incrementing("id".into());
        assert_eq!(postgres(&incrementing, nothing).sql, format!("{all} ORDER BY \"id\" ASC"));
        let more = postgres(&incrementing, range(Some(7), None, None));
        assert_eq!(more.sql, format!("{all} WHERE \"id\" > $1 ORDER BY \"id\" ASC"));
        assert_eq!(more.parameters, [SqlValue::Int(7)]);

        let timestamp = Tracking::Timestamp(vec![time("a"), time("b")]);
        let more = postgres(&timestamp, range(None, Some(0), Some(3_600_000)));
        let either = "COALESCE(\"a\", \"b\")";
        assert_eq!(more.sql, format!("{all} WHERE {either} > $1 AND {either} < $2 ORDER BY {either} ASC"));
        assert_eq!(more.parameters, [hour(2), hour(3)]);

        let both = Tracking::Both(vec![time("a")], "id".into());
        let more = postgres(&both, range(Some(7), Some(0), Some(3_600_000)));
        let condition = "\"a\" < $1 AND ((\"a\" = $2 AND \"id\" > $3) OR \"a\" > $4)";
        assert_eq!(more.sql, format!("{all} WHERE {condition} ORDER BY \"a\", \"id\" ASC"));
        assert_eq!(more.parameters, [hour(3), hour(2), SqlValue::Int(7), hour(2)]);
        let first = postgres(&both, range(None, Some(0), Some(3_600_000)));
        assert!(first.sql.contains("WHERE \"a\" < $1 AND \"a\" >= $2 ORDER"), "{}", first.sql);
    }

    #[test]
    fn conditions_stand_around_a_query() {
        let query = Subject::Query("SELECT id FROM t WHERE x = 1 OR y = 2 -- all ;\n; ".into());
        let text = "SELECT id FROM t WHERE x = 1 OR y = 2 -- all";
        let bulk = read(Database::MySql, &query, &Tracking::Bulk, Range::default(), "LIMIT 5");
        assert_eq!(bulk.sql, format!("{text}\nLIMIT 5"));
        let more =
            read(Database::MySql, &query, &Tracking::Incrementing("id".into()), range(Some(1), None, None), "LIMIT 5");
        assert_eq!(more.sql, format!("SELECT * FROM (\n{text}\n) AS result WHERE `id` > ? ORDER BY `id` ASC\nLIMIT 5"));
    }

    #[test]
    fn missing_numbers_are_looked_for() {
        let clock = Clock::new(TimeZone::UTC, true);
        let among = |database, subject: Subject, ranges: &[RangeInclusive<i64>]| {
            let dialect = Dialect { database, quote: true };
            Statements { dialect, clock: &clock, suffix: "LIMIT 1" }.among(&subject, "id", ranges)
        };
        let found = among(Database::Postgres, table(), &[i64::MIN..=1, 3..=3, 5..=8, 10..=10]);
        let conditions = "\"id\" <= $1 OR \"id\" BETWEEN $2 AND $3 OR \"id\" IN ($4, $5)";
        assert_eq!(found.sql, format!("SELECT * FROM \"s\".\"t\" WHERE {conditions} ORDER BY \"id\" ASC"));
        assert_eq!(found.parameters, [1, 5, 8, 3, 10].map(SqlValue::Int));
        let found = among(Database::MySql, Subject::Query("SELECT 1 AS id;".into()), &[3..=3]);
        assert_eq!(found.sql, "SELECT * FROM (\nSELECT 1 AS id\n) AS result WHERE `id` IN (?) ORDER BY `id` ASC");
    }

    #[test]
    fn a_column_with_a_zone_is_held_to_a_point_in_time() {
        let mut zoned = time("a");
        zoned.with_zone = true;
        let tracking = Tracking::Timestamp(vec![zoned]);
        let more = read(Database::Postgres, &table(), &tracking, range(None, Some(0), None), "");
        assert_eq!(more.parameters, [SqlValue::Instant(Instant::from_millis(0))]);
    }

    #[test]
    fn times_of_sqlite_are_compared_in_one_form() {
        let tracking = Tracking::Timestamp(vec![time("a")]);
        let mut late = range(None, Some(0), None);
        late.after.timestamp = Some(Instant::from_nanos(1_600_000));
        let more = read(Database::Sqlite, &table(), &tracking, late, "");
        assert!(more.sql.contains("ELSE strftime('%Y-%m-%d %H:%M:%f', \"a\") END > ?"), "{}", more.sql);
        assert_eq!(more.parameters, [SqlValue::Text("1970-01-01 02:00:00.002".into())]);
    }
}
