//! Keys of a connector that nobody will read, and what they were probably meant to be.
//!
//! A plugin may read keys that it does not define. So a key that nobody defines is told of only if it looks like a slip
//! in one that is known, or if it stands where only the worker reads and the worker will not.

use std::collections::HashSet;

use super::auto_restart;
use super::catalog::ConnectorKind;
use super::chain;
use super::client_settings::client_def;
use super::connector_keys::dead_letter_keys;
use super::converters::ConverterRole;
use super::dead_letters::{PUT_ERRORS, SOURCE_ENABLE, source_enabled};
use super::infos::ConfigInfos;
use super::overrides::ClientKind;
use super::props::Props;
use super::topic_creation::{DEFAULT_GROUP, GROUP_KEYS, PREFIX as TOPIC_CREATION};
use super::value::split_list;

/// The most sentences about one configuration.
const MOST: usize = 10;
/// Comparing takes time, so a huge configuration is not looked at as a whole. Nor are keys that no one wrote by hand.
const LOOKED_AT: usize = 200;
const LONGEST: usize = 200;

const DEAD_LETTERS: &str = "errors.deadletterqueue.";

/// What is to be said about the keys of a configuration, one sentence a key. Holds no values. `infos` has the definitions
/// of everything that the configuration uses.
pub(super) fn hints(kind: ConnectorKind, props: &Props, infos: &ConfigInfos) -> Vec<String> {
    let config = Configured::new(kind, props, infos);
    let unknown = props.keys().filter(|key| key.len() <= LONGEST && !config.known.contains(*key));
    let mut hints: Vec<String> = unknown.take(LOOKED_AT).filter_map(|key| config.hint(key)).collect();
    if hints.len() > MOST {
        let more = hints.len() - MOST;
        hints.truncate(MOST);
        hints.push(format!("and {more} more of this kind"));
    }
    hints
}

/// A configuration with what is known about it.
struct Configured<'a> {
    kind: ConnectorKind,
    props: &'a Props,
    /// The keys that have a definition, and those of this worker that Kafka Connect does not have.
    known: HashSet<String>,
    /// The clients the connector uses.
    clients: Vec<ClientKind>,
}

impl<'a> Configured<'a> {
    fn new(kind: ConnectorKind, props: &'a Props, infos: &ConfigInfos) -> Self {
        let definitions = infos.configs.iter().filter_map(|config| config.definition.as_ref());
        let restarts = auto_restart::keys().map(|key| key.name);
        let mut known: HashSet<String> = definitions.map(|key| key.name.clone()).chain(restarts).collect();
        match kind {
            ConnectorKind::Sink => known.extend([PUT_ERRORS.to_owned()]),
            ConnectorKind::Source => {
                known.extend([SOURCE_ENABLE.to_owned()]);
                // Where the value is wrong, that is told as an error.
                if source_enabled(props).unwrap_or(true) {
                    known.extend(dead_letter_keys().into_iter().map(|key| key.name));
                }
            }
        }
        Self { kind, props, known, clients: ClientKind::used_by(kind, props) }
    }

    fn hint(&self, key: &str) -> Option<String> {
        let shown = key.escape_debug();
        match self.meant(key) {
            Some(meant) => Some(format!("'{shown}' is not known; did you mean '{meant}'?")),
            None => self.why_not_read(key).map(|why| format!("'{shown}' has no effect, because {why}")),
        }
    }

    /// The known key that differs least, if it differs little enough to be the one that was meant.
    fn meant(&self, key: &str) -> Option<String> {
        let candidates = self.known.iter().cloned().chain(self.of_clients()).chain(self.of_topics());
        candidates
            // Who has set that one too means something else here.
            .filter(|known| !self.props.contains_key(known))
            .filter_map(|known| Some((slip(&known, key)?, known)))
            .min()
            .map(|(_, known)| known)
    }

    fn of_clients(&self) -> impl Iterator<Item = String> {
        let clients = self.clients.iter();
        clients.flat_map(|client| client_def(*client).names().map(|name| format!("{}{name}", client.override_prefix())))
    }

