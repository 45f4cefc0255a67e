//! The figures as a Markdown table.

use super::{Format, Options, Part, Run, Who};
use crate::arrival::Arrival;
use crate::report::{Spread, machine, thousands};
use clap::ValueEnum as _;
use std::fmt::Write as _;

/// The table, and the command that made it.
pub(crate) fn markdown(options: &Options, runs: &[Run]) -> String {
    let format = options.format.to_possible_value().expect("no format is hidden");
    let mut text = format!(
        "`scripts/bench.sh connectors --rows {} --batch {} --rounds {} --format {}` on {}; the servers too.\n\
         Medians; the lowest and highest run in parentheses. The loops have no Kafka, but for those that send; the worker \
         takes its rows from or to a topic.\n\n\
         | What | plain loop, rows/s | Ferroconnect, rows/s | ratio | CPU s per million rows | most memory, MB |\n\
         | --- | --- | --- | --- | --- | --- |\n",
        options.rows,
        options.batch,
        options.rounds,
        format.get_name(),
        machine()
    );
    for part in Part::value_variants() {
        let of = |value: &dyn Fn(&Who) -> Option<f64>| {
            Spread::of(runs.iter().filter(|run| run.part == *part).filter_map(|run| value(&run.who)))
        };
        let arrival = |value: fn(&Arrival) -> f64| of(&|who| who.arrival().map(value));
        let ours = arrival(|arrival| arrival.rate);
        let Some(our_rate) = ours.median() else { continue };
        let cpu = arrival(|arrival| arrival.cpu);
        let peak = arrival(|arrival| arrival.peak);
        for (plain, more) in [(of(&Who::plain), ""), (of(&Who::sender), " and send")] {
            let Some(plain_rate) = plain.median() else { continue };
            writeln!(
                text,
                "| {}{more} | {} | {} | {:.2} | {} | {} |",
                title(*part, options.format),
                plain.show(thousands),
                ours.show(thousands),
                our_rate / plain_rate,
                cpu.show(|seconds| format!("{:.1}", seconds * 1e6 / options.rows as f64)),
                peak.show(|megabytes| format!("{megabytes:.0}")),
            )
            .expect("text can be written to a string");
        }
    }
    text
}

fn title(part: Part, format: Format) -> String {
    let format = match format {
        Format::Json => "JSON with schema",
        Format::Avro => "Avro",
    };
    match part {
        Part::MariadbRead => "MariaDB → dropped by Filter; loop: SELECT".to_owned(),
        Part::MariadbSource => format!("MariaDB → {format}; loop: SELECT"),
        Part::MariadbSink => format!("{format} → MariaDB; loop: multi-row INSERT"),
        Part::PostgresRead => "PostgreSQL → dropped by Filter; loop: SELECT".to_owned(),
        Part::PostgresSource => format!("PostgreSQL → {format}; loop: SELECT"),
        Part::PostgresSink => format!("{format} → PostgreSQL; loop: COPY"),
        Part::RedisSink => "bytes → Redis keys; loop: pipelined SET".to_owned(),
    }
}
