//! [`KafkaError`]: what librdkafka or a broker said.

use std::ffi::{CStr, c_char, c_int};
use std::fmt;

use rdkafka::bindings as rd;
use rdkafka::types::RDKafkaRespErr as Code;

use crate::error::{ConnectError, ErrorKind};

// The bindings take and give these codes as a Rust enum. Brokers may send codes that this version
// of librdkafka has no name for, so codes are kept as numbers here and never made into that enum.
unsafe extern "C" {
    #[link_name = "rd_kafka_err2name"]
    safe fn err2name(code: c_int) -> *const c_char;
    #[link_name = "rd_kafka_err2str"]
    safe fn err2str(code: c_int) -> *const c_char;
}

/// An error of librdkafka (negative code) or of a broker (positive code, as in the Kafka protocol).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaError {
    code: i32,
    /// Set when there is more to say than the standard text of the code.
    text: Option<Box<str>>,
    fatal: bool,
    retriable: bool,
    abort_transaction: bool,
}

impl KafkaError {
    /// The error of a bare code.
    pub(crate) fn from_code(code: i32) -> Self {
        Self {
            code,
            text: None,
            fatal: code == Code::RD_KAFKA_RESP_ERR__FATAL as i32 || code == Code::RD_KAFKA_RESP_ERR__FENCED as i32,
            retriable: RETRIABLE.iter().any(|known| *known as i32 == code),
            abort_transaction: false,
        }
    }

    /// A known code with a text of our own.
    pub(crate) fn new(code: Code, text: impl Into<String>) -> Self {
        Self::from_code(code as i32).with_text(text)
    }

    pub(crate) fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into().into_boxed_str());
        self
    }

    pub(crate) fn into_fatal(mut self) -> Self {
        self.fatal = true;
        self.retriable = false;
        self
    }

    /// `Ok` for the code of success.
    pub(crate) fn check(code: Code) -> Result<(), Self> {
        Self::check_code(code as i32)
    }

    /// `Ok` for the code of success.
    pub(crate) fn check_code(code: i32) -> Result<(), Self> {
        if code == 0 { Ok(()) } else { Err(Self::from_code(code)) }
    }

    /// Takes over an error object; null is success.
    ///
    /// # Safety
    /// `error` is null or an error object that nobody else destroys.
    pub(crate) unsafe fn take(error: *mut rd::rd_kafka_error_t) -> Result<(), Self> {
        if error.is_null() {
            return Ok(());
        }
        // SAFETY: by the contract of this function, `error` is valid until it is destroyed here.
        unsafe {
            let taken = Self::read(error);
            rd::rd_kafka_error_destroy(error);
            Err(taken)
        }
    }

    /// Reads an error object that stays the caller's.
    ///
    /// # Safety
    /// `error` is a valid error object.
    pub(crate) unsafe fn read(error: *const rd::rd_kafka_error_t) -> Self {
        // SAFETY: by the contract of this function.
        unsafe {
            let code = rd::rd_kafka_error_code(error) as i32;
            Self {
                code,
                text: Some(c_text(rd::rd_kafka_error_string(error)).into_owned().into()),
                fatal: rd::rd_kafka_error_is_fatal(error) != 0,
                retriable: rd::rd_kafka_error_is_retriable(error) != 0,
                abort_transaction: rd::rd_kafka_error_txn_requires_abort(error) != 0,
            }
        }
    }

    /// The numeric code: negative from librdkafka itself, positive from a broker.
    pub fn code(&self) -> i32 {
        self.code
    }

    /// The name of the code, for example `TOPIC_AUTHORIZATION_FAILED`.
    pub fn name(&self) -> &'static str {
        static_text(err2name(self.code))
    }

    /// What happened, without the code.
    pub fn text(&self) -> &str {
        match &self.text {
            Some(text) => text,
            None => static_text(err2str(self.code)),
        }
    }

    /// True if the same operation may succeed later without a change.
    pub fn is_retriable(&self) -> bool {
        self.retriable
    }

    /// True if the client cannot be used any more.
    pub fn is_fatal(&self) -> bool {
        self.fatal
    }

    /// True if the running transaction has to be aborted before anything else is tried.
    pub fn requires_abort(&self) -> bool {
        self.abort_transaction
    }

    /// True if a deadline passed.
    pub fn is_timeout(&self) -> bool {
        [
            Code::RD_KAFKA_RESP_ERR__TIMED_OUT,
            Code::RD_KAFKA_RESP_ERR__MSG_TIMED_OUT,
            Code::RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE,
            Code::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        ]
        .iter()
        .any(|code| self.is(*code))
    }

    /// True if a record is larger than the client or the topic allows.
    pub fn is_too_large(&self) -> bool {
        self.is(Code::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
    }

    /// True if the principal lacks a right.
    pub fn is_authorization(&self) -> bool {
        AUTHORIZATION.iter().any(|code| self.is(*code))
    }

    /// True if the broker did not accept the login or certificate, or the client not the broker's.
    /// Clients go on trying by themselves.
    pub fn is_authentication(&self) -> bool {
        [
            Code::RD_KAFKA_RESP_ERR__AUTHENTICATION,
            Code::RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
            Code::RD_KAFKA_RESP_ERR__SSL,
        ]
        .iter()
        .any(|code| self.is(*code))
    }

    /// True if this is the given code of librdkafka's list.
    pub fn is(&self, code: Code) -> bool {
        self.code == code as i32
    }

    /// The exception class of the Java clients for this code, where there is one of its own.
    pub fn java_class(&self) -> &'static str {
        JAVA_CLASSES
            .iter()
            .find(|(code, _)| self.is(*code))
            .map_or("org.apache.kafka.common.KafkaException", |(_, class)| class)
    }
}

