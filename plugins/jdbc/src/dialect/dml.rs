//! Statements that change rows.

use super::{Database, Dialect, TableId};

/// A statement that is run for each of many rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dml {
    dialect: Dialect,
    parameters: Vec<String>,
    shape: Shape,
    by_copy: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    /// One row in each statement.
    One(String),
    /// `INSERT INTO target VALUES (?, ?), (?, ?) tail`, where the target is a table with its columns.
    Many { target: String, tail: String },
}

impl Dml {
    /// One that takes no COPY.
    fn new(dialect: Dialect, parameters: Vec<String>, shape: Shape) -> Dml {
        Dml { dialect, parameters, shape, by_copy: false }
    }

    /// The columns whose values a row has, in their order.
    pub fn parameters(&self) -> &[String] {
        &self.parameters
    }

    /// How many rows one statement can take.
    pub fn most_rows(&self) -> usize {
        match self.shape {
            Shape::One(_) => 1,
            Shape::Many { .. } => (self.dialect.most_parameters() / self.parameters.len().max(1)).max(1),
        }
    }

    /// The text for so many rows, at most [`Dml::most_rows`].
    pub fn sql(&self, rows: usize) -> String {
        match &self.shape {
            Shape::One(sql) => sql.clone(),
            Shape::Many { target, tail } => {
                let mut sql = format!("INSERT INTO {target} VALUES");
                for row in 0..rows {
                    sql.push_str(if row == 0 { " (" } else { ", (" });
                    for column in 0..self.parameters.len() {
                        if column > 0 {
                            sql.push_str(", ");
                        }
                        self.dialect.push_placeholder(row * self.parameters.len() + column + 1, &mut sql);
                    }
                    sql.push(')');
                }
                sql + tail
            }
        }
    }

    /// Lets a connection take COPY for many rows, where that does the same to the table.
    #[must_use]
    pub fn with_copy(self, by_copy: bool) -> Dml {
        Dml { by_copy, ..self }
    }

    /// COPY of text to the same columns; none where it was not asked for or would not do the same.
    pub(crate) fn copy(&self) -> Option<String> {
        match &self.shape {
            Shape::Many { target, tail } if self.by_copy && tail.is_empty() => {
                Some(format!("COPY {target} FROM STDIN"))
            }
            _ => None,
        }
    }

    /// The same for any number of rows, with one array of values for each column (PostgreSQL). None where it takes one
    /// row at a time.
    pub(crate) fn of_arrays(&self) -> Option<String> {
        let Shape::Many { target, tail } = &self.shape else { return None };
        let places: Vec<String> = (1..=self.parameters.len()).map(|place| self.dialect.placeholder(place)).collect();
        Some(format!("INSERT INTO {target} SELECT * FROM unnest({}){tail}", places.join(", ")))
    }
}

impl Dialect {
    /// `INSERT`, the keys first.
    pub fn insert(&self, table: &TableId, keys: &[&str], others: &[&str]) -> Dml {
        self.rows(table, keys, others, String::new())
    }

    /// Insert, or update the row with the same key. A row of nothing but keys is left as it is. `keys` is not empty:
    /// without a key nothing could be told apart, and MySQL would insert each row anew. None where the database cannot.
    pub fn upsert(&self, table: &TableId, keys: &[&str], others: &[&str]) -> Option<Dml> {
        debug_assert!(!keys.is_empty(), "an upsert has keys");
        let tail = match self.database {
            Database::MySql => {
                let set = |column: &&str| format!("{0}=values({0})", self.name(column));
                let columns = if others.is_empty() { keys } else { others };
                format!(" on duplicate key update {}", columns.iter().map(set).collect::<Vec<_>>().join(", "))
            }
            Database::Postgres | Database::Sqlite => {
                let set = |column: &&str| format!("{0}=EXCLUDED.{0}", self.name(column));
                let action = match others {
                    [] => "DO NOTHING".to_owned(),
                    _ => format!("DO UPDATE SET {}", others.iter().map(set).collect::<Vec<_>>().join(", ")),
                };
                format!(" ON CONFLICT ({}) {action}", self.list(keys))
            }
            Database::OpenMldb => return None,
        };
        Some(self.rows(table, keys, others, tail))
    }

    /// `UPDATE` of the row with the key; without keys of all rows. The values of `others` come first.
    pub fn update(&self, table: &TableId, keys: &[&str], others: &[&str]) -> Dml {
        let set = self.each_equal(others, 0).join(", ");
        let sql = format!("UPDATE {} SET {set}{}", self.table(table), self.where_keys(keys, others.len()));
        let parameters = others.iter().chain(keys).map(|&column| column.to_owned()).collect();
        Dml::new(*self, parameters, Shape::One(sql))
    }

