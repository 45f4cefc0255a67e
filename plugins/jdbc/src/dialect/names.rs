//! Names of tables and columns: quoted, unquoted and put together.

use super::{Database, Dialect};

/// A table by its name and where it is; the parts are as stored, without quotes.
///
/// MySQL has catalogs (its databases) and no schemas, PostgreSQL schemas in the one catalog that is connected to,
/// SQLite schemas (`main`, `temp`, attached files).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId {
    /// The catalog; none = the one that is connected to.
    pub catalog: Option<String>,
    /// The schema; none = as the server looks for it.
    pub schema: Option<String>,
    /// The table.
    pub name: String,
}

impl TableId {
    /// A table that the server finds by its bare name.
    pub fn bare(name: &str) -> TableId {
        TableId { catalog: None, schema: None, name: name.to_owned() }
    }

    /// The parts with dots between, without quotes: the `table` of source partitions, and what patterns are held to.
    pub fn unquoted(&self) -> String {
        self.parts().collect::<Vec<_>>().join(".")
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        [&self.catalog, &self.schema].into_iter().filter_map(|part| part.as_deref()).chain([self.name.as_str()])
    }
}

impl Dialect {
    fn quote_character(&self) -> char {
        match self.database {
            Database::MySql | Database::OpenMldb => '`',
            Database::Postgres | Database::Sqlite => '"',
        }
    }

    /// A name of a column or a table in a statement. It stands in quotes in any case, so that it may be a reserved word;
    /// without `quote.sql.identifiers` as the server would take it to be without them.
    pub fn name(&self, name: &str) -> String {
        self.always_quoted(&self.stored(name))
    }

    fn always_quoted(&self, name: &str) -> String {
        let quote = self.quote_character();
        let doubled = String::from_iter([quote, quote]);
        format!("{quote}{}{quote}", name.replace(quote, &doubled))
    }

    /// A table in a statement.
    pub fn table(&self, table: &TableId) -> String {
        table.parts().map(|part| self.name(part)).collect::<Vec<_>>().join(".")
    }

    /// A table with all its parts in quotes, whatever `quote.sql.identifiers` says: what [`Dialect::parse_table`] reads
    /// back as the same.
    pub fn quoted_table(&self, table: &TableId) -> String {
        table.parts().map(|part| self.always_quoted(part)).collect::<Vec<_>>().join(".")
    }

    /// Reads `table`, `schema.table` (MySQL: `database.table`) or all three parts, each with or without quotes. Further
    /// dots belong to the last part.
    pub fn parse_table(&self, text: &str) -> TableId {
        let mut parts = self.split(text);
        let name = parts.pop().unwrap_or_default();
        let inner = parts.pop();
        match (parts.pop(), inner) {
            (None, Some(only)) if matches!(self.database, Database::MySql | Database::OpenMldb) => {
                TableId { catalog: Some(only), schema: None, name }
            }
            (catalog, schema) => TableId { catalog, schema, name },
        }
    }

    fn split(&self, text: &str) -> Vec<String> {
        let quote = self.quote_character();
        let mut parts = Vec::new();
        let mut rest = text;
        while parts.len() < 2 {
            let (part, behind) = match rest.strip_prefix(quote) {
                Some(quoted) => until_quote(quoted, quote),
                None => rest.find('.').map_or((rest.to_owned(), ""), |dot| (rest[..dot].to_owned(), &rest[dot..])),
            };
            let Some(next) = behind.strip_prefix('.') else { break };
            parts.push(part);
            rest = next;
        }
        let last = match rest.strip_prefix(quote) {
            Some(quoted) => until_quote(quoted, quote).0,
            None => rest.to_owned(),
        };
        parts.push(last);
        parts
    }

    /// How the server stores a name that stands without quotes in a statement.
    pub fn stored(&self, name: &str) -> String {
        match self.database {
            Database::Postgres if !self.quote && stands_bare(name) => name.to_lowercase(),
            _ => name.to_owned(),
        }
    }
}

/// The text up to the closing quote, doubled ones made single, and what stands behind.
fn until_quote(text: &str, quote: char) -> (String, &str) {
    let mut part = String::new();
    let mut rest = text;
    loop {
        let Some(at) = rest.find(quote) else { return (part + rest, "") };
        part.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.strip_prefix(quote) {
            Some(behind) => (part.push(quote), rest = behind).1,
            None => return (part, rest),
        }
    }
}

/// Whether every database reads it as one name without quotes (reserved words apart).
fn stands_bare(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && characters.all(|character| character.is_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use super::super::quoting;
    use super::*;

    #[test]
    fn names_cannot_leave_their_quotes() {
        assert_eq!(quoting(Database::MySql).name("a`; DROP TABLE x; -- "), "`a``; DROP TABLE x; -- `");
        assert_eq!(quoting(Database::Postgres).name("a\"b"), "\"a\"\"b\"");
        let bare = Dialect { database: Database::Postgres, quote: false };
        assert_eq!((bare.name("Plain_1"), bare.name("or 1=1")), ("\"plain_1\"".into(), "\"or 1=1\"".into()));
        assert_eq!((bare.stored("Plain_1"), bare.stored("With Blank")), ("plain_1".into(), "With Blank".into()));
    }

    #[test]
    fn tables_are_read_as_they_are_written() {
        let mysql = quoting(Database::MySql);
        let table = TableId { catalog: Some("my.db".into()), schema: None, name: "t`able".into() };
        assert_eq!(mysql.table(&table), "`my.db`.`t``able`");
        assert_eq!(mysql.parse_table(&mysql.quoted_table(&table)), table);
        assert_eq!(mysql.parse_table("mysql-main_orderinfo"), TableId::bare("mysql-main_orderinfo"));

        let postgres = quoting(Database::Postgres);
        let table = TableId { catalog: None, schema: Some("s".into()), name: "t".into() };
        assert_eq!(postgres.parse_table("s.\"t\""), table);
        assert_eq!(postgres.parse_table("c.s.t").unquoted(), "c.s.t");
        assert_eq!(postgres.parse_table("c.s.t.u").name, "t.u");
    }
}
