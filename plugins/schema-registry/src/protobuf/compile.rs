//! Text of `.proto` files to descriptors.

use super::files;
use crate::client::{Document, Import};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ferroconnect_plugin_sdk::{Error, Result};
use prost_reflect::prost::Message as _;
use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{FileDescriptor, MessageDescriptor};
use protox::Compiler;
use protox::file::{File, FileResolver, GoogleFileResolver};

/// What the registered schema itself is called among the files.
const ROOT: &str = "the-registered-schema.proto";

/// How deep messages may stand in one another. The parser goes as deep as the text does.
pub(super) const DEEPEST: usize = 100;

struct Files {
    document: Document,
}

impl FileResolver for Files {
    fn open_file(&self, name: &str) -> std::result::Result<File, protox::Error> {
        if name == ROOT {
            return file(name, &self.document.text);
        }
        let import = self.document.imports.iter().find(|import| import.name == name);
        match import.map(|import| import.text.as_str()).or_else(|| files::known(name)) {
            Some(text) => file(name, text),
            None => GoogleFileResolver::new().open_file(name),
        }
    }
}

/// A file out of its text.
fn file(name: &str, text: &str) -> std::result::Result<File, protox::Error> {
    compiled(name, text).map_or_else(|| File::from_source(name, text), Ok)
}

/// A file whose text is its compiled form, in base 64, which some clients register.
fn compiled(name: &str, text: &str) -> Option<File> {
    let mut bytes = STANDARD.decode(text.trim()).ok().filter(|bytes| !bytes.is_empty())?;
    // Of a field that is there twice the last counts. Decoding it in other ways would lose the options of fields.
    let own = FileDescriptorProto { name: Some(name.to_owned()), ..FileDescriptorProto::default() };
    own.encode(&mut bytes).ok()?;
    let file = File::decode_file_descriptor_proto(&*bytes).ok()?;
    // The compiler panics where it is another one.
    matches!(file.file_descriptor_proto().syntax.as_deref(), None | Some("proto2" | "proto3")).then_some(file)
}

/// Whether a schema's text is its compiled form.
pub(super) fn is_compiled(text: &str) -> bool {
    compiled(ROOT, text).is_some()
}

/// Compiles a registered schema with what it imports.
///
/// # Errors
/// A data error with the compiler's reason.
pub(super) fn compile(document: &Document) -> Result<FileDescriptor> {
    let texts = [&document.text].into_iter().chain(document.imports.iter().map(|Import { text, .. }| text));
    if let Some(depth) = texts.map(|text| depth(text)).find(|depth| *depth > DEEPEST) {
        return Err(Error::data(format!(
            "The Protobuf schema is {depth} levels deep; more than {DEEPEST} are not read"
        )));
    }
    let wrong = |error: &dyn std::fmt::Display| Error::data(format!("The Protobuf schema cannot be used: {error}"));
    let mut compiler = Compiler::with_file_resolver(Files { document: document.clone() });
    compiler.include_imports(true);
    compiler.open_file(ROOT).map_err(|error| wrong(&error))?;
    let file = compiler.descriptor_pool().get_file_by_name(ROOT);
    file.ok_or_else(|| wrong(&"it is not among its own files"))
}

fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The message of a file with this full name; without one, or where there is none of it, the first.
///
/// # Errors
/// A data error where the file has no messages.
pub(super) fn message(file: &FileDescriptor, name: Option<&str>) -> Result<MessageDescriptor> {
    let named = name.and_then(|name| file.parent_pool().get_message_by_name(name));
    let named = named.filter(|message| message.parent_file() == *file);
    named.or_else(|| file.messages().next()).ok_or_else(|| Error::data("The Protobuf schema has no message"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn document(text: &str, imports: &[(&str, &str)]) -> Document {
        let import = |(name, text): &(&str, &str)| Import { name: (*name).to_owned(), text: (*text).to_owned() };
        Document { text: text.to_owned(), imports: imports.iter().map(import).collect() }
    }

    #[test]
    fn imports_are_found_among_references_and_known_files() {
        let text = r#"syntax = "proto3"; import "a/b.proto"; import "google/protobuf/timestamp.proto";
            import "confluent/meta.proto"; import "google/type/date.proto"; import "google/type/timeofday.proto";
            import "confluent/type/decimal.proto";
            message M { a.B b = 1; google.protobuf.Timestamp t = 2; google.type.Date d = 3; google.type.TimeOfDay o = 4;
                confluent.type.Decimal c = 5 [(confluent.field_meta) = { params: [ { key: "scale", value: "2" } ] }]; }"#;
        let imports = [("a/b.proto", r#"syntax = "proto3"; package a; message B { int32 i = 1; }"#)];
        let file = compile(&document(text, &imports)).expect("compiles");
        assert_eq!(message(&file, None).expect("a message").fields().count(), 5);
        assert_eq!(message(&file, Some("a.B")).expect("not of this file").name(), "M");
    }

    #[test]
    fn what_cannot_be_compiled_says_why() {
        for (text, part) in [
            (r#"syntax = "proto3"; import "x.proto";"#, "x.proto"),
            ("message {", "cannot be used"),
            (r#"syntax = "proto3"; message M { N n = 1; }"#, "N"),
            (&"message M { ".repeat(101), "101 levels deep"),
        ] {
            let error = compile(&document(text, &[])).expect_err("is refused");
            assert!(error.message().contains(part), "{error}");
        }
        let empty = compile(&document("", &[])).expect("an empty file");
        assert!(message(&empty, None).is_err());
    }

    #[test]
    fn a_compiled_file_of_an_unknown_syntax_is_refused() {
        for syntax in ["", "proto4"] {
            let file = FileDescriptorProto { syntax: Some(syntax.to_owned()), ..FileDescriptorProto::default() };
            let error = compile(&document(&STANDARD.encode(file.encode_to_vec()), &[])).expect_err("no such syntax");
            assert!(error.message().contains("cannot be used"), "{error}");
        }
    }

    proptest! {
        /// No text brings the converter down.
        #[test]
        fn whatever_a_registry_holds_is_compiled_or_refused(
            words in proptest::collection::vec(proptest::sample::select(&WORDS[..]), 0..40),
            bytes in proptest::collection::vec(0..130u8, 1..60),
        ) {
            for text in [words.join(" "), format!("syntax = \"proto3\"; message M {{ {} }}", words.join(" ")), STANDARD.encode(bytes)] {
                if let Ok(file) = compile(&document(&text, &[])) {
                    _ = message(&file, None);
                }
            }
        }
    }

    const WORDS: [&str; 30] = [
        "syntax",
        "=",
        "\"proto3\"",
        "\"proto2\"",
        ";",
        "message",
        "M",
        "{",
        "}",
        "int32",
        "string",
        "a",
        "1",
        "2",
        "enum",
        "oneof",
        "map",
        "<",
        ">",
        ",",
        "repeated",
        "optional",
        "reserved",
        "option",
        "(",
        ")",
        "[",
        "]",
        "import",
        "extend",
    ];
}
