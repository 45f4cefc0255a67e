//! Which tables are read, and what is set for each by patterns.

use super::keys;
use crate::dialect::{Dialect, TableId};
use crate::settings::WrongKey;
use ferroconnect_plugin_sdk::Config;
use regex::Regex;

/// What Java's regular expressions have and ours do not.
const NO_LOOK: &str = "look-ahead, look-behind and back-references are not there";

/// Which tables are read.
#[derive(Debug, Clone)]
pub(super) enum TableChoice {
    /// Those of these names; none given = all.
    Named(Vec<String>),
    /// All but those of these names.
    NotNamed(Vec<String>),
    /// Those whose unquoted name matches one of the first, and none of the second.
    Matching(Vec<Regex>, Vec<Regex>),
}

impl TableChoice {
    /// Reads it; that the keys do not contradict each other has been checked.
    pub(super) fn parse(config: &Config) -> Result<TableChoice, WrongKey> {
        let names = |key| config.list(key).into_iter().map(str::to_owned).collect::<Vec<_>>();
        let patterns = |key| config.list(key).into_iter().map(|text| pattern(key, text)).collect::<Result<Vec<_>, _>>();
        let (include, exclude) = (patterns(keys::INCLUDE)?, patterns(keys::EXCLUDE)?);
        if !include.is_empty() {
            return Ok(TableChoice::Matching(include, exclude));
        }
        let not = names(keys::BLACKLIST);
        Ok(if not.is_empty() { TableChoice::Named(names(keys::WHITELIST)) } else { TableChoice::NotNamed(not) })
    }

    /// Whether this table is one of them.
    pub(super) fn takes(&self, dialect: Dialect, table: &TableId) -> bool {
        let named = |names: &[String]| names.iter().any(|name| is_name_of(dialect, name, table));
        match self {
            TableChoice::Named(names) => names.is_empty() || named(names),
            TableChoice::NotNamed(names) => !named(names),
            TableChoice::Matching(include, exclude) => {
                let name = table.unquoted();
                let any = |patterns: &[Regex]| patterns.iter().any(|pattern| pattern.is_match(&name));
                any(include) && !any(exclude)
            }
        }
    }

    /// The names that none of these tables has.
    pub(super) fn missing(&self, dialect: Dialect, tables: &[TableId]) -> Vec<String> {
        let TableChoice::Named(names) = self else { return Vec::new() };
        let there = |name: &&String| tables.iter().any(|table| is_name_of(dialect, name, table));
        names.iter().filter(|name| !there(name)).cloned().collect()
    }

    /// The catalogs that names speak of beside the one that is connected to.
    pub(super) fn catalogs(&self, dialect: Dialect) -> Vec<String> {
        let TableChoice::Named(names) = self else { return Vec::new() };
        let mut catalogs: Vec<_> = names.iter().filter_map(|name| dialect.parse_table(name).catalog).collect();
        catalogs.sort();
        catalogs.dedup();
        catalogs
    }
}

/// Whether a name as people write it is this table's. Parts that are not given match any.
fn is_name_of(dialect: Dialect, name: &str, table: &TableId) -> bool {
    if name == table.name {
        return true;
    }
    let given = dialect.parse_table(name);
    let fits = |given: &Option<String>, own: &Option<String>| given.is_none() || own.is_none() || given == own;
    given.name == table.name && fits(&given.schema, &table.schema) && fits(&given.catalog, &table.catalog)
}

/// A pattern that has to match a whole name.
fn pattern(key: &str, text: &str) -> Result<Regex, WrongKey> {
    let wrong = |error| WrongKey::new(key, format!("{text:?} is no regular expression ({NO_LOOK}): {error}"));
    Regex::new(&format!("^(?:{text})$")).map_err(wrong)
}

/// Columns that are set for tables by patterns.
#[derive(Debug, Clone)]
pub(super) struct ColumnMapping {
    key: &'static str,
    entries: Vec<(Regex, Vec<String>)>,
}

impl ColumnMapping {
    /// Reads entries `pattern:column` or `pattern:[column|column]`; none = no mapping.
    pub(super) fn parse(config: &Config, key: &'static str) -> Result<Option<ColumnMapping>, WrongKey> {
        let entries: Vec<_> =
            config.list(key).into_iter().map(|entry| mapping_entry(key, entry)).collect::<Result<_, _>>()?;
        Ok((!entries.is_empty()).then_some(ColumnMapping { key, entries }))
    }

