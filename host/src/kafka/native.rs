//! Owners of librdkafka's objects: client handles, their queues, and where their log lines go.

use std::any::Any;
use std::ffi::{CString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::bindings as rd;
use rdkafka::types::RDKafkaRespErr as Code;
use tracing::Level;

use super::client_config::{ClientSettings, Role};
use super::error::{KafkaError, c_text};
use crate::error::{ConnectError, Result};

/// `RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE`: leave the group to [`super::BatchConsumer`], which does
/// it on the thread that serves rebalances.
const NO_CONSUMER_CLOSE: c_int = 0x8;

/// Room for librdkafka's error texts.
const ERROR_TEXT_BYTES: usize = 512;

/// Milliseconds for librdkafka; what does not fit waits as long as it can.
pub(super) fn millis(duration: Duration) -> c_int {
    c_int::try_from(duration.as_millis()).unwrap_or(c_int::MAX)
}

/// A C string for librdkafka; a NUL byte inside is the caller's mistake and named as such.
pub(super) fn c_string(what: &str, text: &str) -> Result<CString, KafkaError> {
    CString::new(text).map_err(|_| {
        KafkaError::new(
            Code::RD_KAFKA_RESP_ERR__INVALID_ARG,
            format!("The {what} {text:?} holds a NUL character; Kafka does not allow that"),
        )
    })
}

/// What every handle carries for its callbacks. Log lines come from librdkafka's own threads.
pub(super) struct Context {
    client_id: String,
    /// The span the client was made in; gives its log lines the connector and task.
    span: tracing::Span,
    /// The newest error that belongs to the client as a whole, such as an unreachable broker.
    last_error: Mutex<Option<KafkaError>>,
    /// State of the consumer's callbacks; see `consumer::rebalance`.
    pub(super) callbacks: Box<dyn Any + Send + Sync>,
}

impl Context {
    /// Remembers an error. That all brokers are down is less news than what the last of them
    /// failed of, which names its address.
    pub(super) fn note_error(&self, error: KafkaError) {
        let mut last = self.last_error.lock();
        if last.is_none() || !error.is(Code::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
            *last = Some(error);
        }
    }
}

/// A configuration that was not yet made into a client.
pub(super) struct Conf(NonNull<rd::rd_kafka_conf_t>);

impl Conf {
    pub(super) fn new() -> Self {
        // SAFETY: takes nothing, gives a new object.
        let conf = unsafe { rd::rd_kafka_conf_new() };
        Self(NonNull::new(conf).expect("librdkafka aborts when it has no memory"))
    }

    pub(super) fn as_ptr(&self) -> *mut rd::rd_kafka_conf_t {
        self.0.as_ptr()
    }

    /// Sets one property of librdkafka; the error is its own text.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let (Ok(name), Ok(value)) = (CString::new(name), CString::new(value)) else {
            return Err("holds a NUL character".to_owned());
        };
        let mut text = [0; ERROR_TEXT_BYTES];
        // SAFETY: all pointers are valid for the call; the length is that of the buffer.
        let result = unsafe {
            rd::rd_kafka_conf_set(self.as_ptr(), name.as_ptr(), value.as_ptr(), text.as_mut_ptr(), text.len())
        };
        match result {
            rd::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK => Ok(()),
            _ => Err(buffer_text(&text)),
        }
    }
}

impl Drop for Conf {
    fn drop(&mut self) {
        // SAFETY: owned here; a conf that became a client was forgotten, not dropped.
        unsafe { rd::rd_kafka_conf_destroy(self.as_ptr()) }
    }
}

fn buffer_text(buffer: &[c_char]) -> String {
    // SAFETY: librdkafka ends what it writes with NUL, and the buffer began as zeros.
    unsafe { c_text(buffer.as_ptr()) }.into_owned()
}

/// A librdkafka client. Shared by everything that borrows memory from it, and destroyed with the
/// last of these, on whichever thread that is.
pub(super) struct Handle {
    client: NonNull<rd::rd_kafka_t>,
    context: Box<Context>,
    role: Role,
}

