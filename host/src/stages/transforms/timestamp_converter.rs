//! TimestampConverter: turns points in time from one form into another.

use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::containers::{AbiOption, Present};
use ferroconnect_plugin_abi::schema::Field;
use ferroconnect_plugin_abi::value::StructValue;
use ferroconnect_plugin_abi::{Data, Record, Schema, SchemaType, Shared, Text, Value, ValueRef};

use super::cache::SchemaCache;
use super::config::{REPLACE_NULL, parse, replace_null_key, syntax_version_key};
use super::nested::{Leaves, Missing, StructPlan, Tree};
use super::path::{FieldPath, Syntax};
use super::structs::{Required, basics};
use super::{maps, require};
use crate::config::{ConfigDef, ConfigKey, Importance, Parsed, Props, Type, Validator};
use crate::error::{ConnectError, InField as _, Result};
use crate::stages::text::date::MILLIS_PER_DAY;
use crate::stages::text::date_format::{DateFormat, Zone};
use crate::stages::text::java_class;
use crate::stages::{Part, Transform};

const PURPOSE: &str = "converting timestamp formats";
const FIELD: &str = "field";
const TARGET_TYPE: &str = "target.type";
const FORMAT: &str = "format";
const UNIX_PRECISION: &str = "unix.precision";
const NO_FORMAT: &str = "TimestampConverter requires format option to be specified when using string timestamps";

/// Converts the key or value, or a field of it. Null stays null.
pub(super) struct TimestampConverter {
    part: Part,
    /// The field; none for the whole key or value.
    field: Option<Tree<Leaves<()>>>,
    replace_null: bool,
    conversion: Conversion,
    plans: SchemaCache<Plan>,
}

/// The form a point in time has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Unix,
    Date,
    Time,
    Timestamp,
}

impl Form {
    fn configured(config: &Parsed) -> Form {
        match config.str(TARGET_TYPE) {
            "string" => Form::Text,
            "unix" => Form::Unix,
            "Date" => Form::Date,
            "Time" => Form::Time,
            _ => Form::Timestamp,
        }
    }

    /// The form of data of a schema: the logical name decides, whatever it stands on.
    fn of(schema: &Schema) -> Option<Form> {
        match (schema.name_str(), schema.kind) {
            (Some("org.apache.kafka.connect.data.Timestamp"), _) => Some(Form::Timestamp),
            (Some("org.apache.kafka.connect.data.Date"), _) => Some(Form::Date),
            (Some("org.apache.kafka.connect.data.Time"), _) => Some(Form::Time),
            (_, SchemaType::STRING) => Some(Form::Text),
            (_, SchemaType::INT64) => Some(Form::Unix),
            _ => None,
        }
    }

    /// The form of data without schema.
    fn of_value(value: &Value) -> Result<Form> {
        match value.view() {
            ValueRef::Date(_) | ValueRef::Time(_) | ValueRef::Timestamp(_) => Ok(Form::Timestamp),
            ValueRef::Int64(_) => Ok(Form::Unix),
            ValueRef::String(_) => Ok(Form::Text),
            _ => {
                let class = java_class(value);
                let reason = format!("TimestampConverter does not support class {class} objects as timestamps");
                Err(ConnectError::data(reason))
            }
        }
    }

    fn schema(self, is_optional: bool) -> Shared<Schema> {
        let builder = match self {
            Form::Text => SchemaBuilder::string(),
            Form::Unix => SchemaBuilder::int64(),
            Form::Date => SchemaBuilder::date(),
            Form::Time => SchemaBuilder::time(),
            Form::Timestamp => SchemaBuilder::timestamp(),
        };
        if is_optional { builder.optional().build() } else { builder.build() }
    }
}

/// What one step of a number of this form is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Precision {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Precision {
    fn configured(config: &Parsed) -> Precision {
        match config.str(UNIX_PRECISION) {
            "seconds" => Precision::Seconds,
            "microseconds" => Precision::Micros,
            "nanoseconds" => Precision::Nanos,
            _ => Precision::Millis,
        }
    }

    /// Cuts towards zero, or stops at the limits of 64 bits.
    fn to_millis(self, unix: i64) -> i64 {
        match self {
            Precision::Seconds => unix.saturating_mul(1000),
            Precision::Millis => unix,
            Precision::Micros => unix / 1000,
            Precision::Nanos => unix / 1_000_000,
        }
    }

    /// Cuts towards zero, or stops at the limits of 64 bits.
    fn of_millis(self, millis: i64) -> i64 {
        match self {
            Precision::Seconds => millis / 1000,
            Precision::Millis => millis,
            Precision::Micros => millis.saturating_mul(1000),
            Precision::Nanos => millis.saturating_mul(1_000_000),
        }
    }
}

/// From any form to the configured one.
struct Conversion {
    target: Form,
    precision: Precision,
    format: Option<DateFormat>,
    /// The zone of the format: the last one that a text named, as in Java.
    zone: Zone,
    /// The schemas of the result: required, optional.
    schemas: [Shared<Schema>; 2],
}

