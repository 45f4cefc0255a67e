//! A converter to learn from: structs as lines of comma-separated values (RFC 4180).
//!
//! It shows how a converter is configured, that one schema is made once and shared by all values, that null stays null,
//! and when it answers with a data error.

mod line;

use ferroconnect_plugin_sdk::{
    AbiVec, Blob, Config, ConfigDef, Converter, Data, Description, Error, Header, Key, Plugin, RawHeader, Result,
    Schema, SchemaBuilder, Shared, Value, ValueRef,
};

ferroconnect_plugin_sdk::export! { converters: [CsvConverter] }

/// The converter.
#[derive(Debug, Default)]
pub struct CsvConverter {
    // None until it is configured. A struct of optional text, one field per column.
    schema: Option<Shared<Schema>>,
}

impl Plugin for CsvConverter {
    fn describe() -> Description {
        let columns = Key::list("columns").required().high().doc("The names of the columns, in their order.");
        Description::new("ferroconnect.sample.CsvConverter", env!("CARGO_PKG_VERSION"))
            .alias("CsvConverter")
            .doc("Writes structs as lines of comma-separated values, and reads such lines as structs of text.")
            .config(ConfigDef::new().key(columns))
    }
}

impl Converter for CsvConverter {
    fn configure(&mut self, config: &Config, _is_key: bool) -> Result<()> {
        config.text("columns")?;
        let text = SchemaBuilder::string().optional().build();
        let columns = config.list("columns");
        for (index, name) in columns.iter().enumerate() {
            if name.is_empty() || columns[..index].contains(name) {
                let text = format!("Invalid value '{name}' for configuration columns: names are not empty and differ");
                return Err(Error::config(text));
            }
        }
        let builder = SchemaBuilder::structure().optional();
        let add = |builder: SchemaBuilder, name: &&str| builder.field(*name, text.clone());
        self.schema = Some(columns.iter().fold(builder, add).build());
        Ok(())
    }

    fn to_bytes(&mut self, _: &str, _: &mut AbiVec<Header>, data: &Data) -> Result<Option<Blob>> {
        let schema = self.schema()?;
        let row = match data.value.view() {
            ValueRef::Null => return Ok(None),
            ValueRef::Struct(row) => row,
            other => return Err(Error::data(format!("A line is made of a struct, and this is {other:?}"))),
        };
        let cell = |name: &str| row.get(name).map_or(Ok(None), cell);
        let cells: Result<Vec<_>> = schema.fields.iter().map(|field| cell(&field.name)).collect();
        Ok(Some(line::write(&cells?).into_bytes().into()))
    }

    fn from_bytes(&mut self, topic: &str, _: &[RawHeader], bytes: Option<&Blob>) -> Result<Data> {
        let schema = self.schema()?;
        let Some(bytes) = bytes else { return Ok(Data::new(schema.clone(), Value::NULL)) };
        let text = std::str::from_utf8(bytes).map_err(|error| Error::data("The line is not UTF-8").caused_by(error))?;
        let cells = line::read(text).map_err(Error::data)?;
        if cells.len() != schema.fields.len() {
            let (is, should) = (cells.len(), schema.fields.len());
            return Err(Error::data(format!("A line of topic {topic} has {is} values, and should have {should}")));
        }
        let fields: Vec<_> = cells.into_iter().map(|cell| cell.map_or(Value::NULL, Value::string)).collect();
        Ok(Data::new(schema.clone(), Value::structure(schema.clone(), fields)))
    }
}

impl CsvConverter {
    fn schema(&self) -> Result<&Shared<Schema>> {
        self.schema.as_ref().ok_or_else(|| Error::fatal("CsvConverter was not configured"))
    }
}

/// A value as text; none = null.
fn cell(value: &Value) -> Result<Option<String>> {
    Ok(Some(match value.view() {
        ValueRef::Null => return Ok(None),
        ValueRef::String(text) => text.to_string(),
        ValueRef::Boolean(value) => value.to_string(),
        ValueRef::Float32(value) => value.to_string(),
        ValueRef::Float64(value) => value.to_string(),
        other => {
            let integer = value.as_integer();
            integer
                .ok_or_else(|| Error::data(format!("A column holds text or a number, and not {other:?}")))?
                .to_string()
        }
    }))
}
