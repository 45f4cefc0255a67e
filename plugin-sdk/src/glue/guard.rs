//! Panics stop here. A panic that reached the host would end the whole worker, so each author method, `drop`
//! included, runs inside `catch_unwind`; an object that panicked answers an error to every later call.

use crate::error::Error;
use crate::log::{self, LogLevel};
use ferroconnect_plugin_abi::error::{AbiError, AbiResult, ErrorKind};
use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Once, OnceLock};

thread_local! {
    /// Where the panic of this thread happened: message, place and backtrace, kept by the hook for the guard.
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
    static INSIDE_GUARD: Cell<u32> = const { Cell::new(0) };
}

/// Whether panics outside of the worker's calls are the library's own. In a test they are mostly the test's.
static OWNS_ALL_PANICS: AtomicBool = AtomicBool::new(true);

/// Leaves panics outside of the worker's calls to whoever runs the test.
#[cfg(feature = "testkit")]
pub(crate) fn leave_panics_of_tests() {
    OWNS_ALL_PANICS.store(false, Ordering::Relaxed);
}

/// Makes panics of this library go to the worker's log.
pub(crate) fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if INSIDE_GUARD.with(Cell::get) > 0 {
                note_panic(info);
            } else if log::is_attached() && OWNS_ALL_PANICS.load(Ordering::Relaxed) {
                // A thread of the author's own: nobody waits for it.
                let message = format!("A thread of this library panicked: {}", message_of(info.payload()));
                log::write_text(LogLevel::ERROR, "panic", &message, &[("detail", place_of(info))]);
            } else {
                previous(info);
            }
        }));
    });
}

fn note_panic(info: &PanicHookInfo<'_>) {
    LAST_PANIC.with(|last| *last.borrow_mut() = Some(place_of(info)));
}

/// Where a panic happened, with the backtrace.
fn place_of(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map(|place| format!(" at {place}")).unwrap_or_default();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("?");
    let backtrace = Backtrace::force_capture();
    format!("panicked{place} in thread '{thread}'\n{backtrace}")
}

fn message_of(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "a value that is not text"
    }
}

/// Runs `body` and turns a panic into an error with the message, the place and the backtrace. `what` is only asked
/// for when there is a panic to tell of.
pub(crate) fn catch<R>(what: impl FnOnce() -> String, body: impl FnOnce() -> R) -> Result<R, AbiError> {
    INSIDE_GUARD.with(|depth| depth.set(depth.get() + 1));
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    INSIDE_GUARD.with(|depth| depth.set(depth.get() - 1));
    result.map_err(|payload| {
        let mut error = AbiError::new(ErrorKind::PANIC, format!("{} panicked: {}", what(), message_of(&*payload)));
        if let Some(note) = LAST_PANIC.with(|last| last.borrow_mut().take()) {
            error.data_mut().detail = note.into();
        }
        // A payload whose own drop panics is leaked: there is nobody left to tell.
        if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(second);
        }
        let detail = error.data().detail.to_string();
        log::write_text(LogLevel::ERROR, "panic", error.data().message.as_str(), &[("detail", detail)]);
        error
    })
}

/// Runs a body that nobody waits for; a panic goes to the log.
pub(crate) fn run_detached(body: impl FnOnce()) {
    // The log has it; there is no caller to answer to.
    let _logged = catch(|| "a thread of the plugin".to_owned(), body);
}

/// Runs a factory or another call outside any object.
pub fn call_free<R>(what: &str, body: impl FnOnce() -> crate::Result<R>) -> AbiResult<R> {
    match catch(|| what.to_owned(), body) {
        Ok(Ok(value)) => AbiResult::ROk(value),
        Ok(Err(error)) => AbiResult::RErr(error.into_abi()),
        Err(error) => AbiResult::RErr(error),
    }
}

/// An author's object with its guard.
pub(crate) struct Guarded<T> {
    // None only while it is dropped.
    object: Option<T>,
    class: String,
    poison: OnceLock<AbiError>,
    scope: AtomicU64,
}

impl<T> Guarded<T> {
    pub(crate) fn new(class: &str, object: T) -> Guarded<T> {
        Guarded { object: Some(object), class: class.to_owned(), poison: OnceLock::new(), scope: AtomicU64::new(0) }
    }

    pub(crate) fn class(&self) -> &str {
        &self.class
    }

    /// From now on the object's lines belong to this connector or task.
    pub(crate) fn set_scope(&self, scope: u64) {
        self.scope.store(scope, Ordering::Relaxed);
    }

    /// Calls an author method.
    pub(crate) fn call<R>(&mut self, method: &str, body: impl FnOnce(&mut T) -> crate::Result<R>) -> AbiResult<R> {
        let Guarded { object, class, poison, scope } = self;
        run(class, poison, scope, method, || body(object.as_mut().ok_or_else(gone)?))
    }

    /// Calls an author method that only looks.
    pub(crate) fn look<R>(&self, method: &str, body: impl FnOnce(&T) -> crate::Result<R>) -> AbiResult<R> {
        let Guarded { object, class, poison, scope } = self;
        run(class, poison, scope, method, || body(object.as_ref().ok_or_else(gone)?))
    }
}

fn gone() -> Error {
    Error::fatal("the object was dropped")
}

fn run<R>(
    class: &str,
    poison: &OnceLock<AbiError>,
    scope: &AtomicU64,
    method: &str,
    body: impl FnOnce() -> crate::Result<R>,
) -> AbiResult<R> {
    if let Some(poison) = poison.get() {
        let text = format!("{class} has panicked before and takes no more calls: {}", poison.data().message);
        return AbiResult::RErr(AbiError::new(ErrorKind::PANIC, text));
    }
    let outer = log::set_thread_scope(scope.load(Ordering::Relaxed));
    let result = catch(|| format!("{class}.{method}"), body);
    log::set_thread_scope(outer);
    match result {
        Ok(Ok(value)) => AbiResult::ROk(value),
        Ok(Err(error)) => AbiResult::RErr(error.into_abi()),
        Err(error) => {
            // Only the first panic counts.
            let _first = poison.set(error.clone());
            AbiResult::RErr(error)
        }
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        let object = self.object.take();
        // The log has it; a drop has no caller to answer to.
        let _logged = catch(|| format!("{}.drop", self.class), || drop(object));
    }
}
