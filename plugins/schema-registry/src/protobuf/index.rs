//! Which message of a schema a payload is: the path of places that stands in front of it.

use ferroconnect_plugin_sdk::{Error, Result};
use prost_reflect::{FileDescriptor, MessageDescriptor};

use super::compile::is_compiled;
use super::entries::shows_entries;

/// How many steps a path may have.
const LONGEST: i64 = 100;

/// The messages of a file, as paths number them.
#[derive(Debug)]
pub(super) struct Messages {
    file: FileDescriptor,
    /// Whether the hidden messages of a `map<>`'s entries have a number, too. Others count what stands in the text, and there
    /// these stand only where the text was made of descriptors.
    with_entries: bool,
}

impl Messages {
    /// The messages of a file that was compiled from this text.
    pub(super) fn new(file: FileDescriptor, text: &str) -> Messages {
        Messages { file, with_entries: shows_entries(text) || is_compiled(text) }
    }

    /// The path of a message as it stands in front of payloads.
    ///
    /// # Errors
    /// A data error where the message has none.
    pub(super) fn write(&self, message: &MessageDescriptor) -> Result<Vec<u8>> {
        let mut places = Vec::new();
        let mut at = message.clone();
        loop {
            let around = at.parent_message();
            let place = self.among(around.as_ref()).position(|other| other == at);
            let place = place
                .ok_or_else(|| Error::data(format!("{} is no message that payloads can name", message.full_name())))?;
            places.push(place as i64);
            match around {
                Some(around) => at = around,
                None => break,
            }
        }
        if places == [0] {
            return Ok(vec![0]);
        }
        let mut bytes = Vec::new();
        push(places.len() as i64, &mut bytes);
        places.iter().rev().for_each(|place| push(*place, &mut bytes));
        Ok(bytes)
    }

    /// The message that these bytes begin with the path of, and how long the path is. `what` = what the bytes are.
    ///
    /// # Errors
    /// A data error where the path ends too early, or leads nowhere.
    pub(super) fn read(&self, bytes: &[u8], what: &str) -> Result<(MessageDescriptor, usize)> {
        let mut position = 0;
        let count = pull(bytes, &mut position, what)?;
        if !(0..=LONGEST).contains(&count) {
            return Err(Error::data(format!("{what} names a message by a path of {count} steps")));
        }
        let mut message = self.step(None, if count == 0 { 0 } else { pull(bytes, &mut position, what)? }, what)?;
        for _ in 1..count {
            message = self.step(Some(&message), pull(bytes, &mut position, what)?, what)?;
        }
        Ok((message, position))
    }

    fn step(&self, around: Option<&MessageDescriptor>, place: i64, what: &str) -> Result<MessageDescriptor> {
        let message = usize::try_from(place).ok().and_then(|place| self.among(around).nth(place));
        message.ok_or_else(|| Error::data(format!("{what} names message {place}, which the schema does not have")))
    }