// SAFETY: librdkafka's clients are thread-safe, and `Context` is Sync.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    /// Makes a client. `prepare` may register callbacks on the configuration; `callbacks` becomes
    /// [`Context::callbacks`].
    pub(super) fn new(
        settings: &ClientSettings,
        callbacks: Box<dyn Any + Send + Sync>,
        prepare: impl FnOnce(&mut Conf),
    ) -> Result<Self> {
        let mut conf = settings.to_conf()?;
        prepare(&mut conf);
        let context = Box::new(Context {
            client_id: settings.client_id().to_owned(),
            span: tracing::Span::current(),
            last_error: Mutex::new(None),
            callbacks,
        });
        let opaque = std::ptr::from_ref(&*context).cast_mut().cast::<c_void>();
        // SAFETY: `opaque` points into a box that lives until the client is destroyed (field
        // order and `drop` below); the callbacks are functions of this crate.
        unsafe {
            rd::rd_kafka_conf_set_opaque(conf.as_ptr(), opaque);
            rd::rd_kafka_conf_set_log_cb(conf.as_ptr(), Some(on_log));
        }
        let role = settings.role();
        let kind = match role {
            // Of the two kinds, only a producer's look at a topic may create it.
            Role::Consumer | Role::Admin => rd::rd_kafka_type_t::RD_KAFKA_CONSUMER,
            Role::Producer => rd::rd_kafka_type_t::RD_KAFKA_PRODUCER,
        };
        let mut text = [0; ERROR_TEXT_BYTES];
        // SAFETY: the configuration is valid and changes owner when the call succeeds.
        let client = unsafe { rd::rd_kafka_new(kind, conf.as_ptr(), text.as_mut_ptr(), text.len()) };
        let Some(client) = NonNull::new(client) else {
            return Err(ConnectError::config(format!(
                "Could not make the Kafka {role} client '{}': {}",
                settings.client_id(),
                buffer_text(&text)
            )));
        };
        std::mem::forget(conf);
        Ok(Self { client, context, role })
    }

    pub(super) fn as_ptr(&self) -> *mut rd::rd_kafka_t {
        self.client.as_ptr()
    }

    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    pub(super) fn client_id(&self) -> &str {
        &self.context.client_id
    }

    /// The newest error of the client as a whole.
    pub(super) fn last_error(&self) -> Option<KafkaError> {
        self.context.last_error.lock().clone()
    }

    /// The error after which the client cannot be used any more, if there was one.
    pub(super) fn fatal_error(&self) -> Option<KafkaError> {
        let mut text = [0; ERROR_TEXT_BYTES];
        // SAFETY: the handle is valid; the length is that of the buffer.
        let code = unsafe { rd::rd_kafka_fatal_error(self.as_ptr(), text.as_mut_ptr(), text.len()) };
        let error = KafkaError::check(code).err()?;
        Some(error.with_text(buffer_text(&text)).into_fatal())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let flags = match self.role {
            Role::Consumer | Role::Admin => NO_CONSUMER_CLOSE,
            Role::Producer => 0,
        };
        // SAFETY: the last owner; messages, topics and queues hold the handle, so none is left.
        // After this call no callback runs any more, so the context may go.
        unsafe { rd::rd_kafka_destroy_flags(self.as_ptr(), flags) }
    }
}

/// A reference to one of librdkafka's queues. The owner keeps the client alive.
pub(super) struct Queue(NonNull<rd::rd_kafka_queue_t>);

