//! The flat string map that every configuration is, before anyone knows what its keys mean.

use std::fmt;

use indexmap::IndexMap;

/// A configuration as text: keys in the order they were given, each with a value or with `null`
/// (which JSON can say and `.properties` cannot).
///
/// `Debug` shows the keys only, because some of the values may be secrets. Two maps are equal if
/// they hold the same entries, in whatever order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Props(IndexMap<String, Option<String>>);

impl Props {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a key; `None` if the key is absent or null.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_deref()
    }

    /// The entry of a key: `None` if absent, `Some(None)` if null.
    pub fn entry(&self, key: &str) -> Option<Option<&str>> {
        self.0.get(key).map(Option::as_deref)
    }

    /// True if the key is there, even with a null value.
    pub fn contains_key(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Sets a value. A key that was there keeps its place.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.insert(key.into(), Some(value.into()));
    }

    /// Sets a value that may be null. A key that was there keeps its place.
    pub fn set_nullable(&mut self, key: impl Into<String>, value: Option<String>) {
        self.0.insert(key.into(), value);
    }

    /// Sets a value unless the key has one; null is none.
    pub fn set_default(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.entry(key.into()).or_default().get_or_insert_with(|| value.into());
    }

    /// As [`set`](Self::set), for building maps in one expression.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.set(key, value);
        self
    }

    /// Removes a key and gives back its value; the order of the others stays.
    pub fn remove(&mut self, key: &str) -> Option<Option<String>> {
        self.0.shift_remove(key)
    }

    /// Keeps the entries for which the function says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, Option<&str>) -> bool) {
        self.0.retain(|key, value| keep(key, value.as_deref()));
    }

    /// All entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_deref()))
    }

    /// All keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries whose keys begin with `prefix`, with the prefix cut off.
    pub fn with_prefix(&self, prefix: &str) -> Props {
        self.0.iter().filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value.clone()))).collect()
    }

    /// Takes over every entry of another map; its values win.
    pub fn merge(&mut self, other: &Props) {
        for (key, value) in &other.0 {
            self.0.insert(key.clone(), value.clone());
        }
    }

    /// The map as Java prints one, `{a=1, b=null}`. For messages about a request that are sent
    /// back to whoever made it, never for a log: values are shown.
    pub fn to_java_text(&self) -> String {
        let entries: Vec<String> =
            self.iter().map(|(key, value)| format!("{key}={}", value.unwrap_or("null"))).collect();
        format!("{{{}}}", entries.join(", "))
    }
}

impl fmt::Debug for Props {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Props ")?;
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl FromIterator<(String, Option<String>)> for Props {
    fn from_iter<I: IntoIterator<Item = (String, Option<String>)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl FromIterator<(String, String)> for Props {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(entries: I) -> Self {
        entries.into_iter().map(|(key, value)| (key, Some(value))).collect()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Props {
    fn from(entries: [(&str, &str); N]) -> Self {
        entries.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }
}

impl IntoIterator for Props {
    type Item = (String, Option<String>);
    type IntoIter = indexmap::map::IntoIter<String, Option<String>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order_and_hides_values() {
        let mut props = Props::from([("b", "1"), ("a", "s3cret")]);
        props.set("b", "2");
        props.set_nullable("c", None);
        assert_eq!(props.keys().collect::<Vec<_>>(), ["b", "a", "c"]);
        assert_eq!(props.to_java_text(), "{b=2, a=s3cret, c=null}");
        assert_eq!(format!("{props:?}"), r#"Props {"b", "a", "c"}"#);
        assert_eq!(props.get("c"), None);
        assert_eq!(props.entry("c"), Some(None));
    }

    #[test]
    fn prefixes_are_cut_off() {
        let props = Props::from([("producer.acks", "all"), ("producer", "x"), ("consumer.a", "1")]);
        assert_eq!(props.with_prefix("producer."), Props::from([("acks", "all")]));
    }
}
