//! Many rows on their way to the server: lines of COPY, and columns as arrays.

use super::codec::{Bound, BoxError, as_text, base, write_array, write_text};
use crate::db::SqlValue;
use std::fmt::Write;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type};

/// Whether each value has the binary form of its column.
pub(super) fn are_binary(rows: &[Vec<SqlValue>], types: &[Type]) -> bool {
    rows.iter().all(|row| row.iter().zip(types).all(|(value, ty)| Bound(value).is_binary(ty)))
}

/// Adds a row as a line of binary COPY: how many values there are, and each of them. All [`are_binary`].
pub(super) fn write_binary_line(row: &[SqlValue], types: &[Type], out: &mut BytesMut) -> Result<(), BoxError> {
    out.extend_from_slice(&i16::try_from(row.len())?.to_be_bytes());
    row.iter().zip(types).try_for_each(|(value, ty)| write_counted(value, ty, out))
}

/// Adds a value behind the number of its bytes, which is -1 for NULL.
fn write_counted(value: &SqlValue, ty: &Type, out: &mut BytesMut) -> Result<(), BoxError> {
    let start = out.len();
    out.extend_from_slice(&(-1i32).to_be_bytes());
    if let IsNull::No = Bound(value).to_sql(ty, out)? {
        let length = i32::try_from(out.len() - start - 4)?;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// Adds a row as a line of COPY, which the server reads by the types that its columns have then.
pub(super) fn write_line(row: &[SqlValue], types: &[Type], out: &mut BytesMut) -> Result<(), BoxError> {
    for (place, (value, ty)) in row.iter().zip(types).enumerate() {
        if place > 0 {
            out.write_char('\t')?;
        }
        match value {
            SqlValue::Null => out.write_str("\\N")?,
            SqlValue::Text(text) => write_escaped(text, out)?,
            SqlValue::Bytes(_) | SqlValue::Array(_) => write_escaped(&as_text(value, ty)?, out)?,
            // Numbers and times have nothing in them to escape.
            _ => write_text(value, ty, out)?,
        }
    }
    out.write_char('\n')?;
    Ok(())
}

fn write_escaped(text: &str, out: &mut BytesMut) -> std::fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '\t', '\n', '\r']) {
        let (plain, special) = rest.split_at(at);
        out.write_str(plain)?;
        out.write_str(match special.as_bytes()[0] {
            b'\t' => "\\t",
            b'\n' => "\\n",
            b'\r' => "\\r",
            _ => "\\\\",
        })?;
        rest = &special[1..];
    }
    out.write_str(rest)
}

/// The values of one column of many rows, as an array.
#[derive(Debug)]
pub(super) struct Stacked<'a> {
    rows: &'a [Vec<SqlValue>],
    place: usize,
    element: &'a Type,
    format: Format,
}

impl<'a> Stacked<'a> {
    /// The column at this place, whose type is `element`.
    pub(super) fn new(rows: &'a [Vec<SqlValue>], place: usize, element: &'a Type) -> Stacked<'a> {
        // A type that has no binary form may still have NULL in every row.
        let binary = rows.iter().any(|row| !row[place].is_null())
            && rows.iter().all(|row| Bound(&row[place]).is_binary(element));
        Stacked { rows, place, element, format: if binary { Format::Binary } else { Format::Text } }
    }

    fn values(&self) -> impl Iterator<Item = &'a SqlValue> {
        let place = self.place;
        self.rows.iter().map(move |row| &row[place])
    }

    /// Dimensions, whether there are NULLs, the type, then of the one dimension its length and first index.
    fn write_binary(&self, out: &mut BytesMut) -> Result<(), BoxError> {
        let nulls = i32::from(self.values().any(SqlValue::is_null));
        let length = i32::try_from(self.rows.len())?;
        for number in [1, nulls, self.element.oid().cast_signed(), length, 1] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        self.values().try_for_each(|value| write_counted(value, self.element, out))
    }
}

impl ToSql for Stacked<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        match self.format {
            Format::Binary => self.write_binary(out)?,
            Format::Text => write_array(self.values(), ty, self.element, out)?,
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        self.format
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        self.to_sql(ty, out)
    }
}

/// Whether values of a type come out of an array of them as they went in: an array of arrays is flattened, a composite
/// value becomes columns, and only the elements of `box` are not parted by a comma.
pub(super) fn can_be_stacked(ty: &Type) -> bool {
    let ty = base(ty);
    matches!(ty.kind(), Kind::Simple | Kind::Enum(_) | Kind::Range(_)) && *ty != Type::BOX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(row: &[SqlValue], types: &[Type]) -> String {
        let mut out = BytesMut::new();
        write_line(row, types, &mut out).unwrap();
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn lines_keep_values_apart() {
        let text = |text: &str| SqlValue::Text(text.into());
        let row = [SqlValue::Null, text("\\N"), text(""), text("a\tb\\\r\nc"), text("\\.")];
        assert_eq!(line(&row, &vec![Type::TEXT; 5]), "\\N\t\\\\N\t\ta\\tb\\\\\\r\\nc\t\\\\.\n");
        let row = [SqlValue::Bytes(vec![0, 255, 92]), SqlValue::Array(vec![text("a\"b\\"), SqlValue::Null])];
        assert_eq!(line(&row, &[Type::BYTEA, Type::TEXT_ARRAY]), "\\\\x00ff5c\t{\"a\\\\\"b\\\\\\\\\",NULL}\n");
    }

    #[test]
    fn a_column_has_one_form() {
        let rows = [vec![SqlValue::Int(1)], vec![SqlValue::Null]];
        let stacked = Stacked::new(&rows, 0, &Type::INT2);
        let mut out = BytesMut::new();
        stacked.to_sql(&Type::INT2_ARRAY, &mut out).unwrap();
        assert!(matches!(stacked.format, Format::Binary));
        let parts =
            [&[0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 21, 0, 0, 0, 2, 0, 0, 0, 1][..], &[0, 0, 0, 2, 0, 1], &[255; 4]];
        assert_eq!(out[..], parts.concat());
        // Too large a number goes as text, for the server to say so.
        let rows = [vec![SqlValue::Int(1)], vec![SqlValue::Int(70_000)], vec![SqlValue::Null]];
        let stacked = Stacked::new(&rows, 0, &Type::INT2);
        let mut out = BytesMut::new();
        stacked.to_sql(&Type::INT2_ARRAY, &mut out).unwrap();
        assert_eq!(out[..], *b"{\"1\",\"70000\",NULL}");
    }
}