    fn topic_groups(&self) -> Vec<String> {
        let mut groups = split_list(self.props.get("topic.creation.groups").unwrap_or_default());
        groups.push(DEFAULT_GROUP.to_owned());
        groups
    }

    fn of_topics(&self) -> impl Iterator<Item = String> {
        let groups = if self.kind == ConnectorKind::Source { self.topic_groups() } else { Vec::new() };
        groups.into_iter().flat_map(|group| GROUP_KEYS.map(|key| format!("{TOPIC_CREATION}{group}.{key}")))
    }

    /// Why the worker will not read a key that stands where nobody else reads.
    fn why_not_read(&self, key: &str) -> Option<String> {
        for list in ["transforms", "predicates"] {
            let listed = || chain::aliases(self.props, list);
            if let Some(alias) = foreign_alias(key, &format!("{list}."), listed) {
                return Some(format!("'{}' is not one of those in '{list}'", alias.escape_debug()));
            }
        }
        let converter = ConverterRole::ALL.into_iter().find(|role| is_under(key, role.key()));
        if let Some(role) = converter.filter(|role| self.props.get(role.key()).is_none()) {
            return Some(format!(
                "'{}' is not set: the worker's converter is used with the worker's settings",
                role.key()
            ));
        }
        let client = ClientKind::ALL.into_iter().find(|client| key.starts_with(client.override_prefix()));
        if let Some(client) = client.filter(|client| !self.clients.contains(client)) {
            return Some(format!("this connector uses no {} client", client.name()));
        }
        match self.kind {
            ConnectorKind::Source if key.starts_with(DEAD_LETTERS) => {
                Some(format!("a source needs '{SOURCE_ENABLE}=true' for dead letters"))
            }
            ConnectorKind::Sink if key == SOURCE_ENABLE || key.starts_with(TOPIC_CREATION) => {
                Some("it is for sources".to_owned())
            }
            ConnectorKind::Source => foreign_alias(key, TOPIC_CREATION, || self.topic_groups())
                .map(|group| format!("'{}' is not one of those in 'topic.creation.groups'", group.escape_debug())),
            ConnectorKind::Sink => None,
        }
    }
}

fn is_under(key: &str, parent: &str) -> bool {
    key.strip_prefix(parent).is_some_and(|rest| rest.starts_with('.'))
}

/// The name behind `prefix` in a key like `transforms.NAME.field`, if it is none of those that are listed. A name may
/// have dots.
fn foreign_alias<'a>(key: &'a str, prefix: &str, listed: impl Fn() -> Vec<String>) -> Option<&'a str> {
    let rest = key.strip_prefix(prefix)?;
    let (alias, _) = rest.split_once('.')?;
    (!listed().iter().any(|name| is_under(rest, name))).then_some(alias)
}

