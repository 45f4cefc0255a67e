//! What a change of offsets does to those in the table, and so to what is written again.

use super::*;
use ferroconnect_plugin_sdk::{OffsetChange, SinkOffsetChange, TopicPartition};

/// A sink that keeps its offsets in a table under this name.
const OF_ONE: [(&str, &str); 3] = [CREATE, ("offsets.table", "sink_offsets"), ("name", "one")];

fn partition(number: i32) -> TopicPartition {
    TopicPartition { topic: "altered".into(), partition: number }
}

/// Two records of each of two partitions, whose ids are 0 and 1, 10 and 11.
fn records() -> Vec<Record> {
    let record = |(partition, offset): (i32, i64)| {
        let mut record = keyed("altered", offset, i64::from(partition) * 10 + offset, Some("a"));
        record.origin.partition = partition;
        record
    };
    [(0, 0), (0, 1), (1, 0), (1, 1)].map(record).into()
}

/// The ids of those records that a sink writes when it is given all of them, after this change.
fn written_again(target: &Target, change: &SinkOffsetChange) -> Vec<i64> {
    target.run(&format!("DELETE FROM {}", target.dialect().name("altered")));
    assert!(harness(target, &OF_ONE).alter_offsets(change).unwrap());
    sink(target, &OF_ONE).put(&records()).unwrap();
    users(target, "altered").into_iter().map(|(id, _)| id).collect()
}

each_target! {
    fn only_partitions_that_are_named_change(target) {
        sink(target, &OF_ONE).put(&records()).unwrap();
        let alter = |offsets: &[(i32, Option<i64>)]| {
            let named = offsets.iter().map(|&(number, offset)| (partition(number), offset));
            written_again(target, &OffsetChange::Alter(named.collect()))
        };
        assert_eq!(alter(&[(0, None)]), [0, 1]);
        assert_eq!(alter(&[(1, None), (7, None)]), [10, 11]);
        assert_eq!(alter(&[(0, Some(1))]), [1]);
        assert_eq!(alter(&[(0, Some(2)), (1, None)]), [10, 11]);
        // One that was never written may begin later as well.
        assert_eq!(alter(&[(0, None), (1, None), (7, Some(5))]), [0, 1, 10, 11]);
    }

    fn a_reset_forgets_all_partitions_of_the_connector(target) {
        let of_other = [CREATE, ("offsets.table", "sink_offsets"), ("name", "other")];
        sink(target, &of_other).put(&records()).unwrap();
        sink(target, &OF_ONE).put(&records()).unwrap();
        assert_eq!(written_again(target, &OffsetChange::Reset(vec![partition(0)])), [0, 1, 10, 11]);
        // The group has no offsets left when its topics were deleted.
        assert_eq!(written_again(target, &OffsetChange::Reset(vec![])), [0, 1, 10, 11]);
        sink(target, &of_other).put(&records()).unwrap();
        assert_eq!(users(target, "altered").len(), 4, "the other connector's offsets are kept");
    }

    fn records_that_are_left_out_are_told_once(target) {
        sink(target, &OF_ONE).put(&records()).unwrap();
        let mut again = sink(target, &OF_ONE);
        again.put(&records()[..2]).unwrap();
        again.put(&records()[..2]).unwrap();
        let told = |line: &LogLine| line.level == LogLevel::WARN && line.message.contains("altered-0");
        assert_eq!(again.log().iter().filter(|line| told(line)).count(), 1, "{:?}", again.log());
    }
}
