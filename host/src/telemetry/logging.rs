//! How a log line comes about: `tracing` events of the host and calls of plugins, both filtered by [`loggers`], both
//! written in one form to one place.
//!
//! Lines go to standard error ([`LineWriter`] says what happens if nobody reads them). Kafka Connect writes them to
//! standard output, where they mix with what console connectors print; see `docs/differences.md`.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::{IsTerminal, Stderr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::confidential::Confidential;
use super::context::{LogContext, ScopeId};
use super::format::{FieldValue, LogFormat, Record};
use super::level::LogLevel;
use super::loggers::{self, LevelSpec};
use super::writer::LineWriter;
use crate::error::{ConnectError, Result};

static OUTPUT: OnceLock<Output> = OnceLock::new();

/// The one place all lines go to.
struct Output {
    writer: LineWriter<Stderr>,
    colour: bool,
    json: AtomicBool,
}

/// Starts logging for the whole process; what is logged before is lost. An error if it has been started already.
pub fn init(format: LogFormat, levels: &LevelSpec) -> Result<()> {
    let output = Output {
        writer: LineWriter::new(std::io::stderr()),
        colour: wants_colour(),
        json: AtomicBool::new(format == LogFormat::Json),
    };
    let started = || ConnectError::illegal_state("Logging has been started already");
    OUTPUT.set(output).map_err(|_| started())?;
    loggers::global().apply(levels);
    let subscriber = tracing_subscriber::registry().with(LogLayer);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| started())
}

/// Changes the form of all lines from now on; for when the worker file has been read.
pub fn set_format(format: LogFormat) {
    if let Some(output) = OUTPUT.get() {
        output.json.store(format == LogFormat::Json, Ordering::Relaxed);
    }
}

/// Makes a panic of the host's own code a log line with thread, place and context, in place of raw text on standard
/// error. Libraries loaded into the process bring their own panic handler, which this does not reach.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text");
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("unnamed");
        let backtrace = std::backtrace::Backtrace::capture();
        let mut message = format!("Thread {name} panicked: {text}");
        if let Some(place) = info.location() {
            let _ = write!(message, " at {}:{}", place.file(), place.line());
        }
        if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
            let _ = write!(message, "\n{backtrace}");
        }
        log_foreign(LogLevel::Error, "ferroconnect::panic", &message, &[], None);
    }));
}

/// Logs a line that did not come by way of `tracing`, such as a plugin's. It obeys the loggers' levels.
///
/// The line's context is that of `scope`, or the calling thread's if there is no such scope.
pub fn log_foreign(level: LogLevel, target: &str, message: &str, fields: &[(&str, &str)], scope: Option<ScopeId>) {
    if level == LogLevel::Off || !loggers::enabled(level, target) {
        return;
    }
    let context = scope.and_then(LogContext::of_scope).or_else(LogContext::current);
    let hide = |text| if context.is_none() { LogContext::hide_for_all(text) } else { Cow::Borrowed(text) };
    let fields: Vec<_> = fields.iter().map(|&(key, value)| (key, FieldValue::Text(hide(value)))).collect();
    emit(level, target, None, &hide(message), &fields, context.as_ref());
}

fn emit(
    level: LogLevel,
    target: &str,
    line: Option<u32>,
    message: &str,
    fields: &[(&str, FieldValue<'_>)],
    context: Option<&LogContext>,
) {
    let Some(output) = OUTPUT.get() else { return };
    let nothing = Confidential::default();
    let confidential = context.map_or(&nothing, LogContext::confidential);
    let message = &*confidential.hide(message);
    let fields = &*without(confidential, fields);
    let thread = std::thread::current();
    let record = Record {
        time: Timestamp::now(),
        level,
        context,
        message,
        fields,
        target,
        line,
        thread: thread.name().unwrap_or("unnamed"),
    };
    output.write(&record);
}

/// The fields without what must not be shown.
fn without<'f>(
    confidential: &Confidential,
    fields: &'f [(&'f str, FieldValue<'f>)],
) -> Cow<'f, [(&'f str, FieldValue<'f>)]> {
    if confidential.is_empty() {
        return Cow::Borrowed(fields);
    }
    let hide = |value: &FieldValue<'f>| match value {
        FieldValue::Text(text) => FieldValue::Text(Cow::Owned(confidential.hide(text).into_owned())),
        other => other.clone(),
    };
    fields.iter().map(|(key, value)| (*key, hide(value))).collect()
}