// SAFETY: queues are thread-safe.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Queue {
    /// Takes over a reference that librdkafka gave.
    ///
    /// # Safety
    /// `queue` is a valid reference that nobody else gives back.
    pub(super) unsafe fn take(queue: *mut rd::rd_kafka_queue_t) -> Option<Self> {
        NonNull::new(queue).map(Self)
    }

    /// A new queue of the client, for the answers of one call.
    pub(super) fn new(handle: &Handle) -> Self {
        // SAFETY: the handle is valid; the new reference is ours.
        let queue = unsafe { Self::take(rd::rd_kafka_queue_new(handle.as_ptr())) };
        queue.expect("librdkafka aborts when it has no memory")
    }

    pub(super) fn as_ptr(&self) -> *mut rd::rd_kafka_queue_t {
        self.0.as_ptr()
    }

    /// Waits for the next event.
    pub(super) fn poll(&self, timeout: Duration) -> Option<Event> {
        // SAFETY: the queue is valid; the event, if any, is ours to destroy.
        let event = unsafe { rd::rd_kafka_queue_poll(self.as_ptr(), millis(timeout)) };
        NonNull::new(event).map(Event)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: gives back our own reference.
        unsafe { rd::rd_kafka_queue_destroy(self.as_ptr()) }
    }
}

/// An event of a queue.
pub(super) struct Event(NonNull<rd::rd_kafka_event_t>);

impl Event {
    pub(super) fn as_ptr(&self) -> *mut rd::rd_kafka_event_t {
        self.0.as_ptr()
    }

    /// One of the `RD_KAFKA_EVENT_*` numbers.
    pub(super) fn kind(&self) -> i32 {
        // SAFETY: the event is valid.
        unsafe { rd::rd_kafka_event_type(self.as_ptr()) }
    }

    /// The error the event carries, with its text.
    pub(super) fn error(&self) -> Option<KafkaError> {
        // SAFETY: the event is valid; the text is copied before the event goes.
        unsafe {
            let code = rd::rd_kafka_event_error(self.as_ptr()) as i32;
            let error = KafkaError::check_code(code).err()?;
            let text = c_text(rd::rd_kafka_event_error_string(self.as_ptr())).into_owned();
            Some(if rd::rd_kafka_event_error_is_fatal(self.as_ptr()) != 0 {
                error.with_text(text).into_fatal()
            } else {
                error.with_text(text)
            })
        }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: owned here.
        unsafe { rd::rd_kafka_event_destroy(self.as_ptr()) }
    }
}

/// Runs callback code so that no panic enters C.
pub(super) fn guard<R>(code: impl FnOnce() -> R) -> Result<R, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(code))
}

/// The context of a handle, seen from a callback.
///
/// # Safety
/// `client` is null or a client made by [`Handle::new`] that is not destroyed for `'a`.
pub(super) unsafe fn context_of<'a>(client: *const rd::rd_kafka_t) -> Option<&'a Context> {
    if client.is_null() {
        return None;
    }
    // SAFETY: by the contract of this function; `Handle::new` set the opaque to a `Context`.
    unsafe { rd::rd_kafka_opaque(client).cast::<Context>().as_ref() }
}

unsafe extern "C" fn on_log(client: *const rd::rd_kafka_t, level: c_int, facility: *const c_char, text: *const c_char) {
    let log = || {
        // SAFETY: librdkafka passes a live client and two C strings for the time of the call.
        let (context, facility, text) = unsafe { (context_of(client), c_text(facility), c_text(text)) };
        let _inside = context.map(|context| context.span.enter());
        let client_id = context.map_or("", |context| context.client_id.as_str());
        log_line(level, client_id, &facility, &text);
    };
    // A subscriber that panics has nothing to be told through; the line is lost.
    let _ = guard(log);
}

/// Hands one line to `tracing`. Levels are those of syslog.
fn log_line(level: c_int, client_id: &str, facility: &str, text: &str) {
    macro_rules! line {
        ($level:expr) => {
            tracing::event!(target: "librdkafka", $level, client_id, facility, "{text}")
        };
    }
    match level {
        ..=3 => line!(Level::ERROR),
        4 => line!(Level::WARN),
        5 | 6 => line!(Level::INFO),
        _ => line!(Level::DEBUG),
    }
}
