//! Offsets of consumer groups.

use std::time::{Duration, Instant};

use rdkafka::bindings as rd;
use rdkafka::types::RDKafkaRespErr as Code;

use super::Admin;
use crate::kafka::error::KafkaError;
use crate::kafka::native::{Event, c_string};
use crate::kafka::partitions::{Entry, PartitionList, TopicPartition, TopicPartitionOffset, read_entries};

/// How long to wait before a group's coordinator is asked again.
const BACKOFF: Duration = Duration::from_millis(100);

impl Admin {
    /// Makes the same request again while the group has no coordinator that is ready, as Java's
    /// client does; librdkafka leaves it to its users.
    fn while_coordinator_moves<T>(
        &self,
        timeout: Duration,
        attempt: impl Fn(Duration) -> Result<T, KafkaError>,
    ) -> Result<T, KafkaError> {
        let start = Instant::now();
        loop {
            match attempt(timeout.saturating_sub(start.elapsed())) {
                Err(error) if is_coordinator_moving(&error) && start.elapsed() + BACKOFF < timeout => {
                    std::thread::sleep(BACKOFF);
                }
                result => return result,
            }
        }
    }

    /// All committed offsets of a group; none for a group that does not exist.
    ///
    /// # Errors
    /// If the group may not be described or no answer came.
    pub fn group_offsets(&self, group: &str, timeout: Duration) -> Result<Vec<TopicPartitionOffset>, KafkaError> {
        self.while_coordinator_moves(timeout, |left| self.try_group_offsets(group, left))
    }

