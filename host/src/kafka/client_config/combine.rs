//! Properties that only make sense together: idempotence, compression, partitioner, transactions,
//! security.

use super::{Properties, Role, convert, jaas, tls};

pub(super) fn all(properties: &mut Properties) {
    if properties.role == Role::Producer {
        idempotence(properties);
        compression_level(properties);
        ignore_keys(properties);
        transaction_timeout(properties);
        queue_size(properties);
    }
    security(properties);
}

/// As in Java: on by default, off when other settings that the user made rule it out, an error when
/// the user asks for both.
fn idempotence(properties: &mut Properties) {
    const KEY: &str = "enable.idempotence";
    const IN_FLIGHT: &str = "max.in.flight.requests.per.connection";
    let wanted = match properties.get(KEY).map(convert::boolean) {
        None => false,
        Some(Ok(wanted)) => wanted,
        Some(Err(reason)) => return properties.refuse(KEY, reason),
    };
    let number = |key| properties.get(key).and_then(|v| convert::number(v).ok());
    let conflict = if properties.get("acks").is_some_and(|acks| acks != "all" && acks != "-1") {
        Some(("acks", "all"))
    } else if number("retries") == Some(0) {
        Some(("retries", "above 0"))
    } else if number(IN_FLIGHT).is_some_and(|count| count > 5) {
        Some((IN_FLIGHT, "at most 5"))
    } else {
        None
    };
    let on = match conflict {
        Some((key, right)) if wanted && properties.set_by_user(KEY) => {
            return properties.refuse(key, format!("must be {right} when {KEY} is true"));
        }
        Some(_) => false,
        None => wanted,
    };
    properties.put(KEY, KEY, on.to_string());
    if !on && properties.get(IN_FLIGHT).is_none() {
        // Without idempotence, a retry behind a second request would change the order.
        properties.put(KEY, IN_FLIGHT, "1");
    }
}

fn compression_level(properties: &mut Properties) {
    let codec = properties.get("compression.type").unwrap_or("none");
    let (key, max) = match codec.to_ascii_lowercase().as_str() {
        "gzip" => ("compression.gzip.level", 9),
        "lz4" => ("compression.lz4.level", 12),
        "zstd" => ("compression.zstd.level", 12),
        _ => return,
    };
    let Some(level) = properties.get(key).map(|v| convert::bounded(v, -1, max)) else {
        return;
    };
    match level {
        Err(reason) => properties.refuse(key, reason),
        Ok(level) => {
            if let Some(warning) = level.warning {
                properties.warn(key, warning);
            }
            properties.put(key, "compression.level", level.value);
        }
    }
}

fn ignore_keys(properties: &mut Properties) {
    const KEY: &str = "partitioner.ignore.keys";
    match properties.get(KEY).map(convert::boolean) {
        Some(Ok(true)) => properties.put(KEY, "partitioner", "random"),
        Some(Err(reason)) => properties.refuse(KEY, reason),
        Some(Ok(false)) | None => {}
    }
}

/// librdkafka refuses a delivery time-out above that of the transaction; Java only never uses more.
fn transaction_timeout(properties: &mut Properties) {
    const DELIVERY: &str = "delivery.timeout.ms";
    if properties.text("transactional.id").is_none() {
        return;
    }
    let number = |key| properties.get(key).and_then(|v| convert::number(v).ok());
    let transaction = number("transaction.timeout.ms").unwrap_or(60_000);
    let too_long = number(DELIVERY).is_some_and(|delivery| delivery == 0 || delivery > transaction);
    if too_long {
        properties.put(DELIVERY, DELIVERY, transaction.to_string());
    }
}

/// The queue has to hold the largest record, or sending it would wait for ever. Who asks for more
/// memory means more records too.
fn queue_size(properties: &mut Properties) {
    const MEMORY: &str = "buffer.memory";
    const COUNT: &str = "queue.buffering.max.messages";
    let number = |key| properties.get(key).and_then(|v| convert::number(v).ok());
    let (Some(memory), Some(largest)) = (number(MEMORY), number("max.request.size")) else {
        return;
    };
    if memory < largest.saturating_mul(2) {
        let kilobytes = (largest / 512).clamp(1, i64::from(i32::MAX));
        if properties.set_by_user(MEMORY) {
            properties
                .warn(MEMORY, format!("is raised to {} so that two of the largest records fit", kilobytes * 1024));
        }
        properties.put(MEMORY, "queue.buffering.max.kbytes", kilobytes.to_string());
    }
    if properties.set_by_user(MEMORY) && !properties.set_by_user(COUNT) {
        let count = (memory / 400).clamp(40_000, i64::from(i32::MAX));
        properties.put(MEMORY, COUNT, count.to_string());
    }
}

fn security(properties: &mut Properties) {
    const KEY: &str = "security.protocol";
    let protocol = properties.text(KEY).unwrap_or("PLAINTEXT").to_ascii_uppercase();
    let (sasl, ssl) = match protocol.as_str() {
        "PLAINTEXT" => (false, false),
        "SSL" => (false, true),
        "SASL_PLAINTEXT" => (true, false),
        "SASL_SSL" => (true, true),
        _ => {
            return properties.refuse(KEY, "must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL");
        }
    };
    properties.put(KEY, KEY, protocol.to_ascii_lowercase());
    if ssl {
        tls::settings(properties);
    }
    if sasl {
        jaas::settings(properties);
    }
}
