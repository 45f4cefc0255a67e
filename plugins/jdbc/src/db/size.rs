//! How much goes into one statement.

use super::SqlValue;

/// Bytes of the rows of one statement; a single row may have more. More of them make nothing faster, and fill memory here
/// and in the server.
pub(super) const BYTES_AT_ONCE: usize = 4 << 20;

/// How many of the first rows go into one statement: not more than `most`, nor more than so many bytes, but one at least.
pub(super) fn rows_that_fit(rows: &[Vec<SqlValue>], most: usize, bytes: usize) -> usize {
    let mut left = bytes;
    let fits = |row: &&Vec<SqlValue>| {
        let row: usize = row.iter().map(most_bytes).sum();
        let fits = row <= left;
        left = left.saturating_sub(row);
        fits
    };
    rows.iter().take(most).take_while(fits).count().max(1)
}

/// No fewer bytes than a value has on its way to the server, its length and a mark for NULL included.
pub(super) fn most_bytes(value: &SqlValue) -> usize {
    let around = 16;
    match value {
        SqlValue::Text(text) => text.len() + around,
        SqlValue::Bytes(bytes) => bytes.len() + around,
        // A digit has more than three bits.
        SqlValue::Decimal(decimal) => {
            let digits = usize::try_from(decimal.unscaled.bits() / 3).unwrap_or(usize::MAX);
            digits.saturating_add(decimal.scale.unsigned_abs() as usize + around)
        }
        _ => around,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_has_bounded_rows_and_bytes() {
        let small = vec![SqlValue::Int(1)];
        let large = vec![SqlValue::Bytes(vec![0; 100])];
        assert_eq!(rows_that_fit(&[small.clone(), small.clone(), small.clone()], 2, 1000), 2);
        assert_eq!(rows_that_fit(&[small, large.clone(), large.clone()], 9, 140), 2);
        assert_eq!(rows_that_fit(&[large.clone(), large], 9, 10), 1);
    }
}
