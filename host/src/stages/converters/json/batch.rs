//! Writing many records into few buffers: no allocation and no second copy per record.

use std::ops::Range;

use ferroconnect_plugin_abi::{Blob, Data};

use super::JsonConverter;
use crate::error::Result;

/// A buffer is closed when it holds so many bytes: large enough to be shared by many records, small enough to stay in
/// the processor's cache, and to hold little memory for a record that is kept for long.
const BUFFER: usize = 64 * 1024;
/// What a buffer may grow by with its last record, as a rule, before it is allocated anew.
const SPARE: usize = 4 * 1024;

/// Writes each of the data; pushes exactly one result for each, in order.
pub(super) fn write<'a>(
    converter: &mut JsonConverter,
    all: impl ExactSizeIterator<Item = &'a Data>,
    results: &mut Vec<Result<Option<Blob>>>,
) {
    results.reserve(all.len());
    let mut open = Open { buffer: Vec::new(), written: Vec::new() };
    for data in all {
        let start = open.buffer.len();
        match converter.append(&mut open.buffer, data) {
            Ok(there) => open.written.push(Ok(there.then_some(start..open.buffer.len()))),
            Err(error) => {
                open.buffer.truncate(start);
                open.written.push(Err(error));
            }
        }
        if open.buffer.len() >= BUFFER {
            open.close(results);
            open.buffer.reserve(BUFFER + SPARE);
        }
    }
    open.close(results);
}

/// A buffer that is being filled, and where in it each record is.
struct Open {
    buffer: Vec<u8>,
    written: Vec<Result<Option<Range<usize>>>>,
}

impl Open {
    fn close(&mut self, results: &mut Vec<Result<Option<Blob>>>) {
        let blob = Blob::from(std::mem::take(&mut self.buffer));
        let shared = |written: Option<Range<usize>>| written.map(|range| blob.slice(range));
        results.extend(self.written.drain(..).map(|written| written.map(shared)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Props;
    use ferroconnect_plugin_abi::Value;
    use ferroconnect_plugin_abi::builder::SchemaBuilder;

    #[test]
    fn a_batch_is_written_like_its_records() {
        let props = Props::from([("converter.type", "value")]);
        let mut converter = JsonConverter::configured(&props).expect("good");
        let schema = SchemaBuilder::string().build();
        let mut all: Vec<Data> = (0..1_000).map(|n| Data::new(schema.clone(), "x".repeat(n * 7 % 400))).collect();
        all.insert(500, Data::NULL);
        all.insert(400, Data::new(schema, Value::int8(1)));
        all.push(Data::schemaless("last"));
        let mut results = Vec::new();
        write(&mut converter, all.iter(), &mut results);
        assert_eq!(results.len(), all.len());
        for (data, result) in all.iter().zip(results) {
            match (converter.write(data), result) {
                (Ok(alone), Ok(together)) => assert_eq!(alone, together),
                (Err(alone), Err(together)) => assert_eq!(alone.message(), together.message()),
                (alone, together) => panic!("{data:?}: {alone:?}, in the batch {together:?}"),
            }
        }
    }
}