impl Output {
    fn write(&self, record: &Record<'_>) {
        let format = if self.json.load(Ordering::Relaxed) { LogFormat::Json } else { LogFormat::Text };
        let line = record.render(format, self.colour);
        self.writer.write(&line, |lost| {
            let message = format!("{lost} log lines are missing here because nobody read them in time");
            let notice = Record {
                level: LogLevel::Warn,
                context: None,
                message: &message,
                fields: &[],
                target: module_path!(),
                line: None,
                ..*record
            };
            notice.render(format, self.colour)
        });
    }
}

/// Colours are for people at a terminal who did not ask for none (<https://no-color.org>).
fn wants_colour() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    std::io::stderr().is_terminal() && !set("NO_COLOR") && !dumb
}

/// Takes events from `tracing`. Levels are settled per call site and asked again only after a change.
struct LogLayer;

fn wanted(metadata: &Metadata<'_>) -> bool {
    loggers::enabled(LogLevel::from(metadata.level()), metadata.target())
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Asking for the level makes the logger known, so that it is listed even while it is silent.
        let level = loggers::global().level_of(metadata.target());
        if LogLevel::from(metadata.level()) <= level { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        wanted(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(loggers::global().max_level().as_filter())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut content = Content::default();
        event.record(&mut content);
        emit(
            LogLevel::from(metadata.level()),
            metadata.target(),
            metadata.line(),
            &content.message,
            &content.fields,
            LogContext::current().as_ref(),
        );
    }
}

/// Message and fields of an event.
#[derive(Default)]
struct Content {
    message: String,
    fields: Vec<(&'static str, FieldValue<'static>)>,
}

impl Content {
    fn text(&mut self, field: &Field, text: String) {
        if field.name() == "message" {
            self.message = text;
        } else {
            self.push(field, FieldValue::Text(text.into()));
        }
    }

    fn push(&mut self, field: &Field, value: FieldValue<'static>) {
        self.fields.push((field.name(), value));
    }
}

impl Visit for Content {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, FieldValue::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, FieldValue::Int(value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, FieldValue::Int(value.into()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, FieldValue::Float(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value.to_owned());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let causes = std::iter::successors(Some(value), |error| error.source());
        let texts: Vec<_> = causes.map(ToString::to_string).collect();
        self.text(field, texts.join(": "));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::sync::Arc;

    /// Keeps what [`Content`] made of each event.
    struct Capture(Arc<Mutex<Vec<(String, String)>>>);

    impl<S: Subscriber> Layer<S> for Capture {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let mut content = Content::default();
            event.record(&mut content);
            let fields = content.fields.iter().map(|(k, v)| format!("{k}={v};"));
            self.0.lock().push((content.message, fields.collect()));
        }
    }

    #[test]
    fn events_keep_their_fields_and_causes() {
        let seen = Arc::default();
        let subscriber = tracing_subscriber::registry().with(Capture(Arc::clone(&seen)));
        tracing::subscriber::with_default(subscriber, || {
            let error = ConnectError::connect("outer").caused_by(ConnectError::data("inner"));
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::warn!(count = 3, ok = true, error, "Moved {} records", 7);
        });
        let expected = ("Moved 7 records".to_owned(), "count=3;ok=true;error=outer: inner;".to_owned());
        assert_eq!(*seen.lock(), [expected]);
    }
}
