//! Conversions of single values.

/// The value librdkafka gets, and what the user should be told about it.
#[derive(Debug)]
pub(super) struct Converted {
    pub(super) value: String,
    pub(super) warning: Option<String>,
}

impl Converted {
    fn to(value: impl Into<String>) -> Self {
        Self { value: value.into(), warning: None }
    }

    fn warn(mut self, warning: impl Into<String>) -> Self {
        self.warning = Some(warning.into());
        self
    }
}

type Conversion = Result<Converted, String>;

pub(super) fn number(value: &str) -> Result<i64, String> {
    value.trim().parse().map_err(|_| "must be a whole number".to_owned())
}

/// A truth value in Java's reading: any case.
pub(super) fn boolean(value: &str) -> Result<bool, String> {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

/// Brings a number between two bounds; tells if it had to be changed.
pub(super) fn bounded(value: &str, min: i64, max: i64) -> Conversion {
    let wanted = number(value)?;
    let used = wanted.clamp(min, max);
    let converted = Converted::to(used.to_string());
    Ok(if used == wanted {
        converted
    } else {
        converted.warn(format!("librdkafka takes {min} to {max}; {used} is used"))
    })
}

// The functions below are referred to by the table, one for each kind of conversion.

pub(super) fn lower_case(value: &str) -> Conversion {
    Ok(Converted::to(value.trim().to_ascii_lowercase()))
}

pub(super) fn acks(value: &str) -> Conversion {
    match value.trim() {
        "all" | "-1" => Ok(Converted::to("all")),
        "0" => Ok(Converted::to("0")),
        "1" => Ok(Converted::to("1")),
        _ => Err("must be all, -1, 0 or 1".to_owned()),
    }
}

pub(super) fn idle_time(value: &str) -> Conversion {
    match number(value)? {
        ..0 => Ok(Converted::to("0")),
        _ => bounded(value, 1, i64::from(i32::MAX)),
    }
}

pub(super) fn socket_buffer(value: &str) -> Conversion {
    match number(value)? {
        -1 => Ok(Converted::to("0")),
        ..-1 => Err("must be -1 or more".to_owned()),
        _ => bounded(value, 0, 100_000_000),
    }
}

pub(super) fn kilobytes(value: &str) -> Conversion {
    let bytes = number(value)?;
    if bytes < 0 {
        return Err("must be 0 or more".to_owned());
    }
    let kilobytes = bytes.saturating_add(1023) / 1024;
    bounded(&kilobytes.to_string(), 1, i64::from(i32::MAX))
}

pub(super) fn offset_reset(value: &str) -> Conversion {
    let reset = match value.trim().to_ascii_lowercase().as_str() {
        "earliest" => "earliest",
        "latest" => "latest",
        "none" | "error" => "error",
        duration if duration.starts_with("by_duration:") => {
            return Err("librdkafka cannot start by duration; use earliest, latest or none, \
                        and set the group's offsets once"
                .to_owned());
        }
        _ => return Err("must be earliest, latest or none".to_owned()),
    };
    Ok(Converted::to(reset))
}

/// The last part of a Java class name.
fn simple_name(class: &str) -> &str {
    class.rsplit(['.', '$']).next().unwrap_or(class)
}

pub(super) fn partitioner(value: &str) -> Conversion {
    const LIBRDKAFKA: &[&str] =
        &["random", "consistent", "consistent_random", "murmur2", "murmur2_random", "fnv1a", "fnv1a_random"];
    let value = value.trim();
    if LIBRDKAFKA.contains(&value) {
        return Ok(Converted::to(value));
    }
    Ok(match simple_name(value) {
        "" | "DefaultPartitioner" | "BuiltInPartitioner" => Converted::to("murmur2_random"),
        "RoundRobinPartitioner" | "UniformStickyPartitioner" => {
            Converted::to("random").warn("records are spread at random over the partitions, whatever their key")
        }
        _ => Converted::to("murmur2_random").warn(
            "Java classes cannot be loaded here; records go where Java's default partitioner \
             would put them",
        ),
    })
}

pub(super) fn assignors(value: &str) -> Conversion {
    let mut eager: Vec<&str> = Vec::new();
    let mut cooperative = false;
    let mut warning = None;
    for class in value.split(',').map(str::trim).filter(|c| !c.is_empty()) {
        match simple_name(class) {
            "RangeAssignor" | "range" => eager.push("range"),
            "RoundRobinAssignor" | "roundrobin" => eager.push("roundrobin"),
            "CooperativeStickyAssignor" | "cooperative-sticky" => cooperative = true,
            "StickyAssignor" => {
                warning = Some("StickyAssignor has no counterpart; range is used".to_owned());
                eager.push("range");
            }
            _ => {
                return Err(format!(
                    "{class} is not known; known are RangeAssignor, RoundRobinAssignor and \
                     CooperativeStickyAssignor"
                ));
            }
        }
    }
    let mut seen = Vec::new();
    eager.retain(|name| {
        let new = !seen.contains(name);
        seen.push(name);
        new
    });
    let strategy = match (eager.is_empty(), cooperative) {
        (true, true) => "cooperative-sticky".to_owned(),
        (true, false) => return Err("must name at least one assignor".to_owned()),
        (false, _) => eager.join(","),
    };
    let mut converted = Converted::to(strategy);
    converted.warning = warning;
    Ok(converted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(conversion: Conversion) -> String {
        conversion.expect("accepted").value
    }

    #[test]
    fn assignor_lists_never_mix_protocols() {
        let java = "org.apache.kafka.clients.consumer.";
        let default = format!("{java}RangeAssignor,{java}CooperativeStickyAssignor");
        assert_eq!(value(assignors(&default)), "range");
        assert_eq!(value(assignors(&format!("{java}CooperativeStickyAssignor"))), "cooperative-sticky");
        assert_eq!(value(assignors("range, roundrobin,range")), "range,roundrobin");
        assert!(assignors("com.example.Mine").is_err());
        assert!(assignors("").is_err());
    }

    #[test]
    fn numbers_outside_the_bounds_are_brought_in_with_a_word() {
        let converted = bounded("1000000", 0, 900_000).expect("accepted");
        assert_eq!(converted.value, "900000");
        assert!(converted.warning.is_some_and(|text| text.contains("900000")));
        assert!(bounded("soon", 0, 1).is_err());
    }

    #[test]
    fn units_and_special_numbers_are_translated() {
        assert_eq!(value(kilobytes("33554432")), "32768");
        assert_eq!(value(kilobytes("1")), "1");
        assert_eq!(value(idle_time("-1")), "0");
        assert_eq!(value(socket_buffer("-1")), "0");
        assert_eq!(value(offset_reset("none")), "error");
        assert_eq!(value(acks("-1")), "all");
        assert!(offset_reset("by_duration:PT1H").is_err());
    }
}
