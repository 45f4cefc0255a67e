//! What commands write to standard output: text, tables.

use std::io::{self, Write as _};

/// Writes a text. The error of a reader that has gone, such as `head`, is [`io::ErrorKind::BrokenPipe`].
///
/// # Errors
/// Standard output cannot be written to.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Columns as wide as their widest text, two blanks between. A cell is one line: control characters are shown as
/// escapes, so that a name cannot steer the terminal.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = rows.iter().map(|row| std::array::from_fn(|column| printable(&row[column]))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut out = String::new();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// The text with control characters as escapes.
pub(super) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up() {
        let rows = [["A".to_owned(), "B".to_owned()], ["long".to_owned(), String::new()], ["é".into(), "x".into()]];
        assert_eq!(table(&rows), "A     B\nlong\né     x\n");
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        let rows = [["a\u{1b}[2Jb\n".to_owned(), "x".to_owned()]];
        assert_eq!(table(&rows), "a\\u{1b}[2Jb\\n  x\n");
    }
}
