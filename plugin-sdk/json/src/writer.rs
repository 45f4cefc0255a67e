//! Writing the data of many records.

use ferroconnect_plugin_abi::{Data, Schema, Shared};

use crate::error::Result;
use crate::plan::Plan;
use crate::write::{Format, write};

/// So many schemas are remembered: enough for a few topics in turns.
const PLANS: usize = 16;

/// Writes keys and values of records as bare JSON, and remembers what it worked out about their schemas.
#[derive(Debug)]
pub struct Writer {
    format: Format,
    /// Those found last come first.
    plans: Vec<Plan>,
}

impl Writer {
    /// A writer that knows no schema yet.
    pub fn new(format: Format) -> Writer {
        Writer { format, plans: Vec::new() }
    }

    /// Appends some data; null is `null`. After an error the buffer is as it was.
    ///
    /// # Errors
    /// The value does not fit its schema; or it has none, and is of a class that cannot do without (decimals, dates,
    /// structs).
    pub fn append(&mut self, out: &mut Vec<u8>, data: &Data) -> Result<()> {
        let start = out.len();
        let format = self.format;
        let plan = data.schema.get().map(|schema| self.plan(schema));
        let written = write(out, plan, &data.value, format, 0);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    /// Some data as JSON text; null is `null`.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn text(&mut self, data: &Data) -> Result<String> {
        let mut out = Vec::new();
        self.append(&mut out, data)?;
        Ok(String::from_utf8(out).expect("JSON is written from text and ASCII"))
    }

    fn plan(&mut self, schema: &Shared<Schema>) -> &Plan {
        match self.plans.iter().position(|plan| Shared::same(&plan.schema, schema)) {
            Some(0) => {}
            Some(place) => self.plans[..=place].rotate_right(1),
            None => {
                self.plans.truncate(PLANS - 1);
                self.plans.insert(0, Plan::of(schema));
            }
        }
        &self.plans[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::{Decimals, Times};
    use ferroconnect_plugin_abi::Value;
    use ferroconnect_plugin_abi::builder::SchemaBuilder;
    use ferroconnect_plugin_abi::value::MapEntry;

    fn sale() -> Data {
        let schema = SchemaBuilder::structure()
            .field("price", SchemaBuilder::decimal(2).build())
            .field("day", SchemaBuilder::date().build())
            .field("time", SchemaBuilder::time().build())
            .field("at", SchemaBuilder::timestamp().build())
            .field("note", SchemaBuilder::string().optional().build())
            .field("size", SchemaBuilder::int32().optional().default_value(7i32).build())
            .build();
        let value = Value::structure(
            schema.clone(),
            vec![
                Value::decimal(vec![4, 0xd2], 2),
                Value::date(18_131),
                Value::time(52_494_346),
                Value::timestamp(1_566_570_894_346),
                Value::NULL,
                Value::NULL,
            ],
        );
        Data::new(schema, value)
    }

    #[test]
    fn a_schema_in_two_places_is_written_in_both() {
        let point = SchemaBuilder::structure()
            .field("x", SchemaBuilder::int8().build())
            .field("tags", SchemaBuilder::array(SchemaBuilder::string().build()).build())
            .build();
        let line = SchemaBuilder::structure().field("from", point.clone()).field("to", point.clone()).build();
        let at = |x: i8, tag: &str| Value::structure(point.clone(), vec![x.into(), Value::array(vec![tag.into()])]);
        let data = Data::new(line.clone(), Value::structure(line, vec![at(1, "a"), at(2, "b")]));
        let text = Writer::new(Format::default()).text(&data).expect("it fits");
        assert_eq!(text, r#"{"from":{"x":1,"tags":["a"]},"to":{"x":2,"tags":["b"]}}"#);
    }

    #[test]
    fn logical_types_have_the_form_that_was_chosen() {
        let texts = [
            (
                Format::default(),
                r#"{"price":"BNI=","day":18131,"time":52494346,"at":1566570894346,"note":null,"size":7}"#,
            ),
            (
                Format { decimals: Decimals::Numeric, times: Times::Iso, replace_null_with_default: false },
                r#"{"price":12.34,"day":"2019-08-23","time":"14:34:54.346","at":"2019-08-23T14:34:54.346Z","note":null,"size":null}"#,
            ),
        ];
        for (format, text) in texts {
            assert_eq!(Writer::new(format).text(&sale()).expect("fits its schema"), text);
        }
    }

    #[test]
    fn data_without_schema_is_written_as_what_it_is() {
        let mut writer = Writer::new(Format::default());
        let entry = |key: &str, value: Value| MapEntry { key: Value::string(key), value };
        let list = Value::array(vec![Value::int64(1), Value::float64(0.5), Value::boolean(true), Value::NULL]);
        let map = Value::map(vec![entry("a\n", list), entry("b", Value::bytes(vec![1, 2]))]);
        assert_eq!(writer.text(&Data::schemaless(map)), Ok(r#"{"a\n":[1,0.5,true,null],"b":"AQI="}"#.to_owned()));
        assert_eq!(writer.text(&Data::NULL), Ok("null".to_owned()));
    }

    #[test]
    fn an_error_names_the_field_and_leaves_the_buffer_alone() {
        let mut out = b"before".to_vec();
        let map = Value::map(vec![MapEntry {
            key: Value::string("lines"),
            value: Value::array(vec![Value::int8(1), Value::date(1)]),
        }]);
        let error = Writer::new(Format::default()).append(&mut out, &Data::schemaless(map)).expect_err("has a date");
        assert_eq!(out, b"before");
        assert_eq!(error.field(), Some("lines[1]"));
        assert_eq!(
            error.reason().to_string(),
            "Java class class java.util.Date does not have corresponding schema type."
        );
    }

    #[test]
    fn schemas_in_turns_are_told_apart() {
        let mut writer = Writer::new(Format::default());
        let all: Vec<_> = (0..PLANS + 3)
            .map(|n| {
                let schema = SchemaBuilder::structure().field(format!("f{n}"), SchemaBuilder::int32().build()).build();
                Data::new(schema.clone(), Value::structure(schema, vec![Value::int32(n as i32)]))
            })
            .collect();
        for turn in 0..3 * all.len() {
            let n = turn * 7 % all.len();
            assert_eq!(writer.text(&all[n]), Ok(format!("{{\"f{n}\":{n}}}")));
            assert!(writer.plans.len() <= PLANS);
        }
    }
}
