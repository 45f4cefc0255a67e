//! Commands as the server reads them (RESP), one behind the other in one buffer.
//!
//! What stands in a record is copied once, into that buffer: there is no allocation for a command or an argument.

use ferroconnect_plugin_sdk::Error;
use redis::{Cmd, Parser, RedisResult, Value};

/// So many bytes of memory are kept for the next commands.
const MOST_KEPT: usize = 1 << 20;

/// Commands that wait to be sent.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    bytes: Vec<u8>,
    count: usize,
}

impl Commands {
    /// Adds a command. `arguments` gives what follows its name.
    ///
    /// # Errors
    /// Those of `arguments`; then there is no such command.
    pub(crate) fn add(
        &mut self,
        name: &str,
        arguments: impl FnOnce(&mut Arguments<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let start = self.bytes.len();
        let mut all = Arguments { bytes: &mut self.bytes, count: 0 };
        all.add(name.as_bytes());
        let added = arguments(&mut all);
        let count = all.count;
        if added.is_ok() {
            put_before(&mut self.bytes, start, b'*', count);
            self.count += 1;
        } else {
            self.bytes.truncate(start);
        }
        added
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// What to send.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets all; keeps the memory for the next ones, unless there was a record of uncommon size.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(MOST_KEPT);
        self.count = 0;
    }

    /// The commands one by one, as the client library wants them where it has to find a node for each.
    pub(crate) fn one_by_one(&self) -> RedisResult<Vec<Cmd>> {
        let mut parser = Parser::new();
        let mut rest = self.bytes();
        (0..self.count).map(|_| parser.parse_value(&mut rest).map(command)).collect()
    }
}

fn command(parts: Value) -> Cmd {
    let mut command = Cmd::new();
    for part in parts.as_sequence().expect("a command is written as an array") {
        let Value::BulkString(part) = part else { unreachable!("its parts are written as byte strings") };
        command.arg(part.as_slice());
    }
    command
}

/// The arguments of a command that is being added.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    bytes: &'a mut Vec<u8>,
    count: usize,
}

impl Arguments<'_> {
    /// Adds an argument that there is already.
    pub(crate) fn add(&mut self, argument: &[u8]) -> &mut Self {
        put_head(self.bytes, b'$', argument.len());
        self.bytes.extend_from_slice(argument);
        self.end()
    }

    /// Adds a number in digits.
    pub(crate) fn add_number(&mut self, number: impl itoa::Integer) -> &mut Self {
        self.add(itoa::Buffer::new().format(number).as_bytes())
    }

    /// Adds an argument that `write` appends to the buffer.
    ///
    /// # Errors
    /// Those of `write`.
    pub(crate) fn write(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>) -> Result<&mut Self, Error> {
        let start = self.bytes.len();
        write(self.bytes)?;
        let size = self.bytes.len() - start;
        put_before(self.bytes, start, b'$', size);
        Ok(self.end())
    }

    fn end(&mut self) -> &mut Self {
        self.bytes.extend_from_slice(b"\r\n");
        self.count += 1;
        self
    }
}

fn put_head(bytes: &mut Vec<u8>, kind: u8, size: usize) {
    bytes.push(kind);
    bytes.extend_from_slice(itoa::Buffer::new().format(size).as_bytes());
    bytes.extend_from_slice(b"\r\n");
}

/// Puts a head before what begins at `start`. Its size was not known before; to move a few bytes costs less than to
/// write them elsewhere first.
fn put_before(bytes: &mut Vec<u8>, start: usize, kind: u8, size: usize) {
    let end = bytes.len();
    put_head(bytes, kind, size);
    let head = bytes.len() - end;
    bytes[start..].rotate_right(head);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_written_as_the_client_library_does() {
        let large = vec![b'x'; 100_000];
        let mut commands = Commands::default();
        let set = |all: &mut Arguments<'_>| {
            let value = |out: &mut Vec<u8>| {
                out.extend_from_slice(&large);
                Ok(())
            };
            all.add(b"").add_number(-7).write(value)?.write(|_| Ok(()))?;
            Ok(())
        };
        commands.add("SET", set).unwrap();
        commands.add("PING", |_| Ok(())).unwrap();
        let mut expected = redis::cmd("SET");
        expected.arg(b"").arg(-7).arg(&large).arg(b"");
        let expected = [expected.get_packed_command(), redis::cmd("PING").get_packed_command()];
        assert_eq!(commands.bytes(), expected.concat());
        let again: Vec<Vec<u8>> = commands.one_by_one().unwrap().iter().map(Cmd::get_packed_command).collect();
        assert_eq!(again, expected);
    }

    #[test]
    fn a_command_that_fails_halfway_leaves_nothing_behind() {
        let mut commands = Commands::default();
        commands.add("PING", |_| Ok(())).unwrap();
        let before = commands.bytes().to_vec();
        let broken = |out: &mut Vec<u8>| {
            out.push(b'x');
            Err(Error::data("no"))
        };
        commands.add("SET", |all| all.add(b"key").write(broken).map(drop)).unwrap_err();
        assert_eq!((commands.bytes(), commands.count()), (before.as_slice(), 1));
        commands.clear();
        assert_eq!((commands.bytes(), commands.count()), (&[][..], 0));
    }
}
