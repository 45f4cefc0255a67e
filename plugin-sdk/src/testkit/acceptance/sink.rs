//! Checks for sink connectors.

use super::{Finding, Suite, does, does_not_panic, holds, is_consistent, is_documented, names_missing_keys};
use crate::config::Config;
use crate::testkit::{Library, SinkHarness, into_result, sink_record};
use ferroconnect_plugin_abi::containers::AbiSlice;
use ferroconnect_plugin_abi::info::PluginKind;
use ferroconnect_plugin_abi::record::{Data, Record};

const TOPIC: &str = "acceptance";

/// Checks a sink connector.
///
/// `config` is a configuration that works. `values` are at least two values that it can write. `written` counts what
/// arrived at the destination since the start of the test; what comes twice may count once or twice.
///
/// It is held to this:
/// - it has a version, and it and each of its keys are documented; keys are defined once;
/// - a missing required key is a config error that names the key;
/// - it gives at least one task and never more than it may have;
/// - what `pre_commit` says can be committed has arrived, and is never more than what was put;
/// - the same records again, as after a failed commit, are no error, nor is an empty batch;
/// - it goes on after its partition was taken away and given back, and after a restart;
/// - null and a value of an unexpected type do not panic;
/// - stopping twice, stopping or putting without a start, and dropping at any time do not panic.
///
/// # Panics
/// If a check fails; the text names all that did.
pub fn sink(library: &Library, class: &str, config: impl Into<Config>, values: Vec<Data>, written: impl Fn() -> usize) {
    assert!(values.len() >= 2, "the checks need two values at least");
    let config = config.into();
    let info = library.plugin(PluginKind::SINK, class).clone();
    let harness = || SinkHarness::new(library, class, config.clone());
    let mut suite = Suite::new(&info);
    suite.check("is documented", || is_documented(&info));
    suite.check("defines its keys once", || is_consistent(&info));
    suite.check("names missing keys", || {
        names_missing_keys(&info, &config, |config| SinkHarness::new(library, class, config).start())
    });
    suite.check("stays within its number of tasks", || task_numbers(&harness));
    suite.check("survives calls out of order", || calls_out_of_order(&harness()));
    suite.check("commits what arrived", || commits_what_arrived(harness(), &values, &written));
    suite.check("takes records again", || takes_records_again(harness(), &values, &written));
    suite.check("goes on after a rebalance and a restart", || goes_on(harness(), &values, &written));
    suite.check("survives odd values", || odd_values(&harness));
    suite.finish();
}

fn task_numbers(harness: &impl Fn() -> SinkHarness) -> Finding {
    for maximum in [1, 3] {
        let mut sink = harness().tasks_max(maximum);
        does("start", sink.start())?;
        let tasks = sink.tasks();
        holds((1..=maximum as usize).contains(&tasks), || {
            format!("it gives {tasks} tasks where it may have {maximum}")
        })?;
        does("stop", sink.stop())?;
        does_not_panic("a second stop", sink.stop())?;
    }
    Ok(())
}

fn calls_out_of_order(harness: &SinkHarness) -> Finding {
    let mut connector = does("making a connector", harness.connector())?;
    does_not_panic("validate without start", into_result(connector.validate(Default::default())))?;
    for _ in 0..2 {
        does_not_panic("stop of a connector without start", into_result(connector.stop()))?;
    }
    let mut task = does("making a task", harness.task())?;
    let record = sink_record(TOPIC, 0, 0, Data::NULL);
    does_not_panic("put without start", into_result(task.put(AbiSlice::from([record].as_slice()))))?;
    does_not_panic("pre_commit without start", into_result(task.pre_commit(Default::default())))?;
    for _ in 0..2 {
        does_not_panic("stop of a task without start", into_result(task.stop()))?;
    }
    Ok(())
}

fn started(mut sink: SinkHarness) -> Finding<SinkHarness> {
    does("start", sink.start())?;
    does("open", sink.open(TOPIC, 0))?;
    Ok(sink)
}

fn commits_what_arrived(sink: SinkHarness, values: &[Data], written: &impl Fn() -> usize) -> Finding {
    let mut sink = started(sink)?;
    let before = written();
    does("put of an empty batch", sink.put(&[]))?;
    does("put", sink.put_values(TOPIC, 0, values.to_vec()))?;
    let offsets = does("pre_commit", sink.pre_commit())?;
    let end = values.len() as i64;
    let mine: Vec<_> = offsets.iter().filter(|offset| offset.topic.as_str() == TOPIC).collect();
    holds(mine.iter().all(|offset| offset.offset <= end), || format!("it answers {offsets:?} after {end} records"))?;
    let committed = mine.iter().map(|offset| offset.offset).max().unwrap_or(0);
    let arrived = written() - before;
    holds(arrived as i64 >= committed, || format!("it says {committed} arrived, and {arrived} did"))?;
    does("stop", sink.stop())?;
    let arrived = written() - before;
    holds(arrived as i64 >= committed, || format!("{arrived} of {committed} are left after stop"))
}

fn takes_records_again(sink: SinkHarness, values: &[Data], written: &impl Fn() -> usize) -> Finding {
    let mut sink = started(sink)?;
    let records: Vec<Record> =
        (0..).zip(values).map(|(offset, value)| sink_record(TOPIC, 0, offset, value.clone())).collect();
    does("the first put", sink.put(&records))?;
    does("put of the same records", sink.put(&records))?;
    does("pre_commit", sink.pre_commit())?;
    does("pre_commit without news", sink.pre_commit())?;
    holds(written() >= values.len(), || format!("only {} records arrived", written()))?;
    does("stop", sink.stop())
}

fn goes_on(sink: SinkHarness, values: &[Data], written: &impl Fn() -> usize) -> Finding {
    let mut sink = started(sink)?;
    let halves = values.split_at(values.len() / 2);
    does("put", sink.put_values(TOPIC, 0, halves.0.to_vec()))?;
    does("pre_commit", sink.pre_commit())?;
    does("close", sink.close(TOPIC, 0))?;
    does("open again", sink.open(TOPIC, 0))?;
    does("put after open", sink.put_values(TOPIC, 0, halves.1.to_vec()))?;
    does("pre_commit", sink.pre_commit())?;
    does("stop", sink.stop())?;
    let before = written();
    let mut sink = started(sink)?;
    does("put after a restart", sink.put_values(TOPIC, 0, values.to_vec()))?;
    let committed = does("pre_commit", sink.pre_commit())?.iter().map(|offset| offset.offset).max().unwrap_or(0);
    let arrived = written().saturating_sub(before);
    does("stop", sink.stop())?;
    // A destination that knows the records by their key may have them already.
    holds(arrived as i64 >= committed || before >= values.len(), || format!("{arrived} of {committed} arrived"))
}

fn odd_values(harness: &impl Fn() -> SinkHarness) -> Finding {
    for value in super::stage::odd_values() {
        let mut sink = started(harness())?;
        let what = format!("put of {:?}", value.value);
        let put = sink.put_values(TOPIC, 0, vec![value]);
        does_not_panic(&what, put)?;
        does_not_panic("pre_commit", sink.pre_commit())?;
    }
    Ok(())
}
