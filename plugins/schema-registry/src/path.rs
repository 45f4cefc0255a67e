//! Where in a value or schema something is wrong, for the text of an error.

use ferroconnect_plugin_sdk::{Error, MaybeShared, Result, Schema, Shared};
use std::fmt;

/// A place inside data, as a chain of borrowed steps: nothing is allocated until it is printed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Path<'a> {
    /// The whole.
    Root,
    /// A field of a struct, a property of an object, an entry of a map.
    Field(&'a Path<'a>, &'a str),
    /// An element of an array.
    Item(&'a Path<'a>, usize),
    /// A place that was printed, to be gone on from later.
    Printed(&'a str),
}

impl Path<'_> {
    pub(crate) fn field<'a>(&'a self, name: &'a str) -> Path<'a> {
        Path::Field(self, name)
    }

    pub(crate) fn item(&self, index: usize) -> Path<'_> {
        Path::Item(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => f.write_str("$"),
            Path::Field(parent, name) => write!(f, "{parent}.{name}"),
            Path::Item(parent, index) => write!(f, "{parent}[{index}]"),
            Path::Printed(place) => f.write_str(place),
        }
    }
}

/// The schema of the elements of an array, or of the keys or values of a map.
///
/// # Errors
/// A data error where there is none: only unchecked schemas lack it.
pub(crate) fn part<'a>(part: &'a MaybeShared<Schema>, at: &Path<'_>) -> Result<&'a Shared<Schema>> {
    part.get().ok_or_else(|| Error::data(format!("{at}: the schema of an array or map lacks that of its parts")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_printed_from_the_root_on() {
        let (root, items) = (Path::Root, Path::Field(&Path::Root, "items"));
        assert_eq!(root.to_string(), "$");
        let third = items.item(2).to_string();
        assert_eq!(items.item(2).field("price").to_string(), "$.items[2].price");
        assert_eq!(Path::Printed(&third).field("price").to_string(), "$.items[2].price");
    }
}