    /// `DELETE` of the row with the key. `keys` is not empty.
    pub fn delete(&self, table: &TableId, keys: &[&str]) -> Dml {
        debug_assert!(!keys.is_empty(), "a delete has keys");
        let sql = format!("DELETE FROM {}{}", self.table(table), self.where_keys(keys, 0));
        let parameters = keys.iter().map(|&column| column.to_owned()).collect();
        Dml::new(*self, parameters, Shape::One(sql))
    }

    fn rows(&self, table: &TableId, keys: &[&str], others: &[&str], tail: String) -> Dml {
        let columns: Vec<&str> = keys.iter().chain(others).copied().collect();
        let target = format!("{} ({})", self.table(table), self.list(&columns));
        let parameters = columns.iter().map(|&column| column.to_owned()).collect();
        Dml::new(*self, parameters, Shape::Many { target, tail })
    }

    fn where_keys(&self, keys: &[&str], offset: usize) -> String {
        match keys {
            [] => String::new(),
            _ => format!(" WHERE {}", self.each_equal(keys, offset).join(" AND ")),
        }
    }

    fn each_equal(&self, columns: &[&str], offset: usize) -> Vec<String> {
        let equal = |(index, column): (usize, &&str)| {
            format!("{} = {}", self.name(column), self.placeholder(offset + index + 1))
        };
        columns.iter().enumerate().map(equal).collect()
    }

    pub(super) fn list(&self, columns: &[&str]) -> String {
        columns.iter().map(|column| self.name(column)).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::quoting;
    use super::*;

    #[test]
    fn shapes_of_postgresql() {
        let dialect = quoting(Database::Postgres);
        let table = TableId::bare("t");
        let upsert = dialect.upsert(&table, &["id"], &["a", "b"]).unwrap();
        let sql = "INSERT INTO \"t\" (\"id\", \"a\", \"b\") VALUES ($1, $2, $3), ($4, $5, $6) \
                   ON CONFLICT (\"id\") DO UPDATE SET \"a\"=EXCLUDED.\"a\", \"b\"=EXCLUDED.\"b\"";
        assert_eq!(upsert.sql(2), sql);
        assert!(dialect.upsert(&table, &["id"], &[]).unwrap().sql(1).ends_with("ON CONFLICT (\"id\") DO NOTHING"));
        let update = dialect.update(&table, &["id"], &["a"]);
        assert_eq!(
            (update.sql(1).as_str(), update.parameters()),
            ("UPDATE \"t\" SET \"a\" = $1 WHERE \"id\" = $2", ["a".to_owned(), "id".to_owned()].as_slice())
        );
        assert_eq!(update.most_rows(), 1);
    }

    #[test]
    fn many_rows_of_postgresql() {
        let dialect = quoting(Database::Postgres);
        let table = TableId::bare("t");
        let insert = dialect.insert(&table, &["id"], &["a\"b"]);
        assert_eq!(insert.copy(), None);
        assert_eq!(insert.with_copy(true).copy().unwrap(), "COPY \"t\" (\"id\", \"a\"\"b\") FROM STDIN");
        let upsert = dialect.upsert(&table, &["id"], &["a"]).unwrap().with_copy(true);
        // COPY knows no ON CONFLICT.
        assert_eq!(upsert.copy(), None);
        let sql = "INSERT INTO \"t\" (\"id\", \"a\") SELECT * FROM unnest($1, $2) \
                   ON CONFLICT (\"id\") DO UPDATE SET \"a\"=EXCLUDED.\"a\"";
        assert_eq!(upsert.of_arrays().unwrap(), sql);
        let update = dialect.update(&table, &["id"], &["a"]).with_copy(true);
        assert_eq!((update.copy(), update.of_arrays()), (None, None));
    }

    #[test]
    fn shapes_of_mysql() {
        let dialect = quoting(Database::MySql);
        let table = TableId::bare("t");
        let upsert = dialect.upsert(&table, &["id"], &["a"]).unwrap().sql(1);
        assert_eq!(upsert, "INSERT INTO `t` (`id`, `a`) VALUES (?, ?) on duplicate key update `a`=values(`a`)");
        assert_eq!(dialect.delete(&table, &["a", "b"]).sql(1), "DELETE FROM `t` WHERE `a` = ? AND `b` = ?");
        assert_eq!(dialect.insert(&table, &[], &["a", "b"]).most_rows(), 32_767);
    }
}
