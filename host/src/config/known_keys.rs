//! Which keys of a worker file are not a slip of the pen, and what an unknown one was meant to be.

use super::client_settings;
use super::def::ConfigDef;
use super::props::Props;

/// Keys that begin like this belong to someone else who knows them: clients, converters,
/// providers, topics.
const PREFIXES: &[&str] = &[
    "producer.",
    "consumer.",
    "admin.",
    "config.providers.",
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "listeners.https.",
    "admin.listeners.https.",
    "metrics.context.",
    "config.storage.",
    "offset.storage.",
    "status.storage.",
];

/// Keys of distributed workers. A standalone worker reads the same file without complaint.
const DISTRIBUTED: &[&str] = &[
    "config.storage.replication.factor",
    "config.storage.topic",
    "connect.protocol",
    "exactly.once.source.support",
    "inter.worker.key.generation.algorithm",
    "inter.worker.key.size",
    "inter.worker.key.ttl.ms",
    "inter.worker.signature.algorithm",
    "inter.worker.verification.algorithms",
    "offset.storage.partitions",
    "offset.storage.replication.factor",
    "offset.storage.topic",
    "rebalance.timeout.ms",
    "scheduled.rebalance.max.delay.ms",
    "status.storage.partitions",
    "status.storage.replication.factor",
    "status.storage.topic",
    "worker.sync.timeout.ms",
    "worker.unsync.backoff.ms",
];

/// Keys that had a meaning before Kafka 3.0.
const DEAD: &[&str] = &["internal.key.converter", "internal.value.converter"];

/// One warning for each key nobody knows, with the key that was probably meant, and one for all
/// dead keys together. `place` says where a key stands.
pub(super) fn warnings(def: &ConfigDef, props: &Props, place: impl Fn(&str) -> String) -> Vec<String> {
    let mut warnings = Vec::new();
    let is_dead = |key: &str| {
        DEAD.iter().any(|dead| key.strip_prefix(dead).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    };
    let dead: Vec<&str> = props.keys().filter(|key| is_dead(key)).collect();
    if !dead.is_empty() {
        warnings.push(format!(
            "The worker has been configured with one or more internal converter properties ([{}]). They have no \
             meaning since Kafka 3.0; internal data is always JSON without schemas",
            dead.join(", ")
        ));
    }
    for key in props.keys().filter(|key| !is_dead(key) && !is_known(def, key)) {
        let meant = match nearest(def, key) {
            Some(nearest) => format!("; did you mean '{nearest}'?"),
            None => String::new(),
        };
        warnings.push(format!("{}: '{key}' is not a key of the worker{meant}", place(key)));
    }
    warnings
}

/// Whether a key is one that a worker or one of its clients has by this very name.
pub(super) fn is_named(def: &ConfigDef, key: &str) -> bool {
    let of_client = ["producer.", "consumer.", "admin."].iter().find_map(|prefix| key.strip_prefix(prefix));
    let of_client = of_client.unwrap_or(key);
    def.get(key).is_some() || DISTRIBUTED.contains(&key) || client_settings::all_names().any(|name| name == of_client)
}

fn is_known(def: &ConfigDef, key: &str) -> bool {
    def.get(key).is_some()
        || DISTRIBUTED.contains(&key)
        // A worker's own clients take their settings without a prefix.
        || client_settings::all_names().any(|name| name == key)
        || key == OFFSET_FILE
        || PREFIXES.iter().any(|prefix| key.len() > prefix.len() && key.starts_with(prefix))
            // Not a setting of the offset topic, but that key misspelt.
            && !key.starts_with("offset.storage.file")
        || is_of_library(def, key)
}

/// `plugin.<package>.<key>` is for the library of that package, unless it looks like a slip in a key of the worker.
fn is_of_library(def: &ConfigDef, key: &str) -> bool {
    let parts = key.strip_prefix("plugin.").and_then(|rest| rest.split_once('.'));
    parts.is_some_and(|(package, rest)| !package.is_empty() && !rest.is_empty()) && nearest(def, key).is_none()
}

/// Known to every worker, so that one file can serve both modes.
const OFFSET_FILE: &str = "offset.storage.file.filename";

/// The known key that differs least, if it differs little enough to be the one that was meant.
fn nearest<'a>(def: &'a ConfigDef, key: &str) -> Option<&'a str> {
    let allowed = (key.len() / 5).clamp(1, 4);
    def.names()
        .chain(DISTRIBUTED.iter().copied())
        .chain(client_settings::all_names().map(|name| -> &'a str { name }))
        .map(|known| (strsim::osa_distance(known, key), known))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::worker_keys::{Mode, worker_def};

    fn warn(keys: &[&str]) -> Vec<String> {
        let props = keys.iter().map(|&key| (key.to_owned(), String::new())).collect();
        warnings(&worker_def(Mode::Standalone, false), &props, |_| "w:1".to_owned())
    }

    #[test]
    fn a_slip_gets_the_key_that_was_meant() {
        assert_eq!(
            warn(&[
                "offset.flush.intervall.ms",
                "plugin.paht",
                "plugin.prob.timeout.ms",
                "quite.another.thing",
                "offset.storage.file.name"
            ]),
            [
                "w:1: 'offset.flush.intervall.ms' is not a key of the worker; did you mean 'offset.flush.interval.ms'?",
                "w:1: 'plugin.paht' is not a key of the worker; did you mean 'plugin.path'?",
                "w:1: 'plugin.prob.timeout.ms' is not a key of the worker; did you mean 'plugin.probe.timeout.ms'?",
                "w:1: 'quite.another.thing' is not a key of the worker",
                "w:1: 'offset.storage.file.name' is not a key of the worker; did you mean 'offset.storage.file.filename'?",
            ]
        );
    }

    #[test]
    fn keys_of_others_are_left_alone() {
        let keys = [
            "plugin.jvm-bridge.java.home",
            "producer.acks",
            "key.converter.schemas.enable",
            "config.providers.file.class",
            "metrics.context.a",
            "sasl.jaas.config",
            "group.id",
            "config.storage.topic",
            "offset.storage.cleanup.policy",
            "listeners.https.ssl.keystore.location",
            "bootstrap.servers",
        ];
        assert_eq!(warn(&keys), Vec::<String>::new());
    }

    #[test]
    fn dead_keys_give_one_warning_in_total() {
        let warnings = warn(&[
            "internal.key.converter",
            "internal.key.converter.schemas.enable",
            "internal.value.converter",
            "internal.value.converter.schemas.enable",
        ]);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("internal.value.converter.schemas.enable"));
    }
}
