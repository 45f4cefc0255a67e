//! Turns measurements into Markdown tables.

use crate::Options;
use crate::border::Border;
use crate::runs::{Results, Run, Start};
use crate::subject::{Side, Who};
use ferroconnect_e2e::worker::Subject;
use ferroconnect_fixture_border::{BATCH, VALUE};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The tables, and the command that made them.
pub(crate) fn markdown(options: &Options, results: &Results) -> String {
    let mut text = format!(
        "`scripts/bench.sh --lines {} --rounds {} --format {}` on {}.\n\
         Medians; the lowest and highest run in parentheses. A and B are the same program: what differs between them is noise.\n",
        options.lines,
        options.rounds,
        options.format.name(),
        machine()
    );
    let [source, sink] = options.format.titles();
    section(&mut text, source, &results.source, options.lines);
    section(&mut text, sink, &results.sink, options.lines);
    ratios(&mut text, results);
    if !results.starts.is_empty() {
        starts(&mut text, &results.starts);
    }
    if let Some(border) = &results.border {
        row(&mut text, &format!("\n### Plugin border\n\n{}", self::border(border)));
    }
    text
}

/// What the plugin border costs, as a table.
pub(crate) fn border(border: &Border) -> String {
    let line = |name: &str, direct: f64, through: f64| {
        format!("| {name} | {direct:.0} | {through:.0} | {:.0} |", (through - direct).max(0.0))
    };
    [
        format!("| Batches of {BATCH}, values of {VALUE} bytes | in one program, ns per record | through a library | the border |"),
        "| --- | --- | --- | --- |".to_owned(),
        line("source: make and drop records (`poll`)", border.source_direct, border.source),
        line("sink: look at records (`put`)", border.sink_direct, border.sink),
    ]
    .join("\n")
}

/// Puts `text` between the markers of this name in the file; adds them at the end of a file that has none.
pub(crate) fn write(path: &Path, name: &str, text: &str) {
    let (begin, end) = (format!("<!-- bench {name} begin -->"), format!("<!-- bench {name} end -->"));
    let block = format!("{begin}\n{text}{end}");
    let old = fs::read_to_string(path).unwrap_or_else(|_| "# Benchmarks\n".to_owned());
    let new = match (old.find(&begin), old.find(&end)) {
        (Some(from), Some(to)) => format!("{}{block}{}", &old[..from], &old[to + end.len()..]),
        _ => format!("{}\n\n{block}\n", old.trim_end()),
    };
    fs::write(path, new).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

/// What everything ran on.
pub(crate) fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|l| l.strip_prefix("model name")).map(|l| l.trim_start_matches(['\t', ' ', ':']));
    format!("{cpus} cores ({}), {}, broker on the same machine", model.unwrap_or("unknown"), std::env::consts::ARCH)
}

fn section(text: &mut String, title: &str, runs: &[Run], lines: u64) {
    row(text, &format!("\n### {title}\n"));
    row(text, "| Who | records/s | CPU s per million records | most memory, MB |");
    row(text, "| --- | --- | --- | --- |");
    for who in everyone(runs) {
        let of = |value: fn(&Run) -> f64| Spread::of(runs.iter().filter(|r| r.who == who).map(value));
        let rate = of(|r| r.arrival.rate).show(thousands);
        let cpu = of(|r| r.arrival.cpu).show(|v| format!("{:.2}", v * 1e6 / lines as f64));
        row(
            text,
            &format!("| {} | {rate} | {cpu} | {} |", who.name(), of(|r| r.arrival.peak).show(|v| format!("{v:.0}"))),
        );
    }
}

fn ratios(text: &mut String, results: &Results) {
    row(text, "\n### Ratios\n");
    row(text, "| What | to the topic | from the topic |");
    row(text, "| --- | --- | --- |");
    let mut line = |name: &str, ratio: &dyn Fn(&[Run]) -> Option<f64>| {
        let show = |runs| ratio(runs).map_or("–".to_owned(), |r| format!("{r:.2}"));
        row(text, &format!("| {name} | {} | {} |", show(&results.source), show(&results.sink)));
    };
    let rate = |runs: &[Run], who: Who| median(runs, who, |r| r.arrival.rate);
    let thrift = |runs: &[Run], who: Who| median(runs, who, |r| 1.0 / r.arrival.cpu.max(0.01));
    let (a, b, java) = (Who::Ours(Side::A), Who::Ours(Side::B), Who::Java(Side::A));
    line("Ferroconnect ÷ Java worker, records/s", &|r| Some(rate(r, a)? / rate(r, java)?));
    line("Ferroconnect ÷ Java worker, records per CPU second", &|r| Some(thrift(r, a)? / thrift(r, java)?));
    line("Ferroconnect ÷ raw loop, records/s", &|r| Some(rate(r, a)? / rate(r, Who::Raw)?));
    line("Ferroconnect ÷ raw idempotent loop, records/s", &|r| Some(rate(r, a)? / rate(r, Who::RawIdempotent)?));
    line("Java worker ÷ raw loop, records/s", &|r| Some(rate(r, java)? / rate(r, Who::Raw)?));
    line("noise: Ferroconnect A ÷ B, records/s", &|r| Some(rate(r, a)? / rate(r, b)?));
    line("noise: Java worker A ÷ B, records/s", &|r| Some(rate(r, java)? / rate(r, Who::Java(Side::B))?));
}

fn starts(text: &mut String, starts: &[Start]) {
    row(text, "\n### Start and rest\n");
    row(text, "| Who | start to `GET /`, ms | idle memory, MB |");
    row(text, "| --- | --- | --- |");
    for (subject, name) in [(Subject::Ferroconnect, "Ferroconnect"), (Subject::Java, "Java worker")] {
        let of = |value: fn(&Start) -> f64| Spread::of(starts.iter().filter(|s| s.subject == subject).map(value));
        let milliseconds = of(|s| s.milliseconds);
        if milliseconds.0.is_empty() {
            continue;
        }
        let idle = of(|s| s.idle).show(|v| format!("{v:.1}"));
        row(text, &format!("| {name} | {} | {idle} |", milliseconds.show(|v| format!("{v:.0}"))));
    }
}

fn row(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("text can be written to a string");
}

/// Everyone who ran, in order of first appearance.
fn everyone(runs: &[Run]) -> Vec<Who> {
    let mut all: Vec<Who> = Vec::new();
    for run in runs {
        if !all.contains(&run.who) {
            all.push(run.who);
        }
    }
    all
}

fn median(runs: &[Run], who: Who, value: fn(&Run) -> f64) -> Option<f64> {
    Spread::of(runs.iter().filter(|r| r.who == who).map(value)).median()
}

/// Values of repeated runs, sorted.
pub(crate) struct Spread(Vec<f64>);

impl Spread {
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    pub(crate) fn median(&self) -> Option<f64> {
        let (low, high) = (self.0.get(self.0.len().checked_sub(1)? / 2)?, self.0.get(self.0.len() / 2)?);
        Some((low + high) / 2.0)
    }

    pub(crate) fn show(&self, text: impl Fn(f64) -> String) -> String {
        match (self.median(), &self.0[..]) {
            (Some(median), [low, .., high]) => format!("{} ({}–{})", text(median), text(*low), text(*high)),
            (Some(median), _) => text(median),
            (None, _) => "–".to_owned(),
        }
    }
}

/// 1234567.8 → `1,234,568`.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