    /// The numbered messages within another one, or at the top.
    fn among<'a>(&'a self, around: Option<&'a MessageDescriptor>) -> impl Iterator<Item = MessageDescriptor> + 'a {
        let (top, inner) = match around {
            None => (Some(self.file.messages()), None),
            Some(around) => (None, Some(around.child_messages())),
        };
        let all = top.into_iter().flatten().chain(inner.into_iter().flatten());
        all.filter(|message| self.with_entries || !message.is_map_entry())
    }
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
fn pull(bytes: &[u8], position: &mut usize, what: &str) -> Result<i64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = bytes.get(*position);
        let byte = *byte.ok_or_else(|| Error::data(format!("{what} ends within the path of its message")))?;
        *position += 1;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok((number >> 1) as i64 ^ -((number & 1) as i64));
        }
    }
    Err(Error::data(format!("{what} has a path of its message with a number that is too long")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Document;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use prost_reflect::prost::Message as _;

    fn messages(text: &str) -> Messages {
        let document = Document { text: text.into(), imports: Vec::new() };
        Messages::new(super::super::compile::compile(&document).expect("compiles"), text)
    }

    /// The path of a message, which leads back to it.
    #[track_caller]
    fn path(messages: &Messages, name: &str) -> Vec<u8> {
        let message = messages.file.parent_pool().get_message_by_name(name).expect("there");
        let bytes = messages.write(&message).expect("it has a path");
        let payload = [&bytes[..], &[9, 9]].concat();
        assert_eq!(messages.read(&payload, "It").expect("leads there"), (message, bytes.len()));
        bytes
    }

    const TEXT: &str = r#"syntax = "proto3"; message A { message B {} message C { message D {} } } message E {}"#;

    #[test]
    fn each_message_has_its_path() {
        let messages = messages(TEXT);
        for (name, bytes) in [("A", &[0][..]), ("E", &[2, 2]), ("A.B", &[4, 0, 0]), ("A.C.D", &[6, 0, 2, 0])] {
            assert_eq!(path(&messages, name), bytes, "{name}");
        }
        assert_eq!(messages.read(&[2, 0], "It").expect("the long form").0.name(), "A");
    }

    #[test]
    fn entries_of_maps_count_where_they_stand_in_the_text() {
        let text = r#"syntax = "proto3"; message A { map<string, int32> m = 1; message B {} map<string, B> n = 2; message C {} }"#;
        let hidden = messages(text);
        assert_eq!(path(&hidden, "A.B"), [4, 0, 0]);
        assert_eq!(path(&hidden, "A.C"), [4, 0, 2]);
        let entry = hidden.file.parent_pool().get_message_by_name("A.MEntry").expect("it is hidden, but there");
        assert!(hidden.write(&entry).expect_err("it has no path").message().starts_with("A.MEntry is no message"));
        // In its compiled form, as the clients for Python register it, and in the text that a registry makes of that.
        let compiled = STANDARD.encode(hidden.file.file_descriptor_proto().encode_to_vec());
        let place = |name: &str| {
            let around = hidden.file.messages().next().expect("A");
            around
                .child_messages()
                .map(|message| message.name().to_owned())
                .position(|other| other == name)
                .expect("there") as u8
        };
        assert_eq!(path(&messages(&compiled), "A.C"), [4, 0, 2 * place("C")]);
        assert!(place("C") > 1);
        let written = r#"syntax = "proto3"; message A { repeated MEntry m = 1;
            message MEntry { option map_entry = true; string key = 1; int32 value = 2; } message B {} }"#;
        assert_eq!(path(&messages(written), "A.B"), [4, 0, 2]);
    }

    #[test]
    fn a_field_that_is_called_like_the_option_of_entries_changes_no_path() {
        // The hidden message of `m` stands before B among the descriptors, and nowhere in the text.
        let text = r#"syntax = "proto3"; message A { map<string, int32> m = 1; int32 map_entry_count = 2; message B {}
            message C {} }"#;
        let messages = messages(text);
        assert_eq!(path(&messages, "A.B"), [4, 0, 0]);
        assert_eq!(path(&messages, "A.C"), [4, 0, 2]);
    }

    #[test]
    fn paths_that_lead_nowhere_are_refused() {
        let messages = messages(TEXT);
        for (bytes, part) in [
            (&[][..], "It ends within"),
            (&[2], "ends within"),
            (&[2, 4], "It names message 2,"),
            (&[2, 1], "names message -1,"),
            (&[4, 2, 0], "names message 0,"),
            (&[1], "It names a message by a path of -1 steps"),
            (&[0xfe, 0xff, 0xff, 0xff, 0x0f], "steps"),
            (&[0xff; 20], "too long"),
        ] {
            let error = messages.read(bytes, "It").expect_err("leads nowhere");
            assert!(error.message().contains(part), "{error}");
        }
    }
}
