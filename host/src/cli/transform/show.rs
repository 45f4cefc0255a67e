//! Traces as text for people and as JSON for programs.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ferroconnect_plugin_abi::Blob;
use serde_json::{Value as Json, json};

use super::lines::{Change, Entry};
use super::setup::Setup;
use super::steps::{Effect, Outcome, StepTrace, Trace, Verdict, Written};
use crate::error::ConnectError;

/// How many records came to what.
#[derive(Default)]
pub(super) struct Totals {
    passed: usize,
    dropped: usize,
    failed: usize,
    /// Lines that are no records.
    pub(super) unreadable: usize,
}

impl Totals {
    pub(super) fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Delivered(_) | Outcome::Produced(..) => self.passed += 1,
            Outcome::Dropped => self.dropped += 1,
            Outcome::Failed => self.failed += 1,
        }
    }

    /// Whether every line was a record and none failed.
    pub(super) fn all_well(&self) -> bool {
        self.failed == 0 && self.unreadable == 0
    }
}

/// Where traces go, and in which form.
pub(super) struct Output<W> {
    out: W,
    json: bool,
}

impl<W: Write> Output<W> {
    pub(super) fn new(out: W, json: bool) -> Output<W> {
        Output { out, json }
    }

    pub(super) fn trace(&mut self, line: usize, trace: &Trace, setup: &Setup) -> io::Result<()> {
        if self.json {
            return writeln!(self.out, "{}", trace_json(line, trace));
        }
        writeln!(self.out, "line {line}")?;
        self.steps(&trace.reading)?;
        for entry in trace.input.iter().flatten() {
            writeln!(self.out, "      {}", entry_text(entry))?;
        }
        self.steps(&trace.steps)?;
        let end = match &trace.outcome {
            Outcome::Delivered(_) => "=> goes to the connector".to_owned(),
            Outcome::Produced(_, written) => format!("=> goes to Kafka\n{}", written_text(written).trim_end()),
            Outcome::Dropped => "=> dropped: it goes nowhere and counts as done".to_owned(),
            Outcome::Failed if setup.tolerant => "=> failed: it is skipped (errors.tolerance=all)".to_owned(),
            Outcome::Failed => "=> failed: the task ends here (errors.tolerance=none)".to_owned(),
        };
        writeln!(self.out, "  {end}\n")
    }

    /// A line that is no record; what is wrong with it was told already where text is asked for.
    pub(super) fn unreadable(&mut self, line: usize, error: &str) -> io::Result<()> {
        if self.json {
            return writeln!(self.out, "{}", json!({ "line": line, "outcome": "unreadable", "error": error }));
        }
        writeln!(self.out, "line {line}\n  => not read: {error}\n")
    }

    pub(super) fn totals(&mut self, totals: &Totals) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        let Totals { passed, dropped, failed, unreadable } = totals;
        writeln!(self.out, "{passed} passed, {dropped} dropped, {failed} failed, {unreadable} not read")
    }

    fn steps(&mut self, steps: &[StepTrace]) -> io::Result<()> {
        for step in steps {
            writeln!(self.out, "  {} ({}){}", step.name, step.class, effect_text(step))?;
            match &step.effect {
                Effect::Changed(changes) => {
                    for change in changes {
                        write!(self.out, "{}", change_text(change))?;
                    }
                }
                Effect::Failed(error) => {
                    for line in error.trace().lines() {
                        writeln!(self.out, "    ! {}", line.trim())?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn effect_text(step: &StepTrace) -> String {
    let verdict = step.condition.as_ref().map(verdict_text).unwrap_or_default();
    let effect = match &step.effect {
        Effect::NotApplied => ": not applied",
        Effect::Unchanged => ": changes nothing",
        Effect::Changed(_) => "",
        Effect::Converted => ": converts",
        Effect::Dropped => ": drops the record",
        Effect::Failed(_) => ": fails",
    };
    format!("{verdict}{effect}")
}

fn verdict_text(verdict: &Verdict) -> String {
    let negated = if verdict.negate { ", negated" } else { "" };
    let holds = if verdict.holds { "holds" } else { "does not hold" };
    format!(", predicate {} {holds}{negated}", verdict.predicate)
}

fn entry_text(entry: &Entry) -> String {
    let mut text = entry.path.clone();
    if let Some(value) = &entry.value {
        text.push_str(&format!(": {value}"));
    }
    if let Some(kind) = &entry.kind {
        text.push_str(&format!("  ({kind})"));
    }
    text
}

fn change_text(change: &Change) -> String {
    let mut text = String::new();
    for (sign, entry) in [('-', &change.before), ('+', &change.after)] {
        if let Some(entry) = entry {
            text.push_str(&format!("    {sign} {}\n", entry_text(entry)));
        }
    }
    text
}

fn written_text(written: &Written) -> String {
    let mut text = format!("      key: {}\n      value: {}\n", bytes(&written.key), bytes(&written.value));
    for header in &written.headers {
        let value: Option<Blob> = header.value.clone().into();
        text.push_str(&format!("      header {}: {}\n", header.key, bytes(&value)));
    }
    text
}

/// Bytes as they can be given as raw input: as text where they are text.
fn bytes(bytes: &Option<Blob>) -> Json {
    match bytes {
        None => Json::Null,
        Some(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => json!({ "base64": STANDARD.encode(bytes) }),
        },
    }
}

fn trace_json(line: usize, trace: &Trace) -> Json {
    let steps: Vec<Json> = trace.reading.iter().chain(&trace.steps).map(step_json).collect();
    let mut json =
        json!({ "line": line, "outcome": outcome_word(&trace.outcome), "input": trace.input, "steps": steps });
    match &trace.outcome {
        Outcome::Delivered(record) => json["record"] = json!(record),
        Outcome::Produced(record, written) => {
            json["record"] = json!(record);
            let headers: Vec<Json> = written
                .headers
                .iter()
                .map(|header| json!({ "key": header.key.as_str(), "raw": bytes(&header.value.clone().into()) }))
                .collect();
            json["message"] =
                json!({ "rawKey": bytes(&written.key), "rawValue": bytes(&written.value), "headers": headers });
        }
        Outcome::Dropped | Outcome::Failed => {}
    }
    json
}

fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered(_) => "delivered",
        Outcome::Produced(..) => "produced",
        Outcome::Dropped => "dropped",
        Outcome::Failed => "failed",
    }
}

fn step_json(step: &StepTrace) -> Json {
    let mut json = json!({ "step": step.name, "class": step.class });
    if let Some(Verdict { predicate, class, holds, negate }) = &step.condition {
        json["predicate"] = json!({ "name": predicate, "class": class, "holds": holds, "negate": negate });
    }
    json["effect"] = match &step.effect {
        Effect::NotApplied => "not applied",
        Effect::Unchanged => "unchanged",
        Effect::Changed(_) => "changed",
        Effect::Converted => "converted",
        Effect::Dropped => "dropped",
        Effect::Failed(_) => "failed",
    }
    .into();
    match &step.effect {
        Effect::Changed(changes) => json["changes"] = json!(changes),
        Effect::Failed(error) => json["error"] = error_json(error),
        _ => {}
    }
    json
}

fn error_json(error: &ConnectError) -> Json {
    json!({ "class": error.class_name(), "message": error.message(), "trace": error.trace() })
}
