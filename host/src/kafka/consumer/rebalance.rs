//! Rebalances: librdkafka's callback on one side, [`RebalanceHandler`] on the other.

use std::any::Any;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicPtr, Ordering};

use rdkafka::bindings as rd;
use rdkafka::types::RDKafkaRespErr as Code;

use super::BatchConsumer;
use crate::kafka::error::{KafkaError, c_text};
use crate::kafka::native::{Conf, context_of, guard};
use crate::kafka::partitions::{PartitionList, TopicPartition, TopicPartitionOffset, read_entries};

/// Where an assigned partition is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartOffset {
    /// The committed offset, or as `auto.offset.reset` says if there is none.
    Committed,
    /// This offset.
    At(i64),
}

/// A partition that is about to be assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignedPartition {
    /// The partition.
    pub partition: TopicPartition,
    /// The handler may change it.
    pub start: StartOffset,
}

/// Told about changes of the assignment and answers to commits, inside
/// [`BatchConsumer::consume_batch`] and [`BatchConsumer::close`], on the thread that calls these.
pub trait RebalanceHandler {
    /// Partitions come in addition to those there are. Called before the first record of them.
    fn assigned(&mut self, consumer: &BatchConsumer, partitions: &mut [AssignedPartition]);

    /// Partitions go. They are still ours during the call, so [`BatchConsumer::commit_sync`]
    /// works. Records of them that were not handed out yet will not be.
    /// With a cooperative assignor the group may already be joining anew; the commit is then
    /// refused (`ILLEGAL_GENERATION`), and the next owner reads those records again.
    fn revoked(&mut self, consumer: &BatchConsumer, partitions: &[TopicPartition]);

    /// Partitions are gone already, because the group did not hear of us for too long; others may
    /// read them. Commits would fail.
    fn lost(&mut self, consumer: &BatchConsumer, partitions: &[TopicPartition]);

    /// The answer to [`BatchConsumer::commit_async`], with the token given there. The offsets are
    /// those of the commit; the error is the first of any partition.
    fn committed(
        &mut self,
        consumer: &BatchConsumer,
        token: u64,
        offsets: &[TopicPartitionOffset],
        result: Result<(), KafkaError>,
    ) {
        let _ = (consumer, token, offsets, result);
    }
}

/// Takes every assignment as it comes and does nothing when one goes.
#[derive(Debug, Clone, Copy)]
pub struct NoHandler;

impl RebalanceHandler for NoHandler {
    fn assigned(&mut self, _: &BatchConsumer, _: &mut [AssignedPartition]) {}
    fn revoked(&mut self, _: &BatchConsumer, _: &[TopicPartition]) {}
    fn lost(&mut self, _: &BatchConsumer, _: &[TopicPartition]) {}
}

/// The consumer's part of the handle's context: points to the [`Scope`] while a call is running.
#[derive(Default)]
pub(super) struct Callbacks(AtomicPtr<Scope<'static>>);

/// What callbacks need during one call into librdkafka.
pub(super) struct Scope<'a> {
    consumer: &'a BatchConsumer,
    handler: &'a mut dyn RebalanceHandler,
    revoked: Vec<TopicPartition>,
    panic: Option<Box<dyn Any + Send>>,
}

impl Scope<'_> {
    /// Calls the handler; after a panic it is not called any more.
    fn handle(&mut self, call: impl FnOnce(&BatchConsumer, &mut dyn RebalanceHandler)) {
        if self.panic.is_some() {
            return;
        }
        let (consumer, handler) = (self.consumer, &mut *self.handler);
        if let Err(panic) = guard(|| call(consumer, handler)) {
            self.panic = Some(panic);
        }
    }
}

/// Runs `call`, which lets librdkafka run callbacks on this thread, with a handler for them. Gives
/// the partitions that were revoked meanwhile.
pub(super) fn with_handler(
    consumer: &BatchConsumer,
    handler: &mut dyn RebalanceHandler,
    call: impl FnOnce(),
) -> Vec<TopicPartition> {
    let mut scope = Scope { consumer, handler, revoked: Vec::new(), panic: None };
    {
        let _entered = Entered::new(callbacks(consumer), &mut scope);
        call();
    }
    match scope.panic {
        Some(panic) => resume_unwind(panic),
        None => scope.revoked,
    }
}

/// Makes a scope known to the callbacks, and the outer one again when it is dropped.
struct Entered<'a> {
    callbacks: &'a Callbacks,
    outer: *mut Scope<'static>,
}

impl<'a> Entered<'a> {
    fn new(callbacks: &'a Callbacks, scope: *mut Scope<'_>) -> Self {
        let outer = callbacks.0.swap(scope.cast(), Ordering::AcqRel);
        Self { callbacks, outer }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.callbacks.0.store(self.outer, Ordering::Release);
    }
}

fn callbacks(consumer: &BatchConsumer) -> &Callbacks {
    let callbacks = consumer.handle.context().callbacks.downcast_ref();
    callbacks.expect("consumers are made with their callbacks")
}

/// The scope of the running call.
///
/// # Safety
/// Called from a callback of a consumer's client, which runs on the thread inside [`with_handler`];
/// the reference must not outlive the callback, nor be used while the handler runs.
unsafe fn scope_of<'a>(client: *mut rd::rd_kafka_t) -> Option<&'a mut Scope<'a>> {
    // SAFETY: the client is alive during its callback.
    let context = unsafe { context_of(client) }?;
    let callbacks: &Callbacks = context.callbacks.downcast_ref()?;
    let scope = callbacks.0.load(Ordering::Acquire).cast::<Scope<'a>>();
    // SAFETY: null or set by `with_handler`, whose frame is below this callback on the stack.
    unsafe { scope.as_mut() }
}

