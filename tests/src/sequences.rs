//! Judges sequences of numbered records: what is missing, what is out of order, what came twice.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A record of a verifiable source: its task and its sequence number in that task.
pub type Id = (i64, i64);

/// What one destination received.
#[derive(Debug, Default)]
pub struct Received {
    seen: BTreeSet<Id>,
    newest: BTreeMap<i64, i64>,
    /// Records that came again.
    pub duplicates: u64,
    /// First arrivals that came after a higher number of the same task.
    pub out_of_order: Vec<Id>,
}

impl Received {
    /// Takes the next record, in order of arrival.
    pub fn push(&mut self, (task, seqno): Id) {
        if !self.seen.insert((task, seqno)) {
            self.duplicates += 1;
            return;
        }
        let newest = self.newest.entry(task).or_insert(seqno);
        if seqno < *newest {
            self.out_of_order.push((task, seqno));
        }
        *newest = seqno.max(*newest);
    }

    /// Numbers of `sent` that never came.
    pub fn missing<'a>(&self, sent: impl IntoIterator<Item = &'a Id>) -> Vec<Id> {
        sent.into_iter().filter(|id| !self.seen.contains(id)).copied().collect()
    }

    /// Numbers below the highest of each task that never came: a source counts from 0 without gaps.
    pub fn gaps(&self) -> Vec<Id> {
        let all = self.newest.iter().flat_map(|(task, newest)| (0..=*newest).map(|seqno| (*task, seqno)));
        all.filter(|id| !self.seen.contains(id)).collect()
    }

    /// How many different records came.
    pub fn distinct(&self) -> usize {
        self.seen.len()
    }
}

/// What a verifiable connector said in one line of its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A source made the record.
    Sent(Id),
    /// Kafka has acknowledged the record to the source.
    Committed(Id),
    /// A sink has taken the record.
    Received(Id),
    /// A sink has been told to make the record durable.
    Flushed(Id),
}

/// Reads the output of a worker with verifiable connectors. A last line without an end, cut off by a kill, does not count.
pub fn events(output: &str) -> Vec<Event> {
    let whole = output.rfind('\n').map_or("", |end| &output[..end]);
    whole.lines().filter_map(event).collect()
}

fn event(line: &str) -> Option<Event> {
    let line: Value = serde_json::from_str(line).ok()?;
    let id = (line["task"].as_i64()?, line["seqno"].as_i64()?);
    let is = |flag: &str| line[flag] == Value::Bool(true);
    Some(match line.get("sinkTask") {
        None if is("committed") => Event::Committed(id),
        None => Event::Sent(id),
        Some(_) if is("flushed") => Event::Flushed(id),
        Some(_) => Event::Received(id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_gaps_order_and_duplicates() {
        let mut got = Received::default();
        for id in [(0, 0), (0, 1), (1, 0), (0, 1), (0, 4), (0, 2)] {
            got.push(id);
        }
        assert_eq!(got.duplicates, 1);
        assert_eq!(got.out_of_order, [(0, 2)]);
        assert_eq!(got.gaps(), [(0, 3)]);
        assert_eq!(got.missing(&[(1, 0), (1, 1)]), [(1, 1)]);
        assert_eq!(got.distinct(), 5);
    }

    #[test]
    fn reads_the_lines_that_java_prints() {
        let output = concat!(
            r#"{"task":1,"seqno":0,"time_ms":1795251052093,"name":"s","topic":"t"}"#,
            "\n",
            r#"{"committed":true,"task":1,"seqno":0,"time_ms":1795251052267,"name":"s","topic":"t"}"#,
            "\n",
            r#"{"task":1,"seqno":0,"offset":0,"time_ms":1795251052316,"name":"k","topic":"t","sinkTask":0}"#,
            "\n",
            r#"{"task":1,"seqno":0,"offset":0,"time_ms":1,"name":"k","topic":"t","sinkTask":0,"flushed":true}"#,
            "\n",
            r#"{"task":1,"seqno":1}"#,
        );
        let id = (1, 0);
        assert_eq!(events(output), [Event::Sent(id), Event::Committed(id), Event::Received(id), Event::Flushed(id)]);
    }
}
