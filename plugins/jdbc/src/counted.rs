//! Numbers of things in messages.

use std::fmt::Display;

/// A number and the words for that many: `1 row`, `2 rows`.
pub(crate) fn counted<N: Display + PartialEq + From<u8>>(count: N, one: &str, more: &str) -> String {
    let words = if count == N::from(1) { one } else { more };
    format!("{count} {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        let rows = |count: u64| counted(count, "row is", "rows are");
        assert_eq!([0, 1, 2].map(rows), ["0 rows are", "1 row is", "2 rows are"]);
    }
}
