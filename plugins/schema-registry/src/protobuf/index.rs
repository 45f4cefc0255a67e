//! Which message of a schema a payload is: the path of places that stands in front of it.

use ferroconnect_plugin_sdk::{Error, Result};
use prost_reflect::{FileDescriptor, MessageDescriptor};

/// How many steps a path may have.
const LONGEST: i64 = 100;

/// The path of a message as it stands in front of payloads.
pub(super) fn write(message: &MessageDescriptor) -> Vec<u8> {
    // The path in a file alternates between the number of a kind of thing and the place among these.
    let places: Vec<i64> = message.path().iter().skip(1).step_by(2).map(|place| i64::from(*place)).collect();
    if places == [0] {
        return vec![0];
    }
    let mut bytes = Vec::new();
    push(places.len() as i64, &mut bytes);
    places.iter().for_each(|place| push(*place, &mut bytes));
    bytes
}

/// The message that a payload begins with the path of, and where the message itself begins.
///
/// # Errors
/// A data error where the path ends too early, or leads nowhere.
pub(super) fn read(file: &FileDescriptor, payload: &[u8]) -> Result<(MessageDescriptor, usize)> {
    let mut position = 0;
    let count = pull(payload, &mut position)?;
    if !(0..=LONGEST).contains(&count) {
        return Err(Error::data(format!("The payload names a message by a path of {count} steps")));
    }
    let mut message = step(file.messages(), if count == 0 { 0 } else { pull(payload, &mut position)? })?;
    for _ in 1..count {
        message = step(message.child_messages(), pull(payload, &mut position)?)?;
    }
    Ok((message, position))
}

fn step(mut among: impl Iterator<Item = MessageDescriptor>, place: i64) -> Result<MessageDescriptor> {
    let message = usize::try_from(place).ok().and_then(|place| among.nth(place));
    message.ok_or_else(|| Error::data(format!("The payload names message {place}, which the schema does not have")))
}

/// Appends a zig-zag variable-length number.
fn push(number: i64, bytes: &mut Vec<u8>) {
    let mut rest = ((number << 1) ^ (number >> 63)) as u64;
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

/// Takes a zig-zag variable-length number.
fn pull(bytes: &[u8], position: &mut usize) -> Result<i64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let byte =
            *bytes.get(*position).ok_or_else(|| Error::data("The payload ends within the path of its message"))?;
        *position += 1;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok((number >> 1) as i64 ^ -((number & 1) as i64));
        }
    }
    Err(Error::data("The path of the payload's message has a number that is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Document;

    fn file() -> FileDescriptor {
        let text = r#"syntax = "proto3"; message A { message B {} message C { message D {} } } message E {}"#;
        super::super::compile::compile(&Document { text: text.into(), imports: Vec::new() }).expect("compiles")
    }

    #[test]
    fn each_message_has_its_path() {
        let file = file();
        for (name, bytes) in [("A", &[0][..]), ("E", &[2, 2]), ("A.B", &[4, 0, 0]), ("A.C.D", &[6, 0, 2, 0])] {
            let message = file.parent_pool().get_message_by_name(name).expect("there");
            assert_eq!(write(&message), bytes, "{name}");
            let payload = [bytes, &[9, 9]].concat();
            assert_eq!(read(&file, &payload).expect("leads there"), (message, bytes.len()));
        }
        assert_eq!(read(&file, &[2, 0]).expect("the long form").0.name(), "A");
    }

    #[test]
    fn paths_that_lead_nowhere_are_refused() {
        let file = file();
        for (bytes, part) in [
            (&[][..], "ends within"),
            (&[2], "ends within"),
            (&[2, 4], "names message 2,"),
            (&[2, 1], "names message -1,"),
            (&[4, 2, 0], "names message 0,"),
            (&[1], "a path of -1 steps"),
            (&[0xfe, 0xff, 0xff, 0xff, 0x0f], "steps"),
            (&[0xff; 20], "too long"),
        ] {
            let error = read(&file, bytes).expect_err("leads nowhere");
            assert!(error.message().contains(part), "{error}");
        }
    }
}
