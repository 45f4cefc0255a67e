//! TOML with the keys of Java properties: the names of nested tables join with dots, arrays
//! become lists separated by commas, numbers and booleans keep their text.

use toml::de::{DeTable, DeValue};

use super::properties::Entry;
use crate::error::{ConnectError, Result};

/// Reads all entries in the order of the file.
///
/// # Errors
/// The text is not TOML, or holds something a flat configuration cannot: an array of tables or
/// arrays, or an array item with a comma in it. The message names the line.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>> {
    let document = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        ConnectError::config(format!("line {line}: {}", error.message()))
    })?;
    let mut entries = Vec::new();
    flatten(text, "", document.get_ref(), &mut entries)?;
    // Tables may be written in pieces; give back what stands in the file from top to bottom.
    entries.sort_by_key(|entry| entry.line);
    Ok(entries)
}

fn flatten(text: &str, prefix: &str, table: &DeTable<'_>, entries: &mut Vec<Entry>) -> Result<()> {
    for (key, value) in table {
        let line = line_of(text, key.span().start);
        let key = format!("{prefix}{}", key.get_ref());
        if let DeValue::Table(inner) = value.get_ref() {
            flatten(text, &format!("{key}."), inner, entries)?;
            continue;
        }
        let value = to_text(value.get_ref())
            .map_err(|reason| ConnectError::config(format!("line {line}: '{key}' {reason}")))?;
        entries.push(Entry { key, value, line });
    }
    Ok(())
}

fn to_text(value: &DeValue<'_>) -> Result<String, String> {
    Ok(match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_err(|error| format!("is not a number of 64 bits: {error}"))?
            .to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| array_item(item.get_ref()));
            items.collect::<Result<Vec<_>, _>>()?.join(",")
        }
        DeValue::Table(_) => return Err("holds a table where a value was expected".to_owned()),
    })
}

fn array_item(item: &DeValue<'_>) -> Result<String, String> {
    match item {
        DeValue::Array(_) | DeValue::Table(_) => {
            Err("is an array of arrays or tables; expected an array of texts, numbers or booleans".to_owned())
        }
        item => match to_text(item)? {
            text if text.contains(',') => {
                Err(format!("has a comma inside the item '{text}', which would split it in two"))
            }
            text => Ok(text),
        },
    }
}

fn line_of(text: &str, offset: usize) -> u32 {
    let before = text.as_bytes().iter().take(offset);
    let breaks = before.filter(|&&byte| byte == b'\n').count();
    u32::try_from(breaks).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String, u32)> {
        let entries = parse(text).expect("is TOML");
        entries.into_iter().map(|entry| (entry.key, entry.value, entry.line)).collect()
    }

    #[test]
    fn tables_join_and_arrays_become_lists() {
        let text = "bootstrap.servers = [\"a:1\", \"b:2\"]\n\"key.converter\" = \"X\"\n\
                    \"key.converter.schemas.enable\" = false\n[producer]\nlinger.ms = 1_000\n\
                    override = { acks = \"all\" }\n[offset.flush]\ninterval.ms = 0x10\n";
        let expected = [
            ("bootstrap.servers", "a:1,b:2", 1),
            ("key.converter", "X", 2),
            ("key.converter.schemas.enable", "false", 3),
            ("producer.linger.ms", "1000", 5),
            ("producer.override.acks", "all", 6),
            ("offset.flush.interval.ms", "16", 8),
        ];
        let entries = read(text);
        let entries: Vec<_> = entries.iter().map(|(key, value, line)| (key.as_str(), value.as_str(), *line)).collect();
        assert_eq!(entries, expected);
    }

    #[test]
    fn what_cannot_be_flat_is_refused() {
        for (text, part) in [
            ("a = 1\nb = [{c = 1}]", "line 2: 'b' is an array of arrays or tables"),
            ("a = [\"x,y\"]", "line 1: 'a' has a comma inside the item 'x,y'"),
            ("a = 1\nb = \n", "line 2: "),
            ("a = 1\na = 2", "line 2: duplicate key"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.message().starts_with(part), "{error}");
        }
    }
}
