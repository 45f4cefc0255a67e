//! The names of all metrics, one constant each. Groups, names and meanings are Kafka Connect's; programs that read them
//! there find them here.

/// The name of a metric and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    /// The group it is in.
    pub group: &'static str,
    /// The name within the group.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
}

/// Declares the metrics of one or more groups. What a metric means is written once, as its doc comment.
macro_rules! metrics {
    ($( $(#[$group_doc:meta])* $group:ident = $group_name:literal {
        $( #[doc = $doc:literal] $metric:ident = $name:literal; )+
    } )+) => {
        $(
            $(#[$group_doc])*
            pub const $group: &str = $group_name;
            $(
                #[doc = $doc]
                pub const $metric: Template =
                    Template { group: $group_name, name: $name, doc: $doc.trim_ascii() };
            )+
        )+

        /// Every metric, group by group.
        pub const ALL: &[Template] = &[ $( $( $metric, )+ )+ ];
    };
}

/// The tag that names a connector.
pub const CONNECTOR_TAG: &str = "connector";
/// The tag that names a task by its number.
pub const TASK_TAG: &str = "task";
/// The tag that names a transform by its alias.
pub const TRANSFORM_TAG: &str = "transform";
/// The tag that names a predicate by its alias.
pub const PREDICATE_TAG: &str = "predicate";
/// The tag that names a client, or the worker as one.
pub const CLIENT_TAG: &str = "client-id";
/// The tag that names what a task does with a batch.
pub const STAGE_TAG: &str = "stage";
/// The tag that names a topic.
pub const TOPIC_TAG: &str = "topic";
/// The tag that names a partition of a topic by its number.
pub const PARTITION_TAG: &str = "partition";

metrics! {
    /// One connector. Tag: connector.
    CONNECTOR_GROUP = "connector-metrics" {
        /// State of the connector: unassigned, running, paused, stopped, failed or restarting.
        CONNECTOR_STATUS = "status";
        /// Which way the connector moves records: source or sink.
        CONNECTOR_TYPE = "connector-type";
        /// Class name of the connector.
        CONNECTOR_CLASS = "connector-class";
        /// Version the connector gives itself.
        CONNECTOR_VERSION = "connector-version";
    }
    /// One task of either kind. Tags: connector, task.
    TASK_GROUP = "connector-task-metrics" {
        /// State of the task: unassigned, running, paused, failed or restarting.
        TASK_STATUS = "status";
        /// Share of its time that the task was running.
        RUNNING_RATIO = "running-ratio";
        /// Share of its time that the task was paused.
        PAUSE_RATIO = "pause-ratio";
        /// Longest time an offset commit took, in milliseconds.
        OFFSET_COMMIT_MAX_TIME = "offset-commit-max-time-ms";
        /// Average time an offset commit took, in milliseconds.
        OFFSET_COMMIT_AVG_TIME = "offset-commit-avg-time-ms";
        /// Share of offset commits that failed.
        OFFSET_COMMIT_FAILURE_PERCENTAGE = "offset-commit-failure-percentage";
        /// Share of offset commits that succeeded.
        OFFSET_COMMIT_SUCCESS_PERCENTAGE = "offset-commit-success-percentage";
        /// Records in the largest batch.
        BATCH_SIZE_MAX = "batch-size-max";
        /// Average number of records in a batch.
        BATCH_SIZE_AVG = "batch-size-avg";
        /// Class name of the connector.
        TASK_CONNECTOR_CLASS = "connector-class";
        /// Version the connector gives itself.
        TASK_CONNECTOR_VERSION = "connector-version";
        /// Which way the connector moves records: source or sink.
        TASK_CONNECTOR_TYPE = "connector-type";
        /// Class name of the task.
        TASK_CLASS = "task-class";
        /// Version the task gives itself.
        TASK_VERSION = "task-version";
        /// Class name of the key converter.
        KEY_CONVERTER_CLASS = "key-converter-class";
        /// Version of the key converter.
        KEY_CONVERTER_VERSION = "key-converter-version";
        /// Class name of the value converter.
        VALUE_CONVERTER_CLASS = "value-converter-class";
        /// Version of the value converter.
        VALUE_CONVERTER_VERSION = "value-converter-version";
        /// Class name of the header converter.
        HEADER_CONVERTER_CLASS = "header-converter-class";
        /// Version of the header converter.
        HEADER_CONVERTER_VERSION = "header-converter-version";
    }
    /// One transform of a task (since Kafka Connect 4.1). Tags: connector, task, transform.
    TRANSFORM_GROUP = "connector-transform-metrics" {
        /// Class name of the transform.
        TRANSFORM_CLASS = "transform-class";
        /// Version of the transform.
        TRANSFORM_VERSION = "transform-version";
    }
    /// One predicate of a task (since Kafka Connect 4.1). Tags: connector, task, predicate.
    PREDICATE_GROUP = "connector-predicate-metrics" {
        /// Class name of the predicate.
        PREDICATE_CLASS = "predicate-class";
        /// Version of the predicate.
        PREDICATE_VERSION = "predicate-version";
    }
    /// One source task. Tags: connector, task.
    SOURCE_TASK_GROUP = "source-task-metrics" {
        /// Records per second the task has produced, before transforms.
        SOURCE_RECORD_POLL_RATE = "source-record-poll-rate";
        /// Records the task has produced since it was started, before transforms.
        SOURCE_RECORD_POLL_TOTAL = "source-record-poll-total";
        /// Records per second written to Kafka, after transforms and without those they dropped.
        SOURCE_RECORD_WRITE_RATE = "source-record-write-rate";
        /// Records written to Kafka since the task was started, after transforms and without those they dropped.
        SOURCE_RECORD_WRITE_TOTAL = "source-record-write-total";
        /// Longest time the task took for a batch, in milliseconds.
        POLL_BATCH_MAX_TIME = "poll-batch-max-time-ms";
        /// Average time the task took for a batch, in milliseconds.
        POLL_BATCH_AVG_TIME = "poll-batch-avg-time-ms";
        /// Records produced by the task but not yet acknowledged by Kafka.
        SOURCE_RECORD_ACTIVE_COUNT = "source-record-active-count";
        /// Highest number of records produced but not yet acknowledged.
        SOURCE_RECORD_ACTIVE_COUNT_MAX = "source-record-active-count-max";
        /// Average number of records produced but not yet acknowledged.
        SOURCE_RECORD_ACTIVE_COUNT_AVG = "source-record-active-count-avg";
        /// Records in the smallest transaction (KIP-618).
        TRANSACTION_SIZE_MIN = "transaction-size-min";
        /// Records in the largest transaction (KIP-618).
        TRANSACTION_SIZE_MAX = "transaction-size-max";
        /// Average number of records in a transaction (KIP-618).
        TRANSACTION_SIZE_AVG = "transaction-size-avg";
    }
    /// One sink task. Tags: connector, task.
    SINK_TASK_GROUP = "sink-task-metrics" {
        /// Records per second read from Kafka, before transforms.
        SINK_RECORD_READ_RATE = "sink-record-read-rate";
        /// Records read from Kafka since the task was started, before transforms.
        SINK_RECORD_READ_TOTAL = "sink-record-read-total";
        /// Records per second given to the task, after transforms and without those they dropped.
        SINK_RECORD_SEND_RATE = "sink-record-send-rate";
        /// Records given to the task since it was started, after transforms and without those they dropped.
        SINK_RECORD_SEND_TOTAL = "sink-record-send-total";
        /// Records read from Kafka whose offsets are not yet committed.
        SINK_RECORD_ACTIVE_COUNT = "sink-record-active-count";
        /// Highest number of records read but not yet committed.
        SINK_RECORD_ACTIVE_COUNT_MAX = "sink-record-active-count-max";
        /// Average number of records read but not yet committed.
        SINK_RECORD_ACTIVE_COUNT_AVG = "sink-record-active-count-avg";
        /// Records that the task is behind the end of the partition that it is furthest behind in, as of the last fetch.
        SINK_RECORD_LAG_MAX = "sink-record-lag-max";
        /// Partitions assigned to the task.
        PARTITION_COUNT = "partition-count";
        /// Sequence number of the latest offset commit.
        OFFSET_COMMIT_SEQ_NO = "offset-commit-seq-no";
        /// Offset commits per second that succeeded.
        OFFSET_COMMIT_COMPLETION_RATE = "offset-commit-completion-rate";
        /// Offset commits that succeeded.
        OFFSET_COMMIT_COMPLETION_TOTAL = "offset-commit-completion-total";
        /// Answers to offset commits per second that came too late to count.
        OFFSET_COMMIT_SKIP_RATE = "offset-commit-skip-rate";
        /// Answers to offset commits that came too late to count.
        OFFSET_COMMIT_SKIP_TOTAL = "offset-commit-skip-total";
        /// Longest time the task took to accept a batch, in milliseconds.
        PUT_BATCH_MAX_TIME = "put-batch-max-time-ms";
        /// Average time the task took to accept a batch, in milliseconds.
        PUT_BATCH_AVG_TIME = "put-batch-avg-time-ms";
    }
    /// Records of one task that could not be processed (KIP-298). Tags: connector, task.
    ERROR_GROUP = "task-error-metrics" {
        /// Operations on records that failed, those that were tried again included.
        TOTAL_RECORD_FAILURES = "total-record-failures";
        /// Operations on records that failed for good.
        TOTAL_RECORD_ERRORS = "total-record-errors";
        /// Records skipped because of errors.
        TOTAL_RECORDS_SKIPPED = "total-records-skipped";
        /// Operations tried again.
        TOTAL_RETRIES = "total-retries";
        /// Errors written to the log.
        TOTAL_ERRORS_LOGGED = "total-errors-logged";
        /// Records sent to the dead-letter topic.
        DEADLETTERQUEUE_PRODUCE_REQUESTS = "deadletterqueue-produce-requests";
        /// Records that could not be written to the dead-letter topic.
        DEADLETTERQUEUE_PRODUCE_FAILURES = "deadletterqueue-produce-failures";
        /// When the task last met an error, in milliseconds since 1970; 0 if never.
        LAST_ERROR_TIMESTAMP = "last-error-timestamp";
    }
    /// The worker; the metrics with `connector-` and `-task-count` once per connector. Tags: none, or connector.
    WORKER_GROUP = "connect-worker-metrics" {
        /// Connectors on this worker.
        CONNECTOR_COUNT = "connector-count";
        /// Tasks on this worker.
        TASK_COUNT = "task-count";
        /// Connector starts that were tried.
        CONNECTOR_STARTUP_ATTEMPTS_TOTAL = "connector-startup-attempts-total";
        /// Connector starts that succeeded.
        CONNECTOR_STARTUP_SUCCESS_TOTAL = "connector-startup-success-total";
        /// Share of connector starts that succeeded.
        CONNECTOR_STARTUP_SUCCESS_PERCENTAGE = "connector-startup-success-percentage";
        /// Connector starts that failed.
        CONNECTOR_STARTUP_FAILURE_TOTAL = "connector-startup-failure-total";
        /// Share of connector starts that failed.
        CONNECTOR_STARTUP_FAILURE_PERCENTAGE = "connector-startup-failure-percentage";
        /// Task starts that were tried.
        TASK_STARTUP_ATTEMPTS_TOTAL = "task-startup-attempts-total";
        /// Task starts that succeeded.
        TASK_STARTUP_SUCCESS_TOTAL = "task-startup-success-total";
        /// Share of task starts that succeeded.
        TASK_STARTUP_SUCCESS_PERCENTAGE = "task-startup-success-percentage";
        /// Task starts that failed.
        TASK_STARTUP_FAILURE_TOTAL = "task-startup-failure-total";
        /// Share of task starts that failed.
        TASK_STARTUP_FAILURE_PERCENTAGE = "task-startup-failure-percentage";
        /// Tasks of the connector on this worker.
        CONNECTOR_TOTAL_TASK_COUNT = "connector-total-task-count";
        /// Running tasks of the connector on this worker.
        CONNECTOR_RUNNING_TASK_COUNT = "connector-running-task-count";
        /// Paused tasks of the connector on this worker.
        CONNECTOR_PAUSED_TASK_COUNT = "connector-paused-task-count";
        /// Failed tasks of the connector on this worker.
        CONNECTOR_FAILED_TASK_COUNT = "connector-failed-task-count";
        /// Unassigned tasks of the connector on this worker.
        CONNECTOR_UNASSIGNED_TASK_COUNT = "connector-unassigned-task-count";
        /// Destroyed tasks of the connector on this worker.
        CONNECTOR_DESTROYED_TASK_COUNT = "connector-destroyed-task-count";
        /// Restarting tasks of the connector on this worker.
        CONNECTOR_RESTARTING_TASK_COUNT = "connector-restarting-task-count";
    }
    /// What runs here. Tag: client-id, the worker's id.
    APP_INFO_GROUP = "app-info" {
        /// Version of the worker.
        APP_VERSION = "version";
        /// Commit that the worker was built from.
        APP_COMMIT = "commit-id";
        /// When the worker started, in milliseconds since 1970.
        APP_START_TIME = "start-time-ms";
    }
    /// What Kafka Connect does not tell. Tags: none, or connector, or connector and task, then stage, or topic and partition.
    OWN_GROUP = "ferroconnect" {
        /// Threads that hang in a plugin and were given up.
        ABANDONED_THREADS_TOTAL = "abandoned-threads-total";
        /// Automatic restarts of a connector and its tasks since the worker started.
        AUTOMATIC_RESTARTS_TOTAL = "automatic-restarts-total";
        /// Failed connectors and tasks that wait for their automatic restart.
        AUTOMATIC_RESTARTS_PENDING = "automatic-restarts-pending";
        /// Time that a stage took for a batch; the stages are poll, convert, transform, put, send and commit.
        STAGE_DURATION = "stage-duration-seconds";
        /// Bytes of keys and values that a source task has given to its producer and Kafka has not acknowledged.
        PRODUCER_QUEUE_BYTES = "producer-queue-bytes";
        /// Records fetched from Kafka that a sink task has not taken yet.
        CONSUMER_QUEUE_RECORDS = "consumer-queue-records";
        /// Records that a sink task is behind the end of a partition, as of the last fetch.
        SINK_PARTITION_LAG = "sink-partition-lag-records";
    }
    /// The worker as a process, under the names that Prometheus' own clients use. What the system does not tell is absent.
    PROCESS_GROUP = "process" {
        /// Memory in use that is not swapped out, in bytes.
        RESIDENT_MEMORY = "resident-memory-bytes";
        /// Address space in use, in bytes.
        VIRTUAL_MEMORY = "virtual-memory-bytes";
        /// Processor time used, in seconds.
        CPU_SECONDS = "cpu-seconds-total";
        /// Threads.
        THREADS = "threads";
        /// Open file descriptors.
        OPEN_FDS = "open-fds";
        /// The most file descriptors that may be open.
        MAX_FDS = "max-fds";
        /// When the worker started, in seconds since 1970.
        START_TIME = "start-time-seconds";
    }
}

/// What plugins register about themselves (KIP-877). Tags: connector, task, then the plugin's own.
pub const PLUGIN_GROUP: &str = "plugins";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_named_once_and_explained() {
        for (n, metric) in ALL.iter().enumerate() {
            assert!(metric.doc.ends_with('.') && !metric.doc.starts_with(' '), "{metric:?}");
            let same = |other: &&Template| (other.group, other.name) == (metric.group, metric.name);
            assert!(!ALL[..n].iter().any(|other| same(&other)), "{metric:?} twice");
        }
    }
}
