//! Records for others to judge.

use ferroconnect_plugin_sdk::{Data, MapEntry, SchemaBuilder, Value};

/// A record with a field of each type.
pub(crate) fn order() -> Data {
    let point = || SchemaBuilder::structure().field("x", SchemaBuilder::float32().build()).build();
    let schema = SchemaBuilder::structure()
        .name("shop.Order")
        .field("id", SchemaBuilder::int64().build())
        .field("small", SchemaBuilder::int8().build())
        .field("note", SchemaBuilder::string().optional().build())
        .field("none", SchemaBuilder::string().optional().build())
        .field("with", SchemaBuilder::int32().optional().default_value(3i32).build())
        .field("points", SchemaBuilder::array(point()).build())
        .field("raw", SchemaBuilder::bytes().build())
        .field("amounts", SchemaBuilder::map(SchemaBuilder::string().build(), SchemaBuilder::int32().build()).build())
        .field("counts", SchemaBuilder::map(SchemaBuilder::int32().build(), SchemaBuilder::boolean().build()).build())
        .field("price", SchemaBuilder::decimal(2).build())
        .field("day", SchemaBuilder::date().build())
        .field("time", SchemaBuilder::time().build())
        .field("at", SchemaBuilder::timestamp().build())
        .build();
    let entry = |key: Value, value: Value| Value::map(vec![MapEntry { key, value }]);
    let fields = vec![
        i64::MIN.into(),
        Value::int8(-5),
        "é".into(),
        Value::NULL,
        Value::int32(9),
        Value::array(vec![Value::structure(point(), vec![1.5f32.into()])]),
        vec![0u8, 255].into(),
        entry("a".into(), 7i32.into()),
        entry(1i32.into(), true.into()),
        Value::decimal(vec![0xff, 0x01], 2),
        Value::date(1),
        Value::time(1500),
        Value::timestamp(1500),
    ];
    Data::new(schema.clone(), Value::structure(schema, fields))
}
