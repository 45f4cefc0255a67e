//! What is to be cast to what: the key `spec`.

use super::convert::Target;
use crate::config::java_trim;
use crate::error::{ConnectError, Result};
use crate::java_hash;
use crate::stages::transforms::nested::{Leaves, Tree};
use crate::stages::transforms::path::{FieldPath, Syntax};

/// What is to be cast.
#[derive(Debug, Clone)]
pub(super) enum Spec {
    /// Everything, to this type.
    Whole(Target),
    /// Fields.
    Fields(Tree<Leaves<Target>>),
}

/// What the items of the list say, in the last word on each field.
enum Casts<'a> {
    Whole(Target),
    Fields(Vec<(&'a str, Target)>),
}

impl Spec {
    /// Reads the items of the list.
    pub(super) fn parse(items: &[String], syntax: Syntax) -> Result<Spec> {
        match read(items).map_err(ConnectError::config)? {
            Casts::Whole(target) => Ok(Spec::Whole(target)),
            Casts::Fields(fields) => {
                let paths = fields.into_iter().map(|(name, target)| Ok((FieldPath::parse(name, syntax)?, target)));
                let tree = Tree::new(paths.collect::<Result<Vec<_>>>()?)?;
                tree.refuse_overlaps(super::SPEC)?;
                Ok(Spec::Fields(tree))
            }
        }
    }
}

/// Checks the items of the list; the error is the whole message.
pub(super) fn check(items: &[String]) -> Result<(), String> {
    read(items).map(drop)
}

/// Reads the items of the list. The messages are those of Kafka Connect, where some name a key of another transform
/// or have value and key in the wrong order.
fn read(items: &[String]) -> Result<Casts<'_>, String> {
    if items.is_empty() {
        return Err("Must specify at least one field to cast.".to_owned());
    }
    let mut whole = None;
    let mut fields: Vec<(&str, Target)> = Vec::new();
    for item in items {
        // Colons at the end do not count.
        let parts: Vec<&str> = item.trim_end_matches(':').split(':').map(java_trim).collect();
        match parts.as_slice() {
            [kind] => whole = Some(target(kind)?),
            [name, kind] => {
                let target = target(kind)?;
                fields.retain(|(known, _)| known != name);
                fields.push((name, target));
            }
            _ => {
                let list = items.join(", ");
                return Err(format!(
                    "Invalid value [{list}] for configuration renames: Invalid rename mapping: {item}"
                ));
            }
        }
    }
    let buckets = java_hash::grown(fields.len());
    java_hash::sort(&mut fields, buckets, |(name, _)| name);
    match whole {
        None => Ok(Casts::Fields(fields)),
        Some(target) if items.len() == 1 => Ok(Casts::Whole(target)),
        Some(_) => {
            Err("Cast transformations that specify a type to cast the entire value to may only specify a single \
                        cast in their spec"
                .to_owned())
        }
    }
}

fn target(name: &str) -> Result<Target, String> {
    let upper = name.to_uppercase();
    Ok(match upper.as_str() {
        "INT8" => Target::Int8,
        "INT16" => Target::Int16,
        "INT32" => Target::Int32,
        "INT64" => Target::Int64,
        "FLOAT32" => Target::Float32,
        "FLOAT64" => Target::Float64,
        "BOOLEAN" => Target::Boolean,
        "STRING" => Target::String,
        "BYTES" | "ARRAY" | "MAP" | "STRUCT" => {
            return Err(format!(
                "Cast transformation does not support casting to {upper}; supported types are [INT8, INT16, INT32, \
                 INT64, FLOAT32, FLOAT64, BOOLEAN, STRING]"
            ));
        }
        _ => {
            return Err(format!(
                "Invalid value java.lang.IllegalArgumentException: No enum constant \
                 org.apache.kafka.connect.data.Schema.Type.{upper} for configuration Invalid type found in casting \
                 spec: {name}"
            ));
        }
    })
}
