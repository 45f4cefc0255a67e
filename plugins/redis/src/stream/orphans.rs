//! Entries that are pending for tasks which are no more, because there are fewer tasks than before.

use crate::connection::Connection;
use crate::keys;
use redis::{Cmd, RedisResult, Value, from_redis_value};
use std::collections::HashMap;

/// So many entries change hands at once.
const AT_ONCE: usize = 1_000;

/// The group of a stream, and how its consumers are named.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group<'a> {
    /// The stream.
    pub(crate) stream: &'a str,
    /// The group.
    pub(crate) name: &'a str,
    /// The consumers' name, with `${task}` for the number of the task.
    pub(crate) consumer: &'a str,
    /// How many tasks there are.
    pub(crate) tasks: usize,
}

impl Group<'_> {
    /// Gives `heir` what is pending for tasks that are no more; says how much that was.
    pub(crate) fn inherit(&self, connection: &mut Connection, heir: &str) -> RedisResult<usize> {
        let answer = connection.request(redis::cmd("XINFO").arg("CONSUMERS").arg(self.stream).arg(self.name))?;
        let consumers: Vec<HashMap<String, Value>> = from_redis_value(answer)?;
        let mut count = 0;
        for mut consumer in consumers {
            let name: String = from_redis_value(consumer.remove("name").unwrap_or_default())?;
            if self.is_orphaned(&name) {
                count += self.take(connection, &name, heir)?;
            }
        }
        Ok(count)
    }

    /// Whether the name is that of a task whose number is too high by now.
    fn is_orphaned(&self, name: &str) -> bool {
        let number = self
            .consumer
            .split_once(keys::TASK_TOKEN)
            .and_then(|(before, behind)| name.strip_prefix(before)?.strip_suffix(behind)?.parse::<usize>().ok());
        number.is_some_and(|number| number >= self.tasks)
    }

    fn take(&self, connection: &mut Connection, from: &str, heir: &str) -> RedisResult<usize> {
        let mut count = 0;
        loop {
            let pending = self.command("XPENDING").arg("-").arg("+").arg(AT_ONCE).arg(from).take();
            let pending: Vec<(String, Value, Value, Value)> = from_redis_value(connection.request(&pending)?)?;
            if pending.is_empty() {
                return Ok(count);
            }
            // At once, however long they have been idle: the task is gone for certain.
            let mut claim = self.command("XCLAIM");
            claim.arg(heir).arg(0);
            for (id, ..) in &pending {
                claim.arg(id);
            }
            connection.request(claim.arg("JUSTID"))?;
            count += pending.len();
        }
    }

    fn command(&self, name: &str) -> Cmd {
        redis::cmd(name).arg(self.stream).arg(self.name).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_behind_the_last_task_are_orphaned() {
        let group = Group { stream: "s", name: "g", consumer: "a-${task}-z", tasks: 2 };
        for (name, orphaned) in [("a-1-z", false), ("a-2-z", true), ("a-x-z", false), ("b-2-z", false), ("a-2", false)]
        {
            assert_eq!(group.is_orphaned(name), orphaned, "{name}");
        }
        assert!(!Group { consumer: "one", ..group }.is_orphaned("2"));
    }
}
