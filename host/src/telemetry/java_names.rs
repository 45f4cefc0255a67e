//! Where loggers of the Java worker live here, so that commands written for it reach the same part of this one.

/// A Java logger and the loggers that do its work here. A Java name that is not listed is a logger of its own: it can be
/// set and read, but nothing of the host logs under it.
const TABLE: &[(&str, &[&str])] = &[
    ("org.apache.kafka.connect", &["ferroconnect"]),
    (
        "org.apache.kafka.connect.runtime",
        &[
            "ferroconnect::worker",
            "ferroconnect::herder",
            "ferroconnect::pipeline",
            "ferroconnect::plugins",
            "ferroconnect::rest",
        ],
    ),
    ("org.apache.kafka.connect.runtime.AbstractHerder", &["ferroconnect::herder"]),
    ("org.apache.kafka.connect.runtime.distributed", &["ferroconnect::herder"]),
    ("org.apache.kafka.connect.runtime.errors", &["ferroconnect::pipeline"]),
    ("org.apache.kafka.connect.runtime.isolation", &["ferroconnect::plugins"]),
    ("org.apache.kafka.connect.runtime.rest", &["ferroconnect::rest"]),
    ("org.apache.kafka.connect.runtime.standalone", &["ferroconnect::herder"]),
    ("org.apache.kafka.connect.runtime.TransformationChain", &["ferroconnect::pipeline"]),
    ("org.apache.kafka.connect.runtime.Worker", &["ferroconnect::worker"]),
    ("org.apache.kafka.connect.runtime.WorkerConfig", &["ferroconnect::config"]),
    ("org.apache.kafka.connect.runtime.WorkerConnector", &["ferroconnect::worker"]),
    ("org.apache.kafka.connect.runtime.WorkerSinkTask", &["ferroconnect::worker::sink_loop"]),
    ("org.apache.kafka.connect.runtime.WorkerSourceTask", &["ferroconnect::worker::source_loop"]),
    ("org.apache.kafka.connect.storage", &["ferroconnect::storage"]),
    ("org.apache.kafka.clients", &["ferroconnect::kafka", "librdkafka", "rdkafka"]),
];

/// The loggers of this worker that answer to the Java name `canonical` (segments joined by dots), as listed.
pub(super) fn targets(canonical: &str) -> &'static [&'static str] {
    TABLE.iter().find(|(java, _)| *java == canonical).map_or(&[], |(_, targets)| targets)
}

/// The loggers of this worker that a change to `canonical` and everything below it reaches.
pub(super) fn targets_below(canonical: &str) -> impl Iterator<Item = &'static str> {
    TABLE.iter().filter(move |(java, _)| is_below(java, canonical)).flat_map(|(_, targets)| targets.iter().copied())
}

/// True if the dotted `name` is `ancestor` or lies below it.
pub(super) fn is_below(name: &str, ancestor: &str) -> bool {
    name.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ancestor_reaches_everything_below() {
        let reached: Vec<_> = targets_below("org.apache.kafka").collect();
        assert!(reached.contains(&"ferroconnect") && reached.contains(&"ferroconnect::kafka"));
        assert_eq!(targets_below("org.apache.kafka.connect.runtime.rest").collect::<Vec<_>>(), ["ferroconnect::rest"]);
        assert_eq!(targets_below("org.apache.kafka.conn").count(), 0);
    }

    #[test]
    fn only_listed_names_have_targets() {
        assert_eq!(targets("org.apache.kafka.connect"), ["ferroconnect"]);
        assert!(targets("no.such.logger").is_empty());
    }
}
