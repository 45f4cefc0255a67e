//! Source partitions and offsets: `{"filename": F}` and `{"position": P}`, as Kafka's connector has them.

use ferroconnect_plugin_sdk::{Config, Error, OffsetMap, Result, SourceOffsetChange, Value, offset_map};

const FILENAME: &str = "filename";
const POSITION: &str = "position";

/// The source partition of a file, named as configured.
pub(crate) fn partition(file: &str) -> OffsetMap {
    offset_map([(FILENAME, Value::string(file))])
}

/// The offset that says: go on at this byte.
pub(crate) fn offset(position: u64) -> OffsetMap {
    // A file is never longer than i64::MAX bytes.
    offset_map([(POSITION, Value::int64(position.cast_signed()))])
}

fn find<'a>(map: &'a OffsetMap, key: &str) -> Option<&'a Value> {
    map.iter().find(|entry| entry.key.as_str() == key).map(|entry| &entry.value)
}

/// The position of a stored offset; without one the file is read from its start.
pub(crate) fn stored_position(offset: Option<&OffsetMap>) -> Result<u64> {
    match offset.and_then(|offset| find(offset, POSITION)) {
        None => Ok(0),
        Some(value) if value.is_null() => Ok(0),
        Some(value) => {
            let position = value.as_integer().ok_or_else(|| Error::fatal("Offset position is the incorrect type"))?;
            u64::try_from(position).map_err(|_| {
                Error::fatal(format!("Offset position is {position}, and should not be negative; alter the offset"))
            })
        }
    }
}

/// Checks offsets that the user wants to set (KIP-875). No offset is always fine, so that wrong ones can be removed.
pub(crate) fn check_altered(config: &Config, change: &SourceOffsetChange) -> Result<()> {
    if crate::config::file_of(config).is_none() {
        return Err(Error::fatal(
            "Offsets cannot be modified if the 'file' configuration is unspecified. \
             This is because stdin is used for input and offsets are not tracked.",
        ));
    }
    for (partition, offset) in change.named() {
        if let Some(offset) = offset {
            check_offset(offset)?;
            let partition = partition.as_ref().ok_or_else(|| Error::fatal("Partition objects cannot be null"))?;
            if find(partition, FILENAME).is_none() {
                return Err(Error::fatal("Partition objects should contain the key 'filename'"));
            }
        }
    }
    Ok(())
}

fn check_offset(offset: &OffsetMap) -> Result<()> {
    let text = match find(offset, POSITION).map(Value::as_integer) {
        None => "Offset objects should either be null or contain the key 'position'",
        Some(None) => "The value for the 'position' key in the offset is expected to be a Long value",
        Some(Some(..0)) => "The value for the 'position' key in the offset should be a non-negative value",
        Some(Some(_)) => return Ok(()),
    };
    Err(Error::fatal(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_sdk::OffsetChange;

    fn check(partition: OffsetMap, offset: Option<OffsetMap>) -> String {
        let config = Config::from([("file", "f"), ("topic", "t")]);
        check_altered(&config, &OffsetChange::Alter(vec![(Some(partition), offset)]))
            .err()
            .map_or(String::new(), |error| error.message().to_owned())
    }

    #[test]
    fn altered_offsets_are_checked_with_kafkas_messages() {
        let file = || partition("f");
        assert_eq!(check(file(), Some(offset(5))), "");
        assert_eq!(check(OffsetMap::new(), None), "");
        let cases = [
            (OffsetMap::new(), offset(5), "Partition objects should contain the key 'filename'"),
            (file(), OffsetMap::new(), "Offset objects should either be null or contain the key 'position'"),
            (
                file(),
                offset_map([("position", Value::string("5"))]),
                "The value for the 'position' key in the offset is expected to be a Long value",
            ),
            (
                file(),
                offset_map([("position", Value::int64(-1))]),
                "The value for the 'position' key in the offset should be a non-negative value",
            ),
        ];
        for (partition, offset, message) in cases {
            assert_eq!(check(partition, Some(offset)), message);
        }
    }

    #[test]
    fn standard_input_has_no_offsets_to_alter() {
        let error = check_altered(&Config::from([("topic", "t")]), &OffsetChange::Reset(vec![])).unwrap_err();
        assert!(error.message().starts_with("Offsets cannot be modified if the 'file' configuration is unspecified."));
    }

    #[test]
    fn stored_positions_are_numbers() {
        assert_eq!(stored_position(None).unwrap(), 0);
        assert_eq!(stored_position(Some(&offset(7))).unwrap(), 7);
        let text = offset_map([("position", Value::string("7"))]);
        assert_eq!(stored_position(Some(&text)).unwrap_err().message(), "Offset position is the incorrect type");
    }
}