/// Registers the callbacks of a consumer.
pub(super) fn register(conf: &mut Conf) {
    // SAFETY: the configuration is valid; the functions live as long as the program.
    unsafe {
        rd::rd_kafka_conf_set_rebalance_cb(conf.as_ptr(), Some(on_rebalance));
        rd::rd_kafka_conf_set_error_cb(conf.as_ptr(), Some(on_error));
    }
}

unsafe extern "C" fn on_error(client: *mut rd::rd_kafka_t, code: c_int, text: *const c_char, _opaque: *mut c_void) {
    // SAFETY: the client is alive during its callback; the text is a C string.
    let (context, text) = unsafe { (context_of(client), c_text(text)) };
    if let Some(context) = context {
        context.note_error(KafkaError::from_code(code).with_text(text));
    }
}

unsafe extern "C" fn on_rebalance(
    client: *mut rd::rd_kafka_t,
    code: Code,
    list: *mut rd::rd_kafka_topic_partition_list_t,
    _opaque: *mut c_void,
) {
    // SAFETY: as the functions called ask: we are inside a callback of a live client, and the list
    // is valid for its time.
    unsafe {
        match code {
            Code::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => on_assign(client, list),
            Code::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => on_revoke(client, list),
            _ => {
                let error = KafkaError::check(code);
                tracing::error!(target: "librdkafka", ?error, "The rebalance failed");
                rd::rd_kafka_assign(client, std::ptr::null());
            }
        }
    }
}

/// # Safety
/// Called from the rebalance callback with its arguments.
unsafe fn on_assign(client: *mut rd::rd_kafka_t, list: *mut rd::rd_kafka_topic_partition_list_t) {
    // SAFETY: the list is valid; the scope is used here only.
    let (entries, scope) = unsafe { (read_entries(list), scope_of(client)) };
    let mut partitions: Vec<AssignedPartition> = entries
        .into_iter()
        .map(|entry| AssignedPartition { partition: entry.partition, start: StartOffset::Committed })
        .collect();
    if let Some(scope) = scope {
        scope.handle(|consumer, handler| handler.assigned(consumer, &mut partitions));
    }
    let mut assign = PartitionList::with_capacity(partitions.len());
    for AssignedPartition { partition, start } in &partitions {
        let added = match start {
            StartOffset::Committed => assign.add(&partition.topic, partition.partition),
            StartOffset::At(offset) => assign.add_at(partition, *offset),
        };
        debug_assert!(added.is_ok(), "names from librdkafka hold no NUL");
    }
    // SAFETY: client and list are valid; the list is copied.
    let result = unsafe {
        if is_cooperative(client) {
            KafkaError::take(rd::rd_kafka_incremental_assign(client, assign.as_ptr()))
        } else {
            KafkaError::check(rd::rd_kafka_assign(client, assign.as_ptr()))
        }
    };
    log_failure("assign", result);
}

/// # Safety
/// Called from the rebalance callback with its arguments.
unsafe fn on_revoke(client: *mut rd::rd_kafka_t, list: *mut rd::rd_kafka_topic_partition_list_t) {
    // SAFETY: client and list are valid; the scope is used here only.
    let (entries, lost, scope) = unsafe {
        let lost = rd::rd_kafka_assignment_lost(client) != 0;
        (read_entries(list), lost, scope_of(client))
    };
    let partitions: Vec<_> = entries.into_iter().map(|entry| entry.partition).collect();
    if let Some(scope) = scope {
        scope.handle(|consumer, handler| {
            if lost {
                handler.lost(consumer, &partitions);
            } else {
                handler.revoked(consumer, &partitions);
            }
        });
        scope.revoked.extend(partitions);
    }
    // SAFETY: client and list are valid.
    let result = unsafe {
        if is_cooperative(client) {
            KafkaError::take(rd::rd_kafka_incremental_unassign(client, list))
        } else {
            KafkaError::check(rd::rd_kafka_assign(client, std::ptr::null()))
        }
    };
    log_failure("give back", result);
}

/// # Safety
/// `client` is a live consumer.
unsafe fn is_cooperative(client: *mut rd::rd_kafka_t) -> bool {
    // SAFETY: the client is alive; the answer is null or a constant.
    let protocol = unsafe { rd::rd_kafka_rebalance_protocol(client) };
    // SAFETY: as above.
    !protocol.is_null() && unsafe { CStr::from_ptr(protocol) } == c"COOPERATIVE"
}

fn log_failure(what: &str, result: Result<(), KafkaError>) {
    if let Err(error) = result {
        tracing::error!(target: "librdkafka", %error, "Could not {what} partitions");
    }
}

/// Hands the answer to the asynchronous commit of this number to the handler. The answer is dropped
/// if no call is running, which happens only while the client is destroyed.
///
/// # Safety
/// As for [`scope_of`].
pub(super) unsafe fn deliver_commit(client: *mut rd::rd_kafka_t, number: u64, result: Result<(), KafkaError>) {
    // SAFETY: by the contract of this function.
    let Some(scope) = (unsafe { scope_of(client) }) else {
        return;
    };
    if let Some(pending) = scope.consumer.commits.take(number) {
        scope.handle(|consumer, handler| {
            handler.committed(consumer, pending.token, &pending.offsets, result);
        });
    }
}