impl Conversion {
    fn configured(config: &Parsed) -> Result<Conversion> {
        let target = Form::configured(config);
        let pattern = config.str(FORMAT);
        let format = match pattern.trim() {
            "" if target == Form::Text => return Err(ConnectError::config(NO_FORMAT)),
            "" => None,
            _ => Some(DateFormat::new(pattern).map_err(|error| {
                // Kafka Connect's words in Kafka Connect's order: the cause stands where the value should.
                let advice = "TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps";
                ConnectError::config(format!(
                    "Invalid value java.lang.IllegalArgumentException: {error} for configuration {advice}: {pattern}"
                ))
            })?),
        };
        let schemas = [target.schema(false), target.schema(true)];
        Ok(Conversion { target, precision: Precision::configured(config), format, zone: Zone::UTC, schemas })
    }

    /// The schema of what is converted.
    fn schema(&self, is_optional: bool) -> Shared<Schema> {
        self.schemas[usize::from(is_optional)].clone()
    }

    /// Converts a value of a schema.
    fn convert_typed(&mut self, value: &mut Value, schema: &Schema) -> Result<()> {
        let Some(form) = Form::of(schema) else {
            let reason = format!("Schema {schema:?} does not correspond to a known timestamp type format");
            return Err(ConnectError::connect(reason));
        };
        if !value.is_null() {
            let millis = self.millis(value, form)?;
            *value = self.target(millis, true);
        }
        Ok(())
    }

    /// Converts a value without schema.
    fn convert_plain(&mut self, value: &mut Value) -> Result<()> {
        if !value.is_null() {
            let millis = self.millis(value, Form::of_value(value)?)?;
            *value = self.target(millis, false);
        }
        Ok(())
    }

    /// Milliseconds since 1970.
    fn millis(&mut self, value: &Value, form: Form) -> Result<i64> {
        match (form, value.view()) {
            (Form::Text, ValueRef::String(text)) => self.read(text),
            (Form::Unix, ValueRef::Int64(unix)) => Ok(self.precision.to_millis(unix)),
            (Form::Date | Form::Time | Form::Timestamp, _) => {
                value.date_millis().ok_or_else(|| wrong_class(value, form))
            }
            _ => Err(wrong_class(value, form)),
        }
    }

    fn read(&mut self, text: &str) -> Result<i64> {
        let format = self.format.as_ref().ok_or_else(|| ConnectError::data(NO_FORMAT))?;
        let reading = format.read(text, self.zone).ok_or_else(|| {
            let pattern = format.pattern();
            ConnectError::data(format!("Could not parse timestamp: value ({text}) does not match pattern ({pattern})"))
        })?;
        self.zone = reading.zone;
        Ok(reading.millis)
    }

    /// The result; dates without schema are plain points in time.
    fn target(&self, millis: i64, has_schema: bool) -> Value {
        match self.target {
            Form::Text => {
                let mut text = String::new();
                let format = self.format.as_ref().expect("configuring a conversion to text requires a format");
                format.write(&mut text, millis, self.zone);
                Value::string(text)
            }
            Form::Unix => Value::int64(self.precision.of_millis(millis)),
            Form::Date => match i32::try_from(millis.div_euclid(MILLIS_PER_DAY)) {
                Ok(days) if has_schema => Value::date(days),
                // Java's dates have no limit of 32 bits.
                _ => Value::timestamp(millis.div_euclid(MILLIS_PER_DAY).wrapping_mul(MILLIS_PER_DAY)),
            },
            Form::Time => match millis.rem_euclid(MILLIS_PER_DAY) {
                time if has_schema => Value::time(time as i32),
                time => Value::timestamp(time),
            },
            Form::Timestamp => Value::timestamp(millis),
        }
    }
}

#[cold]
fn wrong_class(value: &Value, form: Form) -> ConnectError {
    let expected = match form {
        Form::Text => "string timestamp to be a String",
        Form::Unix => "Unix timestamp to be a Long",
        Form::Date => "Date to be a java.util.Date",
        Form::Time => "Time to be a java.util.Date",
        Form::Timestamp => "Timestamp to be a java.util.Date",
    };
    ConnectError::data(format!("Expected {expected}, but found class {}", java_class(value)))
}

/// What to do with structs of one schema.
struct Plan {
    rebuild: StructPlan<Level>,
    /// The new schema; that of `rebuild`, with the default.
    schema: Shared<Schema>,
}

/// What to do with the values of a struct.
struct Level {
    fields: Vec<Converted>,
    required: Required,
}

/// A field to convert.
struct Converted {
    index: usize,
    name: Text,
    /// Its schema before.
    old: Shared<Schema>,
}

