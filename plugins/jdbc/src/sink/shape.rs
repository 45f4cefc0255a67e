//! Which columns records of one kind fill, and from where.

use crate::sink::config::{PkMode, Settings};
use ferroconnect_plugin_sdk::{
    Data, Error, Record, Result, Schema, SchemaBuilder, SchemaType, Shared, Value, ValueRef,
};
use std::sync::Arc;

/// Where the content of a column stands in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The topic it was read from.
    Topic,
    /// The Kafka partition it was read from.
    Partition,
    /// Its offset there.
    Offset,
    /// The whole key.
    Key,
    /// This field of the key.
    KeyField(usize),
    /// The whole value.
    Value,
    /// This field of the value.
    ValueField(usize),
}

/// One column and what fills it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) schema: Shared<Schema>,
    pub(crate) origin: Origin,
    /// Whether it is a field of `timestamp.fields.list`.
    pub(crate) moment: bool,
}

/// The columns that records with one key schema and one value schema fill: those of the key first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    columns: Vec<Column>,
    keys: usize,
    table_order: Vec<usize>,
}

impl Shape {
    /// The columns of records with these schemas. Without a value schema it is the shape of deletes: the key alone.
    ///
    /// # Errors
    /// A data error where the schemas do not have what the settings ask for.
    pub(crate) fn of(
        settings: &Settings,
        key: Option<&Shared<Schema>>,
        value: Option<&Shared<Schema>>,
    ) -> Result<Shape> {
        let mut columns = key_columns(settings, key, value)?;
        let keys = columns.len();
        if let Some(value) = value {
            let rest = value_columns(settings, value, &columns)?;
            columns.extend(rest);
        }
        if columns.is_empty() {
            return Err(Error::data(
                "no field of key or value becomes a column: see pk.mode, pk.fields and fields.whitelist",
            ));
        }
        let table_order = table_order(&columns, value);
        Ok(Shape { columns, keys, table_order })
    }

    /// All columns: those of the key first, then the others in the order of the value's schema.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many of the columns are the key.
    pub(crate) fn keys(&self) -> usize {
        self.keys
    }

    /// The places of the columns in the order in which a new table has them: Kafka's coordinates, then the fields of
    /// the value in their order, then what only the key has, by name.
    pub(crate) fn table_order(&self) -> &[usize] {
        &self.table_order
    }
}

/// Whether both have the same columns. Equal shapes are made anew where more schemas come than the planner keeps.
pub(crate) fn same_shape(a: &Arc<Shape>, b: &Arc<Shape>) -> bool {
    Arc::ptr_eq(a, b) || a == b
}

fn table_order(columns: &[Column], value: Option<&Shared<Schema>>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by_key(|&place| {
        let column = &columns[place];
        let field = value.and_then(|value| value.field_index(&column.name));
        match (column.origin, field) {
            (Origin::Topic | Origin::Partition | Origin::Offset, _) => (0, place, ""),
            (_, Some(field)) => (1, field, ""),
            (Origin::Value, None) => (1, 0, ""),
            _ => (2, 0, column.name.as_str()),
        }
    });
    order
}

fn column(name: &str, schema: &Shared<Schema>, origin: Origin) -> Column {
    Column { name: name.to_owned(), schema: schema.clone(), origin, moment: false }
}

fn key_columns(
    settings: &Settings,
    key: Option<&Shared<Schema>>,
    value: Option<&Shared<Schema>>,
) -> Result<Vec<Column>> {
    match &settings.pk {
        PkMode::None => Ok(Vec::new()),
        PkMode::Kafka([topic, partition, offset]) => Ok(vec![
            column(topic, &SchemaBuilder::string().build(), Origin::Topic),
            column(partition, &SchemaBuilder::int32().build(), Origin::Partition),
            column(offset, &SchemaBuilder::int64().build(), Origin::Offset),
        ]),
        PkMode::RecordKey(names) => {
            let key = key.ok_or_else(|| {
                Error::data("pk.mode=record_key needs records whose key has a schema; this one's has none")
            })?;
            if key.kind == SchemaType::STRUCT {
                return fields(key, names, "key", Origin::KeyField);
            }
            match names.as_slice() {
                [name] => Ok(vec![column(name, key, Origin::Key)]),
                _ => Err(Error::data(format!(
                    "the key is a plain {}, so pk.fields has to name exactly one column for it, not {}",
                    key.kind.name(),
                    names.len()
                ))),
            }
        }
        PkMode::RecordValue(names) => match value {
            Some(value) if value.kind == SchemaType::STRUCT => {
                let mut columns = fields(value, names, "value", Origin::ValueField)?;
                for column in &mut columns {
                    column.moment = settings.timestamp_fields.contains(&column.name);
                }
                Ok(columns)
            }
            _ => Err(Error::data("pk.mode=record_value needs records whose value is a struct; this one's is not")),
        },
    }
}

