//! One line of comma-separated values. An empty cell is null, a quoted empty one is empty text.

/// Writes a line, without its end.
pub(crate) fn write(cells: &[Option<String>]) -> String {
    let cells: Vec<_> = cells.iter().map(|cell| cell.as_deref().map_or(String::new(), quoted)).collect();
    cells.join(",")
}

fn quoted(text: &str) -> String {
    if !text.is_empty() && !text.contains(['"', ',', '\r', '\n']) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Reads a line.
pub(crate) fn read(mut line: &str) -> Result<Vec<Option<String>>, String> {
    let mut cells = Vec::new();
    loop {
        let (cell, rest) = match line.strip_prefix('"') {
            Some(inside) => read_quoted(inside)?,
            None => line.find(',').map_or((line.to_owned(), ""), |end| (line[..end].to_owned(), &line[end..])),
        };
        let null = cell.is_empty() && !line.starts_with('"');
        cells.push((!null).then_some(cell));
        match rest.strip_prefix(',') {
            Some(next) => line = next,
            None if rest.is_empty() => return Ok(cells),
            None => return Err(format!("Behind the quoted value {} should be a comma", cells.len())),
        }
    }
}

/// Reads a quoted cell from behind its first quote; gives what is behind its last.
fn read_quoted(mut text: &str) -> Result<(String, &str), String> {
    let mut cell = String::new();
    loop {
        let end = text.find('"').ok_or("A quoted value has no end")?;
        cell.push_str(&text[..end]);
        match text[end + 1..].strip_prefix('"') {
            Some(rest) => text = rest,
            None => return Ok((cell, &text[end + 1..])),
        }
        cell.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_where_it_must() {
        let cells = ["plain", "a,b", "say \"hi\"", "", "two\nlines"].map(|text| Some(text.to_owned()));
        let mut cells = cells.to_vec();
        cells.push(None);
        let line = write(&cells);
        assert_eq!(line, "plain,\"a,b\",\"say \"\"hi\"\"\",\"\",\"two\nlines\",");
        assert_eq!(read(&line), Ok(cells));
    }

    #[test]
    fn says_what_is_wrong_with_a_line() {
        assert_eq!(read("a,\"b"), Err("A quoted value has no end".to_owned()));
        assert_eq!(read("a,\"b\"c"), Err("Behind the quoted value 2 should be a comma".to_owned()));
        assert_eq!(read(""), Ok(vec![None]));
    }
}