impl Plan {
    fn new(tree: &Tree<Leaves<()>>, schema: &Schema, replace_null: bool, conversion: &mut Conversion) -> Result<Plan> {
        if schema.kind != SchemaType::STRUCT {
            return Err(ConnectError::data("Cannot list fields on non-struct type"));
        }
        let outermost = Schema { optional: schema.optional, ..basics(schema) };
        let options = (replace_null, Missing::Skip);
        let rebuild = StructPlan::new(tree, schema, outermost, options, &mut |leaves, fields| {
            Ok(Level::new(leaves, fields, conversion))
        })?;
        let mut plan = Plan { schema: rebuild.schema().clone(), rebuild };
        if let Present(default) = &schema.default {
            let mut default = default.clone();
            plan.apply(require::structure(&mut default, PURPOSE)?, conversion)?;
            plan.schema = Shared::new(Schema { default: AbiOption::RSome(default), ..Schema::clone(&plan.schema) });
        }
        Ok(plan)
    }

    fn apply(&self, value: &mut StructValue, conversion: &mut Conversion) -> Result<()> {
        self.rebuild.apply(value, &mut |level, values| {
            for converted in &level.fields {
                conversion.convert_typed(&mut values[converted.index], &converted.old).in_field(&converted.name)?;
            }
            level.required.check(values)
        })?;
        value.schema = self.schema.clone();
        Ok(())
    }
}

impl Level {
    /// A field that is not there is left alone.
    fn new(leaves: &[(Text, ())], fields: &mut [Field], conversion: &Conversion) -> Level {
        let mut converted = Vec::new();
        for (name, ()) in leaves {
            if let Some(index) = fields.iter().position(|field| field.name == *name) {
                let new = conversion.schema(fields[index].schema.optional);
                let old = std::mem::replace(&mut fields[index].schema, new);
                converted.push(Converted { index, name: name.clone(), old });
            }
        }
        Level { fields: converted, required: Required::of(fields) }
    }
}

impl TimestampConverter {
    pub(super) fn config_def() -> ConfigDef {
        let format_doc = "A pattern of java.text.SimpleDateFormat, in UTC: how text is read and written.";
        let targets = ["string", "unix", "Date", "Time", "Timestamp"];
        let precisions = ["nanoseconds", "microseconds", "milliseconds", "seconds"];
        let field_doc = "The field to convert; empty for the whole key or value.";
        let target_doc = "The form to convert to: string, unix, Date, Time or Timestamp.";
        let precision_doc = "What unix numbers count. The part below a millisecond is lost.";
        ConfigDef::new()
            .key(ConfigKey::defaulting(FIELD, Type::String, "", Importance::High, field_doc))
            .key(
                ConfigKey::required(TARGET_TYPE, Type::String, Importance::High, target_doc)
                    .check(Validator::one_of(&targets)),
            )
            .key(ConfigKey::defaulting(FORMAT, Type::String, "", Importance::Medium, format_doc))
            .key(
                ConfigKey::defaulting(UNIX_PRECISION, Type::String, "milliseconds", Importance::Low, precision_doc)
                    .check(Validator::one_of(&precisions)),
            )
            .key(replace_null_key())
            .key(syntax_version_key().unlisted())
    }

    pub(super) fn configured(part: Part, props: &Props) -> Result<Self> {
        let config = parse(&Self::config_def(), props)?;
        let conversion = Conversion::configured(&config)?;
        let field = match config.str(FIELD) {
            "" => None,
            name => Some(Tree::new([(FieldPath::parse(name, Syntax::configured(&config))?, ())])?),
        };
        Ok(Self { part, field, replace_null: config.bool(REPLACE_NULL), conversion, plans: SchemaCache::new() })
    }

    fn whole(conversion: &mut Conversion, data: &mut Data) -> Result<()> {
        let Some(schema) = data.schema.get() else { return conversion.convert_plain(&mut data.value) };
        conversion.convert_typed(&mut data.value, schema)?;
        data.schema = conversion.schema(schema.optional).into();
        Ok(())
    }

    fn map_field(conversion: &mut Conversion, field: &Tree<Leaves<()>>, value: &mut Value) -> Result<()> {
        if value.is_null() {
            return Ok(());
        }
        field.apply(require::map(value, PURPOSE)?, Missing::Skip, &mut |leaves, map| {
            for (name, ()) in leaves {
                match maps::get_mut(map, name) {
                    Some(value) => conversion.convert_plain(value).in_field(name)?,
                    // As in Kafka Connect.
                    None => maps::put(map, name, Value::NULL),
                }
            }
            Ok(())
        })
    }
}

impl Transform for TimestampConverter {
    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        let Self { part, field, replace_null, conversion, plans } = self;
        let data = part.data_mut(record);
        let Some(field) = field else {
            Self::whole(conversion, data)?;
            return Ok(true);
        };
        let Some(schema) = data.schema.get() else {
            Self::map_field(conversion, field, &mut data.value)?;
            return Ok(true);
        };
        let value = if data.value.is_null() { None } else { Some(require::structure(&mut data.value, PURPOSE)?) };
        // The struct's own schema is the one its values fit.
        let schema = value.as_ref().map_or(schema, |value| &value.schema).clone();
        let plan = plans.get(&schema, |schema| Plan::new(field, schema, *replace_null, conversion))?;
        if let Some(value) = value {
            plan.apply(value, conversion)?;
        }
        data.schema = plan.schema.clone().into();
        Ok(true)
    }
}
