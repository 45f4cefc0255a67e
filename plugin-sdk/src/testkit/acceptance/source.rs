//! Checks for source connectors.

use super::{Finding, Suite, does, does_not_panic, holds, is_consistent, is_documented, names_missing_keys};
use crate::config::Config;
use crate::error::Result;
use crate::testkit::{Library, PATIENCE, SourceHarness, SourceRead, into_result};
use ferroconnect_plugin_abi::info::PluginKind;
use ferroconnect_plugin_abi::record::{Record, SourceBatch};

/// How many records the checks read.
const RECORDS: usize = 10;

/// Checks a source connector.
///
/// `config` is a configuration that works. `feed` is called once and makes at least ten records available to read; for
/// a source that makes its own records it does nothing. Keys, values and topics have to be the same each time the same
/// record is read.
///
/// It is held to this:
/// - it has a version, and it and each of its keys are documented; keys are defined once;
/// - a missing required key is a config error that names the key;
/// - it gives at least one task and never more than it may have;
/// - it gives the records there are;
/// - started again after any number of them was delivered it goes on with the next one: none is lost, none comes twice
///   (where positions are kept);
/// - a poll that waits is over soon after the task was told to stop;
/// - stopping twice, stopping or polling without a start, and dropping at any time do not panic.
///
/// # Panics
/// If a check fails; the text names all that did.
pub fn source(library: &Library, class: &str, config: impl Into<Config>, feed: impl FnOnce()) {
    let config = config.into();
    let info = library.plugin(PluginKind::SOURCE, class).clone();
    let harness = || SourceHarness::new(library, class, config.clone());
    let mut suite = Suite::new(&info);
    suite.check("is documented", || is_documented(&info));
    suite.check("defines its keys once", || is_consistent(&info));
    suite.check("names missing keys", || {
        names_missing_keys(&info, &config, |config| SourceHarness::new(library, class, config).start())
    });
    suite.check("stays within its number of tasks", || task_numbers(&harness));
    suite.check("survives calls out of order", || calls_out_of_order(&harness()));
    suite.check("can be stopped twice", || stops_twice(harness()));
    feed();
    suite.check("goes on where it stopped", || resumes(&harness));
    suite.check("stops while it polls", || stops_while_polling(harness()));
    suite.finish();
}

fn task_numbers(harness: &impl Fn() -> SourceHarness) -> Finding {
    for maximum in [1, 3] {
        let mut source = harness().tasks_max(maximum);
        does("start", source.start())?;
        let tasks = source.tasks();
        holds((1..=maximum as usize).contains(&tasks), || {
            format!("it gives {tasks} tasks where it may have {maximum}")
        })?;
        does("stop", source.stop())?;
    }
    Ok(())
}

fn calls_out_of_order(harness: &SourceHarness) -> Finding {
    let mut connector = does("making a connector", harness.connector())?;
    does_not_panic("validate without start", into_result(connector.validate(Default::default())))?;
    does_not_panic("stop of a connector without start", into_result(connector.stop()))?;
    let mut task = does("making a task", harness.task())?;
    // Told to stop, so that a poll that works without start does not wait.
    task.control().stop();
    does_not_panic("poll without start", into_result(task.poll(&mut SourceBatch::new(0))))?;
    does_not_panic("commit without start", into_result(task.commit()))?;
    does_not_panic("stop of a task without start", into_result(task.stop()))
}

fn stops_twice(harness: SourceHarness) -> Finding {
    let mut source = harness;
    does("start", source.start())?;
    let mut running = source.running_parts();
    let (connector, task) = running.as_mut().ok_or("nothing runs after start")?;
    does("the first stop", into_result(task.stop()))?;
    does_not_panic("the second stop", into_result(task.stop()))?;
    does("the first stop of the connector", into_result(connector.stop()))?;
    does_not_panic("the second stop of the connector", into_result(connector.stop()))
}

/// What tells one record from another; timestamps may differ.
fn identity(record: &Record) -> String {
    format!("{}: {:?} = {:?}", record.topic, record.key, record.value)
}

fn resumes(harness: &impl Fn() -> SourceHarness) -> Finding {
    let all = read(&mut harness(), RECORDS)?;
    let kept = all.iter().all(|read| read.partition.is_some() && read.offset.is_some());
    if !kept {
        return Ok(());
    }
    let all: Vec<_> = all.iter().map(|read| identity(&read.record)).collect();
    for delivered in [0, 1, RECORDS / 2, RECORDS - 1] {
        let mut source = harness();
        read(&mut source, RECORDS)?;
        does("commit", source.commit_first(delivered))?;
        does("restart", source.restart())?;
        let rest = does("poll", source.poll_until(RECORDS - delivered))?;
        let rest = rest.iter().take(RECORDS - delivered).map(|read| identity(&read.record));
        let expected = all[delivered..].iter().cloned();
        if let Some((expected, got)) = expected.zip(rest).find(|(expected, got)| expected != got) {
            return Err(format!("after {delivered} records it gives {got} and not {expected}"));
        }
        does("stop", source.stop())?;
    }
    Ok(())
}

fn read(source: &mut SourceHarness, count: usize) -> Finding<Vec<SourceRead>> {
    does("start", source.start())?;
    let mut reads = does("poll", source.poll_until(count))?;
    reads.truncate(count);
    Ok(reads)
}

fn stops_while_polling(mut source: SourceHarness) -> Finding {
    does("start", source.start())?;
    // Reads what there is, so that the next poll has to wait if it ever does.
    does("poll", source.poll_until(RECORDS))?;
    let took: Result<_> = source.stop_while_polling();
    let took = does("stop", took)?;
    holds(took < PATIENCE / 2, || format!("it takes {took:?}"))
}
