//! The order in which Java's hash tables give names (as of Java 17). It decides which of several fields of a record an
//! error tells of, and in which order REST answers list keys; clients compare and print both.

/// The number of buckets of a table that grew to hold so many names (Java: `HashMap.put`).
pub(crate) fn grown(names: usize) -> usize {
    (names * 4).div_ceil(3).next_power_of_two().max(16)
}

/// The number of buckets of a set made of a list of so many names (Java: `new HashSet<>(list)`).
pub(crate) fn made_of(names: usize) -> usize {
    (names * 4 / 3 + 1).next_power_of_two().max(16)
}

/// Sorts as a table with so many buckets gives its entries; those in one bucket stay in their order.
pub(crate) fn sort<T>(entries: &mut [T], buckets: usize, name: impl Fn(&T) -> &str) {
    entries.sort_by_key(|entry| bucket(name(entry), buckets));
}

fn bucket(name: &str, buckets: usize) -> usize {
    let hash = name.encode_utf16().fold(0_u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
    (hash ^ (hash >> 16)) as usize & (buckets - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_in_the_order_of_their_buckets() {
        // Both orders are those of Java 17.
        let mut names = ["nil", "gone", "dec", "bi", "dt"];
        sort(&mut names, made_of(5), |name| name);
        assert_eq!(names, ["nil", "dt", "dec", "bi", "gone"]);
        let mut names: Vec<String> = (1..=14).map(|n| format!("f{n}")).collect();
        sort(&mut names, grown(14), |name| name);
        assert_eq!(names[..6], ["f10", "f12", "f11", "f14", "f13", "f1"]);
    }

    #[test]
    fn tables_grow_beyond_three_quarters() {
        assert_eq!([0, 12, 13, 24, 25].map(grown), [16, 16, 32, 32, 64]);
        assert_eq!([0, 11, 12, 23, 24].map(made_of), [16, 16, 32, 32, 64]);
    }
}