/// The named fields of a struct in the order of the names; all where none is named.
fn fields(schema: &Schema, names: &[String], what: &str, origin: fn(usize) -> Origin) -> Result<Vec<Column>> {
    let field = |place: usize| {
        let field = &schema.fields[place];
        column(&field.name, &field.schema, origin(place))
    };
    if names.is_empty() {
        return Ok((0..schema.fields.len()).map(field).collect());
    }
    let place = |name: &String| {
        let known = || {
            let known: Vec<&str> = schema.fields.iter().map(|field| field.name.as_str()).collect();
            known.join(", ")
        };
        let missing = || Error::data(format!("pk.fields names {name}, but the fields of the {what} are {}", known()));
        schema.field_index(name).ok_or_else(missing).map(field)
    };
    names.iter().map(place).collect()
}

/// The columns of the value that are not columns of the key.
fn value_columns(settings: &Settings, value: &Shared<Schema>, keys: &[Column]) -> Result<Vec<Column>> {
    if value.kind == SchemaType::STRING {
        return Ok(vec![column(&settings.string_column, value, Origin::Value)]);
    }
    if value.kind != SchemaType::STRUCT {
        return Err(Error::data(format!(
            "the value is a plain {}; a row is made of a struct, or of text for the column {}",
            value.kind.name(),
            settings.string_column
        )));
    }
    let wanted = |name: &str| {
        let listed = settings.whitelist.is_empty() || settings.whitelist.iter().any(|field| field == name);
        listed && !keys.iter().any(|key| key.name == name)
    };
    let fields = value.fields.iter().enumerate().filter(|(_, field)| wanted(&field.name));
    Ok(fields
        .map(|(place, field)| Column {
            moment: settings.timestamp_fields.iter().any(|name| name == field.name.as_str()),
            ..column(&field.name, &field.schema, Origin::ValueField(place))
        })
        .collect())
}

impl Column {
    /// Whether a row may have null in it.
    pub(crate) fn optional(&self) -> bool {
        self.schema.optional && !matches!(self.origin, Origin::Key | Origin::KeyField(_))
    }

    /// The value of this column in a record of the shape's schemas. Numbers that no schema holds are made for the
    /// coordinates; `null_defaults` puts a field's default in place of null.
    pub(crate) fn value<'a>(&self, record: &'a Record, null_defaults: bool) -> Cell<'a> {
        match self.origin {
            Origin::Topic => Cell::Made(Value::string(record.origin.topic.clone())),
            Origin::Partition => Cell::Made(Value::int32(record.origin.partition)),
            Origin::Offset => Cell::Made(Value::int64(record.origin.offset)),
            Origin::Key => Cell::Kept(&record.key.value),
            Origin::Value => Cell::Kept(&record.value.value),
            Origin::KeyField(place) => Cell::Kept(field(&record.key, place, null_defaults)),
            Origin::ValueField(place) => Cell::Kept(field(&record.value, place, null_defaults)),
        }
    }
}

/// A value of a record, or one made of its coordinates.
#[derive(Debug)]
pub(crate) enum Cell<'a> {
    Kept(&'a Value),
    Made(Value),
}

impl Cell<'_> {
    pub(crate) fn get(&self) -> &Value {
        match self {
            Cell::Kept(value) => value,
            Cell::Made(value) => value,
        }
    }
}

/// What a record has where it has nothing.
static NULL: Value = Value::NULL;