    fn try_group_offsets(&self, group: &str, timeout: Duration) -> Result<Vec<TopicPartitionOffset>, KafkaError> {
        let name = c_string("group id", group)?;
        let kind = rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS;
        let event = self.request(kind, timeout, |options, queue| {
            // SAFETY: all pointers are valid; null means all partitions; the request is copied.
            unsafe {
                let mut request = rd::rd_kafka_ListConsumerGroupOffsets_new(name.as_ptr(), std::ptr::null());
                rd::rd_kafka_ListConsumerGroupOffsets(self.handle.as_ptr(), &mut request, 1, options, queue);
                rd::rd_kafka_ListConsumerGroupOffsets_destroy(request);
            }
        })?;
        // SAFETY: the event is the answer to this request.
        let entries = unsafe {
            let result = rd::rd_kafka_event_ListConsumerGroupOffsets_result(event.as_ptr());
            let mut count = 0;
            let groups = rd::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &mut count);
            group_entries(&event, groups, count)?
        };
        let mut offsets = Vec::with_capacity(entries.len());
        for entry in entries {
            entry.result?;
            if let Some(offset) = entry.offset {
                offsets.push(entry.partition.at(offset));
            }
        }
        Ok(offsets)
    }

    /// Sets committed offsets of a group without members.
    ///
    /// # Errors
    /// If the group has members, a partition does not exist, or no answer came.
    pub fn alter_group_offsets(
        &self,
        group: &str,
        offsets: &[TopicPartitionOffset],
        timeout: Duration,
    ) -> Result<(), KafkaError> {
        self.while_coordinator_moves(timeout, |left| self.try_alter_group_offsets(group, offsets, left))
    }

    fn try_alter_group_offsets(
        &self,
        group: &str,
        offsets: &[TopicPartitionOffset],
        timeout: Duration,
    ) -> Result<(), KafkaError> {
        if offsets.is_empty() {
            return Ok(());
        }
        let name = c_string("group id", group)?;
        let list = PartitionList::of_offsets(offsets)?;
        let kind = rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS;
        let event = self.request(kind, timeout, |options, queue| {
            // SAFETY: all pointers are valid; name, list and request are copied.
            unsafe {
                let mut request = rd::rd_kafka_AlterConsumerGroupOffsets_new(name.as_ptr(), list.as_ptr());
                rd::rd_kafka_AlterConsumerGroupOffsets(self.handle.as_ptr(), &mut request, 1, options, queue);
                rd::rd_kafka_AlterConsumerGroupOffsets_destroy(request);
            }
        })?;
        // SAFETY: the event is the answer to this request.
        unsafe {
            let result = rd::rd_kafka_event_AlterConsumerGroupOffsets_result(event.as_ptr());
            let mut count = 0;
            let groups = rd::rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &mut count);
            all_succeeded(group_entries(&event, groups, count)?)
        }
    }

    /// Removes committed offsets of partitions. A group that does not exist has none.
    ///
    /// # Errors
    /// If members of the group read one of the topics, or no answer came.
    pub fn delete_group_offsets(
        &self,
        group: &str,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<(), KafkaError> {
        self.while_coordinator_moves(timeout, |left| self.try_delete_group_offsets(group, partitions, left))
    }

    fn try_delete_group_offsets(
        &self,
        group: &str,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<(), KafkaError> {
        if partitions.is_empty() {
            return Ok(());
        }
        let name = c_string("group id", group)?;
        let list = PartitionList::of(partitions)?;
        let kind = rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DELETECONSUMERGROUPOFFSETS;
        let event = self.request(kind, timeout, |options, queue| {
            // SAFETY: all pointers are valid; name, list and request are copied.
            unsafe {
                let mut request = rd::rd_kafka_DeleteConsumerGroupOffsets_new(name.as_ptr(), list.as_ptr());
                rd::rd_kafka_DeleteConsumerGroupOffsets(self.handle.as_ptr(), &mut request, 1, options, queue);
                rd::rd_kafka_DeleteConsumerGroupOffsets_destroy(request);
            }
        });
        let event = match event {
            Err(error) if is_unknown_group(&error) => return Ok(()),
            event => event?,
        };
        // SAFETY: the event is the answer to this request.
        let entries = unsafe {
            let result = rd::rd_kafka_event_DeleteConsumerGroupOffsets_result(event.as_ptr());
            let mut count = 0;
            let groups = rd::rd_kafka_DeleteConsumerGroupOffsets_result_groups(result, &mut count);
            group_entries(&event, groups, count)
        };
        match entries {
            Err(error) if is_unknown_group(&error) => Ok(()),
            entries => all_succeeded(entries?),
        }
    }

    /// Deletes a group with its offsets. One that does not exist is success.
    ///
    /// # Errors
    /// If the group has members, or no answer came.
    pub fn delete_group(&self, group: &str, timeout: Duration) -> Result<(), KafkaError> {
        self.while_coordinator_moves(timeout, |left| self.try_delete_group(group, left))
    }

    fn try_delete_group(&self, group: &str, timeout: Duration) -> Result<(), KafkaError> {
        let name = c_string("group id", group)?;
        let kind = rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DELETEGROUPS;
        let event = self.request(kind, timeout, |options, queue| {
            // SAFETY: all pointers are valid; name and request are copied.
            unsafe {
                let mut request = rd::rd_kafka_DeleteGroup_new(name.as_ptr());
                rd::rd_kafka_DeleteGroups(self.handle.as_ptr(), &mut request, 1, options, queue);
                rd::rd_kafka_DeleteGroup_destroy(request);
            }
        })?;
        // SAFETY: the event is the answer to this request.
        let result = unsafe {
            let result = rd::rd_kafka_event_DeleteGroups_result(event.as_ptr());
            let mut count = 0;
            let groups = rd::rd_kafka_DeleteGroups_result_groups(result, &mut count);
            group_entries(&event, groups, count)
        };
        match result {
            Err(error) if is_unknown_group(&error) => Ok(()),
            result => result.map(drop),
        }
    }
}

fn is_coordinator_moving(error: &KafkaError) -> bool {
    [
        Code::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
        Code::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
        Code::RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
    ]
    .iter()
    .any(|code| error.is(*code))
}

fn is_unknown_group(error: &KafkaError) -> bool {
    error.is(Code::RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
}

fn all_succeeded(entries: Vec<Entry>) -> Result<(), KafkaError> {
    for entry in entries {
        entry.result.map_err(|error| {
            let text = format!("{}: {}", entry.partition, error.text());
            error.with_text(text)
        })?;
    }
    Ok(())
}

/// The partitions of the one group asked for, or its error.
///
/// # Safety
/// `groups` are the `count` results of `_event`.
unsafe fn group_entries(
    _event: &Event,
    groups: *mut *const rd::rd_kafka_group_result_t,
    count: usize,
) -> Result<Vec<Entry>, KafkaError> {
    if count == 0 {
        return Err(KafkaError::from_code(Code::RD_KAFKA_RESP_ERR__FAIL as i32));
    }
    // SAFETY: by the contract of this function; the results live as long as the event.
    unsafe {
        let group = *groups;
        let error = rd::rd_kafka_group_result_error(group);
        if !error.is_null() {
            return Err(KafkaError::read(error));
        }
        Ok(read_entries(rd::rd_kafka_group_result_partitions(group)))
    }
}