/// Codes after which the same operation may succeed. Those of brokers are the retriable ones of
/// the Kafka protocol.
const RETRIABLE: &[Code] = &[
    Code::RD_KAFKA_RESP_ERR__TRANSPORT,
    Code::RD_KAFKA_RESP_ERR__RESOLVE,
    Code::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
    Code::RD_KAFKA_RESP_ERR__TIMED_OUT,
    Code::RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE,
    Code::RD_KAFKA_RESP_ERR__MSG_TIMED_OUT,
    Code::RD_KAFKA_RESP_ERR__QUEUE_FULL,
    Code::RD_KAFKA_RESP_ERR__WAIT_COORD,
    Code::RD_KAFKA_RESP_ERR__WAIT_CACHE,
    Code::RD_KAFKA_RESP_ERR__RETRY,
    Code::RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST,
    Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
    Code::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
    Code::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
    Code::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
    Code::RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE,
    Code::RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION,
    Code::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
    Code::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
    Code::RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
    Code::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
    Code::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    Code::RD_KAFKA_RESP_ERR_NOT_CONTROLLER,
    Code::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
    Code::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
    Code::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
    Code::RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
    Code::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
    Code::RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT,
    Code::RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED,
];

const AUTHORIZATION: &[Code] = &[
    Code::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
    Code::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
    Code::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
    Code::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    Code::RD_KAFKA_RESP_ERR_DELEGATION_TOKEN_AUTHORIZATION_FAILED,
];