    /// The columns of a table, which exactly one entry must match.
    pub(super) fn columns_of(&self, table: &TableId) -> Result<&[String], WrongKey> {
        let name = table.unquoted();
        let mut matching = self.entries.iter().filter(|(pattern, _)| pattern.is_match(&name));
        match (matching.next(), matching.next()) {
            (Some((_, columns)), None) => Ok(columns),
            (None, _) => Err(WrongKey::new(self.key, format!("No entry matches the table {name}; exactly one must"))),
            (Some(_), Some(_)) => {
                Err(WrongKey::new(self.key, format!("Several entries match the table {name}; exactly one must")))
            }
        }
    }
}

fn mapping_entry(key: &str, entry: &str) -> Result<(Regex, Vec<String>), WrongKey> {
    let wrong =
        || WrongKey::new(key, format!("{entry:?} is not of the form pattern:column or pattern:[column|column]"));
    let (regex, columns) = entry.rsplit_once(':').ok_or_else(wrong)?;
    let columns = columns.trim();
    let columns = match columns.strip_prefix('[') {
        Some(list) => list.strip_suffix(']').ok_or_else(wrong)?,
        None => columns,
    };
    let columns: Vec<String> = columns.split('|').map(|column| column.trim().to_owned()).collect();
    if columns.iter().any(String::is_empty) {
        return Err(wrong());
    }
    if key == keys::INCREMENTING_MAPPING && columns.len() > 1 {
        return Err(WrongKey::new(
            key,
            format!("{entry:?} names several columns; only one can be the incrementing one"),
        ));
    }
    Ok((pattern(key, regex.trim())?, columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Database;

    const MYSQL: Dialect = Dialect { database: Database::MySql, quote: true };

    fn table(catalog: &str, name: &str) -> TableId {
        TableId { catalog: Some(catalog.to_owned()), schema: None, name: name.to_owned() }
    }

    fn taken(config: &[(&str, &str)]) -> Vec<String> {
        let mut all = Config::default();
        for (key, value) in config {
            all.set(key, value);
        }
        let choice = TableChoice::parse(&all).unwrap();
        let tables = [table("shop", "orders"), table("shop", "Orders"), table("old", "orders"), table("shop", "a.b")];
        tables.iter().filter(|table| choice.takes(MYSQL, table)).map(TableId::unquoted).collect()
    }

    #[test]
    fn names_stand_alone_or_qualified_with_or_without_quotes() {
        let all = ["shop.orders", "shop.Orders", "old.orders", "shop.a.b"];
        assert_eq!(taken(&[]), all);
        assert_eq!(taken(&[(keys::WHITELIST, "orders")]), ["shop.orders", "old.orders"]);
        assert_eq!(taken(&[(keys::WHITELIST, "shop.orders")]), ["shop.orders"]);
        assert_eq!(taken(&[(keys::WHITELIST, "`shop`.`Orders`, a.b")]), ["shop.Orders", "shop.a.b"]);
        assert_eq!(taken(&[(keys::BLACKLIST, "old.orders,a.b")]), ["shop.orders", "shop.Orders"]);
    }

    #[test]
    fn patterns_match_whole_names_in_their_case() {
        assert_eq!(taken(&[(keys::INCLUDE, "shop\\..*"), (keys::EXCLUDE, ".*O.*")]), ["shop.orders", "shop.a.b"]);
        assert_eq!(taken(&[(keys::INCLUDE, "orders|old\\..*")]), ["old.orders"]);
    }

    #[test]
    fn each_table_has_one_entry_of_a_mapping() {
        let mapping = |key, text: &str| {
            let mut config = Config::default();
            config.set(key, text);
            ColumnMapping::parse(&config, key)
        };
        let times = mapping(keys::TIMESTAMP_MAPPING, "shop\\..*:[changed|made], old.*:at, .*b:x").unwrap().unwrap();
        assert_eq!(times.columns_of(&table("shop", "orders")).unwrap(), ["changed", "made"]);
        assert_eq!(times.columns_of(&table("old", "orders")).unwrap(), ["at"]);
        assert!(times.columns_of(&table("shop", "a.b")).unwrap_err().why.contains("Several entries"));
        assert!(times.columns_of(&table("new", "t")).unwrap_err().why.contains("No entry"));
        assert!(mapping(keys::TIMESTAMP_MAPPING, "").unwrap().is_none());
        for wrong in ["t", "t:", "t:[a|b", "(:a"] {
            assert_eq!(mapping(keys::TIMESTAMP_MAPPING, wrong).unwrap_err().key, keys::TIMESTAMP_MAPPING, "{wrong}");
        }
        assert!(mapping(keys::INCREMENTING_MAPPING, "t:[a|b]").is_err());
    }
}
