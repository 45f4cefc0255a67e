//! The files that every registry knows, beside those of `google/protobuf`: what schemas may import without a reference.
//!
//! Written anew from the names, numbers and types that the public files define; options that have to do with other languages
//! are left out.

/// The text of a file by its name.
pub(super) fn known(name: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

const KNOWN: [(&str, &str); 21] = [
    (
        "confluent/meta.proto",
        r#"syntax = "proto3";
package confluent;
import "google/protobuf/descriptor.proto";
message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; repeated Rule rules = 4; }
message Rule { string name = 1; string doc = 2; string expr = 3; string sql = 4; }
extend google.protobuf.FileOptions { Meta file_meta = 1088; }
extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }
"#,
    ),
    (
        "confluent/type/decimal.proto",
        r#"syntax = "proto3";
package confluent.type;
message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }
"#,
    ),
    (
        "confluent/type/variant.proto",
        r#"syntax = "proto3";
package confluent.type;
message Variant { bytes metadata = 1; bytes value = 2; }
"#,
    ),
    // What these two were called at first.
    ("confluent/types/decimal.proto", r#"syntax = "proto3"; import public "confluent/type/decimal.proto";"#),
    ("confluent/types/variant.proto", r#"syntax = "proto3"; import public "confluent/type/variant.proto";"#),
    (
        "google/type/calendar_period.proto",
        r#"syntax = "proto3";
package google.type;
enum CalendarPeriod {
  CALENDAR_PERIOD_UNSPECIFIED = 0; DAY = 1; WEEK = 2; FORTNIGHT = 3; MONTH = 4; QUARTER = 5; HALF = 6; YEAR = 7;
}
"#,
    ),
    (
        "google/type/color.proto",
        r#"syntax = "proto3";
package google.type;
import "google/protobuf/wrappers.proto";
message Color { float red = 1; float green = 2; float blue = 3; google.protobuf.FloatValue alpha = 4; }
"#,
    ),
    (
        "google/type/date.proto",
        r#"syntax = "proto3";
package google.type;
message Date { int32 year = 1; int32 month = 2; int32 day = 3; }
"#,
    ),
    (
        "google/type/datetime.proto",
        r#"syntax = "proto3";
package google.type;
import "google/protobuf/duration.proto";
message DateTime {
  int32 year = 1; int32 month = 2; int32 day = 3; int32 hours = 4; int32 minutes = 5; int32 seconds = 6; int32 nanos = 7;
  oneof time_offset { google.protobuf.Duration utc_offset = 8; TimeZone time_zone = 9; }
}
message TimeZone { string id = 1; string version = 2; }
"#,
    ),
    (
        "google/type/dayofweek.proto",
        r#"syntax = "proto3";
package google.type;
enum DayOfWeek {
  DAY_OF_WEEK_UNSPECIFIED = 0;
  MONDAY = 1; TUESDAY = 2; WEDNESDAY = 3; THURSDAY = 4; FRIDAY = 5; SATURDAY = 6; SUNDAY = 7;
}
"#,
    ),
    (
        "google/type/decimal.proto",
        r#"syntax = "proto3";
package google.type;
message Decimal { string value = 1; }
"#,
    ),
    (
        "google/type/expr.proto",
        r#"syntax = "proto3";
package google.type;
message Expr { string expression = 1; string title = 2; string description = 3; string location = 4; }
"#,
    ),
    (
        "google/type/fraction.proto",
        r#"syntax = "proto3";
package google.type;
message Fraction { int64 numerator = 1; int64 denominator = 2; }
"#,
    ),
    (
        "google/type/interval.proto",
        r#"syntax = "proto3";
package google.type;
import "google/protobuf/timestamp.proto";
message Interval { google.protobuf.Timestamp start_time = 1; google.protobuf.Timestamp end_time = 2; }
"#,
    ),
    (
        "google/type/latlng.proto",
        r#"syntax = "proto3";
package google.type;
message LatLng { double latitude = 1; double longitude = 2; }
"#,
    ),
    (
        "google/type/money.proto",
        r#"syntax = "proto3";
package google.type;
message Money { string currency_code = 1; int64 units = 2; int32 nanos = 3; }
"#,
    ),
    (
        "google/type/month.proto",
        r#"syntax = "proto3";
package google.type;
enum Month {
  MONTH_UNSPECIFIED = 0; JANUARY = 1; FEBRUARY = 2; MARCH = 3; APRIL = 4; MAY = 5; JUNE = 6;
  JULY = 7; AUGUST = 8; SEPTEMBER = 9; OCTOBER = 10; NOVEMBER = 11; DECEMBER = 12;
}
"#,
    ),
    (
        "google/type/phone_number.proto",
        r#"syntax = "proto3";
package google.type;
message PhoneNumber {
  message ShortCode { string region_code = 1; string number = 2; }
  oneof kind { string e164_number = 1; ShortCode short_code = 2; }
  string extension = 3;
}
"#,
    ),
    (
        "google/type/postal_address.proto",
        r#"syntax = "proto3";
package google.type;
message PostalAddress {
  int32 revision = 1; string region_code = 2; string language_code = 3; string postal_code = 4; string sorting_code = 5;
  string administrative_area = 6; string locality = 7; string sublocality = 8; repeated string address_lines = 9;
  repeated string recipients = 10; string organization = 11;
}
"#,
    ),
    (
        "google/type/quaternion.proto",
        r#"syntax = "proto3";
package google.type;
message Quaternion { double x = 1; double y = 2; double z = 3; double w = 4; }
"#,
    ),
    (
        "google/type/timeofday.proto",
        r#"syntax = "proto3";
package google.type;
message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }
"#,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Document;
    use crate::protobuf::compile::{compile, message};

    #[test]
    fn all_of_them_can_be_imported_and_used_at_once() {
        let imports: String = KNOWN.iter().map(|(name, _)| format!("import \"{name}\";\n")).collect();
        let google = [
            "CalendarPeriod",
            "Color",
            "Date",
            "DateTime",
            "DayOfWeek",
            "Decimal",
            "Expr",
            "Fraction",
            "Interval",
            "LatLng",
            "Money",
            "Month",
            "PhoneNumber",
            "PostalAddress",
            "Quaternion",
            "TimeOfDay",
            "TimeZone",
            "PhoneNumber.ShortCode",
        ];
        let confluent = ["Decimal", "Variant"];
        let types = google.iter().map(|name| format!("google.type.{name}"));
        let types = types.chain(confluent.iter().map(|name| format!("confluent.type.{name}")));
        let fields: String = types.enumerate().map(|(at, name)| format!("{name} f{at} = {};\n", at + 1)).collect();
        let text = format!("syntax = \"proto3\";\n{imports}message M {{ {fields} }}");
        let file = compile(&Document { text, imports: Vec::new() }).expect("it compiles");
        assert_eq!(message(&file, None).expect("a message").fields().count(), google.len() + confluent.len());
    }

    #[test]
    fn the_former_names_of_confluents_types_lead_to_them() {
        let text = r#"syntax = "proto3"; import "confluent/types/decimal.proto"; import "confluent/types/variant.proto";
            message M { confluent.type.Decimal d = 1; confluent.type.Variant v = 2; }"#;
        let file = compile(&Document { text: text.to_owned(), imports: Vec::new() }).expect("it compiles");
        assert_eq!(message(&file, None).expect("a message").fields().count(), 2);
    }
}
