//! The connector context of a log line: which connector or task a line is about (KIP-449).
//!
//! A [`LogContext`] is entered for the length of a scope on one thread. Threads that the host did not start, such as a
//! plugin's own, name the context by the number of a registered scope ([`LogContext::register`]).

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use super::confidential::Confidential;
use crate::error::ConnectError;

thread_local! {
    static CURRENT: RefCell<Option<LogContext>> = const { RefCell::new(None) };
}

static SCOPES: LazyLock<RwLock<HashMap<ScopeId, LogContext>>> = LazyLock::new(RwLock::default);
static NEXT_SCOPE: AtomicU64 = AtomicU64::new(1);

/// Which connector, and which part of it, log lines are about, and what they must not show. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogContext {
    text: Arc<str>,
    connector: Arc<str>,
    task: Option<u32>,
    confidential: Arc<Confidential>,
}

impl LogContext {
    /// The connector itself: `[X|worker] `.
    pub fn connector(name: &str) -> Self {
        Self::of(format!("[{name}|worker] "), name, None)
    }

    /// One task of a connector: `[X|task-0] `.
    pub fn task(connector: &str, task: u32) -> Self {
        Self::of(format!("[{connector}|task-{task}] "), connector, Some(task))
    }

    /// The offset commits of a task: `[X|task-0|offsets] `.
    pub fn offsets(connector: &str, task: u32) -> Self {
        Self::of(format!("[{connector}|task-{task}|offsets] "), connector, Some(task))
    }

    fn of(text: String, connector: &str, task: Option<u32>) -> Self {
        Self { text: text.into(), connector: connector.into(), task, confidential: Arc::default() }
    }

    /// The same context for lines that must not show these texts.
    #[must_use]
    pub fn keeping(self, confidential: Confidential) -> Self {
        Self { confidential: Arc::new(confidential), ..self }
    }

    /// What lines and errors of this context must not show.
    pub fn confidential(&self) -> &Confidential {
        &self.confidential
    }

    /// The context of the calling thread, if one is entered.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
    }

    /// An error without what the context of the calling thread must not show.
    pub fn hide_in(error: ConnectError) -> ConnectError {
        match Self::current() {
            Some(context) => context.confidential.hide_in(error),
            None => error,
        }
    }

    /// A text without what any registered context must not show: for lines of threads that do not say whose they are,
    /// such as those that a plugin starts.
    pub fn hide_for_all(text: &str) -> Cow<'_, str> {
        SCOPES.read().values().fold(Cow::Borrowed(text), |text, context| {
            let hidden = match context.confidential.hide(&text) {
                Cow::Borrowed(_) => None,
                Cow::Owned(hidden) => Some(hidden),
            };
            hidden.map_or(text, Cow::Owned)
        })
    }

    /// The context registered under `scope`, as long as its handle lives.
    pub fn of_scope(scope: ScopeId) -> Option<Self> {
        SCOPES.read().get(&scope).cloned()
    }

    /// The text before the message, with its trailing blank, as Java's `%X{connector.context}` gives it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The connector's name.
    pub fn connector_name(&self) -> &str {
        &self.connector
    }

    /// The number of the task, where it is about one.
    pub fn task_number(&self) -> Option<u32> {
        self.task
    }

    /// Makes this the context of the calling thread until the guard is dropped; then the former one is back.
    #[must_use = "the context ends when the guard is dropped"]
    pub fn enter(&self) -> ContextGuard {
        ContextGuard { previous: CURRENT.replace(Some(self.clone())), not_send: PhantomData }
    }

    /// Gives the context a number by which any thread may name it until the handle is dropped.
    pub fn register(&self) -> ScopeHandle {
        let id = ScopeId(NEXT_SCOPE.fetch_add(1, Ordering::Relaxed));
        SCOPES.write().insert(id, self.clone());
        ScopeHandle(id)
    }
}

impl fmt::Display for LogContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Keeps a context entered on the thread that entered it.
pub struct ContextGuard {
    previous: Option<LogContext>,
    /// The context is the thread's, so the guard must not leave it.
    not_send: PhantomData<*const ()>,
}

impl Drop for ContextGuard {
    fn drop(&mut self) {
        let previous = self.previous.take();
        // While a thread ends its storage may be gone already; then there is nothing to restore.
        let _ = CURRENT.try_with(|current| current.replace(previous));
    }
}

/// The number of a registered context. Never 0, so 0 can stand for "none" where numbers cross the plugin border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScopeId(u64);

impl ScopeId {
    /// The scope of a number that crossed the plugin border; `None` for 0.
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => None,
            number => Some(Self(number)),
        }
    }

    /// The number to hand across the plugin border.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// Keeps a context registered. Dropping it makes the number unknown; numbers are never used twice.
#[derive(Debug)]
pub struct ScopeHandle(ScopeId);

impl ScopeHandle {
    /// The number of the context.
    pub fn id(&self) -> ScopeId {
        self.0
    }
}

impl Drop for ScopeHandle {
    fn drop(&mut self) {
        SCOPES.write().remove(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_read_as_in_java() {
        assert_eq!(LogContext::connector("X").as_str(), "[X|worker] ");
        assert_eq!(LogContext::task("X", 0).as_str(), "[X|task-0] ");
        assert_eq!(LogContext::offsets("X", 12).as_str(), "[X|task-12|offsets] ");
    }

    #[test]
    fn the_former_context_comes_back() {
        assert_eq!(LogContext::current(), None);
        let outer = LogContext::connector("a").enter();
        {
            let _inner = LogContext::task("a", 1).enter();
            assert_eq!(LogContext::current(), Some(LogContext::task("a", 1)));
        }
        assert_eq!(LogContext::current(), Some(LogContext::connector("a")));
        drop(outer);
        assert_eq!(LogContext::current(), None);
    }

    #[test]
    fn a_context_belongs_to_its_thread() {
        let _guard = LogContext::task("a", 1).enter();
        let other = std::thread::spawn(LogContext::current).join().unwrap();
        assert_eq!(other, None);
    }

    #[test]
    fn lines_of_nobody_show_what_nobody_shows() {
        let keeping = |secret: &str| {
            let mut confidential = Confidential::default();
            confidential.add(secret, "[hidden]");
            LogContext::task("kept", 0).keeping(confidential)
        };
        let (first, _second) = (keeping("first-secret").register(), keeping("second-secret").register());
        let text = "first-secret second-secret";
        assert_eq!(LogContext::hide_for_all(text), "[hidden] [hidden]");
        drop(first);
        assert_eq!(LogContext::hide_for_all(text), "first-secret [hidden]");
    }

    #[test]
    fn a_scope_number_works_from_any_thread_until_its_handle_is_gone() {
        let context = LogContext::task("scoped", 3);
        let handle = context.register();
        let number = handle.id().number();
        let seen = std::thread::spawn(move || LogContext::of_scope(ScopeId::from_number(number)?)).join().unwrap();
        assert_eq!(seen, Some(context));
        let id = handle.id();
        drop(handle);
        assert_eq!(LogContext::of_scope(id), None);
        assert_eq!(ScopeId::from_number(0), None);
    }
}