fn field(data: &Data, place: usize, null_defaults: bool) -> &Value {
    match data.value.view() {
        ValueRef::Struct(content) if null_defaults => content.or_default(place),
        ValueRef::Struct(content) => content.fields.get(place).unwrap_or(&NULL),
        _ => &NULL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::config::testing::settings;

    fn order() -> Shared<Schema> {
        SchemaBuilder::structure()
            .field("id", SchemaBuilder::int64().build())
            .field("name", SchemaBuilder::string().optional().build())
            .field("at", SchemaBuilder::int64().build())
            .build()
    }

    fn names(shape: &Shape) -> Vec<&str> {
        shape.columns().iter().map(|column| column.name.as_str()).collect()
    }

    fn refusal(pairs: &[(&str, &str)], key: Option<&Shared<Schema>>, value: Option<&Shared<Schema>>) -> String {
        Shape::of(&settings(pairs), key, value).unwrap_err().message().to_owned()
    }

    #[test]
    fn without_a_key_the_columns_are_the_fields() {
        let shape = Shape::of(&settings(&[("timestamp.fields.list", "at")]), None, Some(&order())).unwrap();
        assert_eq!((names(&shape), shape.keys()), (vec!["id", "name", "at"], 0));
        assert_eq!(shape.columns().iter().map(|column| column.moment).collect::<Vec<_>>(), [false, false, true]);
        let one = Shape::of(&settings(&[("fields.whitelist", "name,other")]), None, Some(&order())).unwrap();
        assert_eq!(names(&one), ["name"]);
        assert!(refusal(&[("fields.whitelist", "other")], None, Some(&order())).contains("no field"));
    }

    #[test]
    fn coordinates_become_key_columns() {
        let shape = Shape::of(&settings(&[("pk.mode", "kafka")]), None, Some(&order())).unwrap();
        let expected = ["__connect_topic", "__connect_partition", "__connect_offset", "id", "name", "at"];
        assert_eq!((names(&shape).as_slice(), shape.keys()), (expected.as_slice(), 3));
        let mut record = Record::new("routed", Data::NULL);
        record.origin.topic = "read".into();
        record.origin.offset = 7;
        assert_eq!(*shape.columns()[0].value(&record, true).get(), Value::string("read"));
        assert_eq!(*shape.columns()[2].value(&record, true).get(), Value::int64(7));
    }

    #[test]
    fn keys_come_from_the_records_key() {
        let by_key = [("pk.mode", "record_key")];
        let key = SchemaBuilder::structure()
            .field("z", SchemaBuilder::string().build())
            .field("id", SchemaBuilder::int64().build())
            .build();
        let shape = Shape::of(&settings(&by_key), Some(&key), Some(&order())).unwrap();
        assert_eq!((names(&shape), shape.keys()), (vec!["z", "id", "name", "at"], 2));
        assert_eq!(shape.columns()[1].origin, Origin::KeyField(1));
        // A new table has the fields of the value first.
        assert_eq!(shape.table_order(), [1, 2, 3, 0]);
        let one = Shape::of(&settings(&[by_key[0], ("pk.fields", "id")]), Some(&key), None).unwrap();
        assert_eq!(names(&one), ["id"]);
        let plain = SchemaBuilder::string().build();
        let shape = Shape::of(&settings(&[by_key[0], ("pk.fields", "k")]), Some(&plain), Some(&order())).unwrap();
        assert_eq!((shape.columns()[0].name.as_str(), shape.columns()[0].origin), ("k", Origin::Key));
        assert!(refusal(&by_key, Some(&plain), None).contains("exactly one column"));
        assert!(refusal(&by_key, None, Some(&order())).contains("has none"));
        let missing = refusal(&[by_key[0], ("pk.fields", "x")], Some(&key), None);
        assert_eq!(missing, "pk.fields names x, but the fields of the key are z, id");
    }

    #[test]
    fn keys_come_from_the_value() {
        let by_value = ("pk.mode", "record_value");
        let shape = Shape::of(&settings(&[by_value, ("pk.fields", "at,id")]), None, Some(&order())).unwrap();
        assert_eq!((names(&shape), shape.keys()), (vec!["at", "id", "name"], 2));
        assert_eq!(shape.table_order(), [1, 2, 0]);
        let all = Shape::of(&settings(&[by_value]), None, Some(&order())).unwrap();
        assert_eq!(all.keys(), 3);
        let text = SchemaBuilder::string().build();
        assert!(refusal(&[by_value], None, Some(&text)).contains("is a struct"));
    }

    #[test]
    fn text_has_a_column_of_its_own() {
        let text = SchemaBuilder::string().build();
        let shape = Shape::of(&settings(&[]), None, Some(&text)).unwrap();
        assert_eq!((names(&shape), shape.columns()[0].origin), (vec!["record_value"], Origin::Value));
        let number = SchemaBuilder::int8().build();
        assert!(refusal(&[], None, Some(&number)).contains("a plain INT8"));
    }

    #[test]
    fn null_takes_the_default_where_asked() {
        let schema =
            SchemaBuilder::structure().field("a", SchemaBuilder::int8().optional().default_value(5i8).build()).build();
        let shape = Shape::of(&settings(&[]), None, Some(&schema)).unwrap();
        let record = Record::new("t", Data::new(schema.clone(), Value::structure(schema, vec![Value::NULL])));
        assert_eq!(*shape.columns()[0].value(&record, true).get(), Value::int8(5));
        assert!(shape.columns()[0].value(&record, false).get().is_null());
    }
}