/// How far a key is from a known one, in letters; `None` if too far for a slip. How far is too far depends on the length
/// of the part that is not the same.
fn slip(known: &str, key: &str) -> Option<usize> {
    let (known, key) = (known.to_lowercase(), key.to_lowercase());
    let mut same = 0;
    for ((at, a), b) in known.char_indices().zip(key.chars()) {
        if a != b {
            break;
        }
        if a == '.' {
            same = at + 1;
        }
    }
    let (known, key) = (&known[same..], &key[same..]);
    let allowed = match key.chars().count() {
        0..=2 => 0,
        length => (length / 5).clamp(1, 4),
    };
    let distance = strsim::osa_distance(known, key);
    (distance <= allowed).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::def::{ConfigDef, ConfigKey, Importance};
    use crate::config::value::Type;

    const DEFINED: [&str; 9] = [
        "name",
        "connector.class",
        "tasks.max",
        "topics",
        "file",
        "value.converter",
        "errors.tolerance",
        "transforms.a.type",
        "transforms.a.field",
    ];

    #[track_caller]
    fn of(kind: ConnectorKind, keys: &[(&str, &str)], expected: &[&str]) {
        let props: Props = keys.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let def = DEFINED
            .iter()
            .fold(ConfigDef::new(), |def, name| def.key(ConfigKey::nullable(name, Type::String, Importance::Low, "")));
        let infos = ConfigInfos::assemble("X", def.infos(), [], []);
        assert_eq!(hints(kind, &props, &infos), expected);
    }

    fn source(keys: &[(&str, &str)], expected: &[&str]) {
        of(ConnectorKind::Source, keys, expected);
    }

    #[test]
    fn slips_get_the_key_that_was_meant() {
        source(
            &[("taks.max", "s3cret"), ("File", "1"), ("errors.tolerence", "1"), ("value.convertor", "1")],
            &[
                "'taks.max' is not known; did you mean 'tasks.max'?",
                "'File' is not known; did you mean 'file'?",
                "'errors.tolerence' is not known; did you mean 'errors.tolerance'?",
                "'value.convertor' is not known; did you mean 'value.converter'?",
            ],
        );
        source(
            &[("transforms", "a"), ("transforms.a.feild", "1"), ("producer.overide.linger.ms", "1")],
            &[
                "'transforms.a.feild' is not known; did you mean 'transforms.a.field'?",
                "'producer.overide.linger.ms' is not known; did you mean 'producer.override.linger.ms'?",
            ],
        );
        source(
            &[("topic.creation.default.partition", "1")],
            &["'topic.creation.default.partition' is not known; did you mean 'topic.creation.default.partitions'?"],
        );
    }

    #[test]
    fn what_a_plugin_may_read_is_left_alone() {
        source(
            &[
                ("table.orders.key", "1"),
                ("transforms", "a"),
                ("transforms.a.column.x", "1"),
                ("value.converter", "X"),
                ("value.converter.registry.url", "1"),
                ("producer.override.acks", "1"),
                ("producer.override.queue.buffering.max.kbytes", "1"),
                ("topic.creation.groups", "g.h"),
                ("topic.creation.g.h.cleanup.policy", "1"),
                ("errors.deadletterqueue.source.enable", "false"),
                ("restart.automatic.enable", "true"),
                ("x", "1"),
                ("", "1"),
            ],
            &[],
        );
        // Both are there, so one is not the other misspelt.
        source(&[("topics", "1"), ("topic", "1")], &[]);
    }

    #[test]
    fn what_the_worker_will_not_read_is_told() {
        source(
            &[
                ("transforms", "a.b"),
                ("transforms.a.b.field", "1"),
                ("transforms.b.field", "1"),
                ("predicates.p.type", "1"),
                ("value.converter.schemas.enable", "1"),
                ("consumer.override.max.poll.records", "1"),
                ("topic.creation.other.partitions", "1"),
                ("errors.deadletterqueue.topic.name", "1"),
            ],
            &[
                "'transforms.b.field' is not known; did you mean 'transforms.a.field'?",
                "'predicates.p.type' has no effect, because 'p' is not one of those in 'predicates'",
                "'value.converter.schemas.enable' has no effect, because 'value.converter' is not set: the worker's \
                 converter is used with the worker's settings",
                "'consumer.override.max.poll.records' has no effect, because this connector uses no consumer client",
                "'topic.creation.other.partitions' has no effect, because 'other' is not one of those in \
                 'topic.creation.groups'",
                "'errors.deadletterqueue.topic.name' has no effect, because a source needs \
                 'errors.deadletterqueue.source.enable=true' for dead letters",
            ],
        );
        of(
            ConnectorKind::Sink,
            &[("topic.creation.default.partitions", "1"), ("errors.deadletterqueue.put.errors", "none")],
            &["'topic.creation.default.partitions' has no effect, because it is for sources"],
        );
    }

    #[test]
    fn a_line_does_not_grow_without_end_or_break() {
        let keys: Vec<(String, &str)> = (0..15).map(|n| (format!("transforms.x{n}\n.type"), "1")).collect();
        let keys: Vec<(&str, &str)> = keys.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        let props: Props = keys.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let all = hints(ConnectorKind::Sink, &props, &ConfigInfos::assemble("X", [], [], []));
        assert_eq!((all.len(), all[10].as_str()), (11, "and 5 more of this kind"));
        assert!(!all.concat().contains('\n'));
    }
}
