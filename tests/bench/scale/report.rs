//! The figures as a Markdown table.

use super::{FEW, Figures, Options};
use crate::report::machine;
use ferroconnect_e2e::worker::Subject;
use std::fmt::Write as _;
use std::time::Duration;

/// The table, and the command that made it.
pub(crate) fn markdown(options: &Options, all: &[Figures]) -> String {
    let mut text = format!(
        "`scripts/bench.sh scale --connectors {} --tasks {} --files {} --requests {} --seconds {} --rate {}` on {}.\n\
         Times in milliseconds; median, then the 99th percentile.\n\n",
        options.connectors,
        options.tasks,
        options.files,
        options.requests,
        options.seconds,
        options.rate,
        machine()
    );
    let names = all.iter().map(|figures| match figures.subject {
        Subject::Ferroconnect => "Ferroconnect",
        Subject::Java => "Java worker",
    });
    line(&mut text, "What", names.map(str::to_owned));
    line(&mut text, "---", all.iter().map(|_| "---".to_owned()));
    let mut row = |what: &str, show: &dyn Fn(&Figures) -> String| line(&mut text, what, all.iter().map(show));
    row(&format!("start with {} connector files until all tasks run, s", options.files), &|f| seconds(f.start));
    row(&format!("{} tasks created and running after, s", options.tasks), &|f| seconds(f.growth));
    row("`GET /connectors?expand=status&expand=info`", &|f| spread(&f.listings));
    row(&format!("create a connector beside {FEW}"), &|f| spread(&f.beside_few.create));
    row(&format!("create a connector beside {}", options.connectors), &|f| spread(&f.beside_all.create));
    row(&format!("delete a connector beside {FEW}"), &|f| spread(&f.beside_few.delete));
    row(&format!("delete a connector beside {}", options.connectors), &|f| spread(&f.beside_all.delete));
    row(&format!("{} requests a second: answered in", options.requests), &|f| spread(&f.load.times));
    row(&format!("failed, of {}", options.requests * options.seconds), &|f| f.load.failed.len().to_string());
    row("memory with all tasks, MB", &|f| format!("{:.0}", f.resident));
    row("CPU with all tasks, cores", &|f| format!("{:.2}", f.cpu));
    for failed in all.iter().filter_map(|figures| figures.load.failed.first()) {
        eprintln!("a request that failed: {failed}");
    }
    text
}

fn line(text: &mut String, what: &str, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.collect();
    writeln!(text, "| {what} | {} |", cells.join(" | ")).expect("text can be written to a string");
}

fn seconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64())
}

/// Median and 99th percentile.
fn spread(times: &[Duration]) -> String {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let at = |share: f64| {
        let place = (sorted.len() as f64 * share) as usize;
        sorted.get(place.min(sorted.len().saturating_sub(1))).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    };
    format!("{:.1}, {:.1}", at(0.5), at(0.99))
}