/// Clients match on these names in dead-letter headers and traces.
const JAVA_CLASSES: &[(Code, &str)] = &[
    (Code::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "org.apache.kafka.common.errors.TopicAuthorizationException"),
    (Code::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, "org.apache.kafka.common.errors.GroupAuthorizationException"),
    (
        Code::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
        "org.apache.kafka.common.errors.ClusterAuthorizationException",
    ),
    (
        Code::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        "org.apache.kafka.common.errors.TransactionalIdAuthorizationException",
    ),
    (Code::RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, "org.apache.kafka.common.errors.SaslAuthenticationException"),
    (Code::RD_KAFKA_RESP_ERR__AUTHENTICATION, "org.apache.kafka.common.errors.SaslAuthenticationException"),
    (Code::RD_KAFKA_RESP_ERR__SSL, "org.apache.kafka.common.errors.SslAuthenticationException"),
    (Code::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "org.apache.kafka.common.errors.RecordTooLargeException"),
    (Code::RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, "org.apache.kafka.common.errors.RecordBatchTooLargeException"),
    (Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "org.apache.kafka.common.errors.UnknownTopicOrPartitionException"),
    (Code::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "org.apache.kafka.common.errors.UnknownTopicOrPartitionException"),
    (Code::RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, "org.apache.kafka.common.errors.UnknownTopicOrPartitionException"),
    (Code::RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, "org.apache.kafka.common.errors.InvalidTopicException"),
    (
        Code::RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR,
        "org.apache.kafka.common.errors.InvalidReplicationFactorException",
    ),
    (Code::RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, "org.apache.kafka.common.errors.InvalidPartitionsException"),
    (Code::RD_KAFKA_RESP_ERR_INVALID_CONFIG, "org.apache.kafka.common.errors.InvalidConfigurationException"),
    (Code::RD_KAFKA_RESP_ERR_POLICY_VIOLATION, "org.apache.kafka.common.errors.PolicyViolationException"),
    (Code::RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, "org.apache.kafka.common.errors.TopicExistsException"),
    (Code::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, "org.apache.kafka.common.errors.NotEnoughReplicasException"),
    (Code::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, "org.apache.kafka.common.errors.RebalanceInProgressException"),
    (
        Code::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
        "org.apache.kafka.common.errors.OutOfOrderSequenceException",
    ),
    (Code::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, "org.apache.kafka.common.errors.InvalidProducerEpochException"),
    (Code::RD_KAFKA_RESP_ERR__FENCED, "org.apache.kafka.common.errors.ProducerFencedException"),
    (Code::RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP, "org.apache.kafka.common.errors.GroupNotEmptyException"),
    (Code::RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND, "org.apache.kafka.common.errors.GroupIdNotFoundException"),
    (Code::RD_KAFKA_RESP_ERR__TIMED_OUT, "org.apache.kafka.common.errors.TimeoutException"),
    (Code::RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, "org.apache.kafka.common.errors.TimeoutException"),
    (Code::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, "org.apache.kafka.common.errors.TimeoutException"),
    (Code::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, "org.apache.kafka.clients.consumer.OffsetOutOfRangeException"),
];

impl fmt::Display for KafkaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.text(), self.name(), self.code)
    }
}

impl std::error::Error for KafkaError {}

impl From<KafkaError> for ConnectError {
    fn from(error: KafkaError) -> Self {
        let kind = if error.is_authorization() {
            ErrorKind::Authorization
        } else if error.is_timeout() {
            ErrorKind::Timeout
        } else if error.retriable {
            ErrorKind::Retriable
        } else {
            ErrorKind::Connect
        };
        Self::new(kind, error.to_string()).with_class(error.java_class())
    }
}

/// Text of a C string, lossily where it is not UTF-8; empty for null.
///
/// # Safety
/// `text` is null or a C string that lives and does not change for `'a`.
pub(super) unsafe fn c_text<'a>(text: *const c_char) -> std::borrow::Cow<'a, str> {
    if text.is_null() {
        return "".into();
    }
    // SAFETY: not null, and a C string by the contract of this function.
    unsafe { CStr::from_ptr(text) }.to_string_lossy()
}

/// The fixed text of a code. For codes without one, librdkafka formats a text into memory of the
/// calling thread, which must not be kept; those end with a question mark.
fn static_text(text: *const c_char) -> &'static str {
    // SAFETY: only called with what `err2name` and `err2str` gave just now: a C string.
    let text = unsafe { CStr::from_ptr(text) };
    if text.to_bytes().ends_with(b"?") {
        return "unknown error code";
    }
    // SAFETY: all other texts are constants of the library.
    let text: &'static CStr = unsafe { CStr::from_ptr(text.as_ptr()) };
    text.to_str().unwrap_or("unknown error code")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_names_texts_and_classes() {
        let error = KafkaError::from_code(29);
        assert_eq!(error.name(), "TOPIC_AUTHORIZATION_FAILED");
        assert!(error.is_authorization() && !error.is_retriable());
        assert_eq!(error.to_string(), "Broker: Topic authorization failed (TOPIC_AUTHORIZATION_FAILED, 29)");
        let outward = ConnectError::from(error);
        assert_eq!(outward.kind(), ErrorKind::Authorization);
        assert_eq!(outward.class_name(), "org.apache.kafka.common.errors.TopicAuthorizationException");
    }

    #[test]
    fn codes_from_a_newer_broker_are_no_trouble() {
        let error = KafkaError::from_code(9999);
        assert_eq!(error.name(), "unknown error code");
        assert_eq!(error.code(), 9999);
        assert!(!error.is_retriable());
    }
}
