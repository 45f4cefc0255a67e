//! Definitions and validation results in the form REST shows: plain text, no rules.

use indexmap::{IndexMap, IndexSet};

use crate::error::ConnectError;
use crate::java_hash;

/// A key of a definition. Fields are in the order of the JSON object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigKeyInfo {
    /// The key.
    pub name: String,
    /// Its type (`type` in JSON), for example `STRING`.
    pub ty: String,
    /// Whether it must be set.
    pub required: bool,
    /// Its default as text.
    pub default_value: Option<String>,
    /// `HIGH`, `MEDIUM` or `LOW`.
    pub importance: String,
    /// What it does.
    pub documentation: String,
    /// The group it is shown in.
    pub group: Option<String>,
    /// Its place in the group; -1 for none.
    pub order_in_group: i32,
    /// `NONE`, `SHORT`, `MEDIUM` or `LONG`.
    pub width: String,
    /// Its name for people.
    pub display_name: String,
    /// Keys that depend on it.
    pub dependents: Vec<String>,
}

/// A value and what is wrong with it. Fields are in the order of the JSON object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigValueInfo {
    /// The key.
    pub name: String,
    /// The value as text; passwords are hidden.
    pub value: Option<String>,
    /// Values to choose from.
    pub recommended_values: Vec<String>,
    /// What is wrong, one message each.
    pub errors: Vec<String>,
    /// Whether the key matters, given the other values.
    pub visible: bool,
}

impl ConfigValueInfo {
    /// A value without errors.
    pub fn new(name: impl Into<String>, value: Option<String>) -> Self {
        Self { name: name.into(), value, recommended_values: Vec::new(), errors: Vec::new(), visible: true }
    }
}

/// One entry of a validation answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigInfo {
    /// The key's definition; `None` if nobody defines it.
    pub definition: Option<ConfigKeyInfo>,
    /// The value; `None` if the plugin's validation left it out.
    pub value: Option<ConfigValueInfo>,
}

/// The answer to a validation request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigInfos {
    /// The connector class as the request named it.
    pub name: String,
    /// The number of errors, by Kafka's way of counting.
    pub error_count: usize,
    /// The groups of all keys.
    pub groups: Vec<String>,
    /// Keys and values, in the order in which they are shown.
    pub configs: Vec<ConfigInfo>,
    /// Sentences for the log about keys that are probably mistaken; REST does not show them.
    pub hints: Vec<String>,
}

impl ConfigInfos {
    /// Puts definitions and values together: values nobody defines first, then one entry per
    /// key. Later definitions and values of the same name win; each message counts.
    pub fn assemble(
        name: &str,
        keys: impl IntoIterator<Item = ConfigKeyInfo>,
        values: impl IntoIterator<Item = ConfigValueInfo>,
        groups: impl IntoIterator<Item = String>,
    ) -> Self {
        let keys: IndexMap<String, ConfigKeyInfo> = keys.into_iter().map(|key| (key.name.clone(), key)).collect();
        let mut configs = Vec::with_capacity(keys.len());
        let mut defined: IndexMap<String, ConfigValueInfo> = IndexMap::new();
        for value in values {
            if keys.contains_key(&value.name) {
                defined.insert(value.name.clone(), value);
            } else {
                configs.push(ConfigInfo { definition: None, value: Some(value) });
            }
        }
        configs.extend(
            keys.into_iter().map(|(name, key)| ConfigInfo { definition: Some(key), value: defined.swap_remove(&name) }),
        );
        let error_count =
            configs.iter().filter_map(|config| config.value.as_ref()).map(|value| value.errors.len()).sum();
        let groups: IndexSet<String> = groups.into_iter().collect();
        Self { name: name.to_owned(), error_count, groups: groups.into_iter().collect(), configs, hints: Vec::new() }
    }

    /// The answer for a part of the configuration that has its own definition under a prefix
    /// (a converter, client overrides): one entry per value, and a key counts as one error
    /// however many messages it has.
    pub fn prefixed(prefix: &str, keys: &[ConfigKeyInfo], mut values: Vec<ConfigValueInfo>) -> Self {
        let mut infos =
            Self { name: String::new(), error_count: 0, groups: Vec::new(), configs: Vec::new(), hints: Vec::new() };
        // The order in which Kafka Connect shows these entries and their groups is that of a hash table.
        let buckets = java_hash::grown(values.len());
        java_hash::sort(&mut values, buckets, |value| &value.name);
        for mut value in values {
            let definition = keys.iter().find(|key| key.name == value.name).map(|key| {
                let mut key = key.clone();
                key.name.insert_str(0, prefix);
                key
            });
            if let Some(group) = definition.as_ref().and_then(|key| key.group.clone())
                && !infos.groups.contains(&group)
            {
                infos.groups.push(group);
            }
            value.name.insert_str(0, prefix);
            value.visible = true;
            infos.error_count += usize::from(!value.errors.is_empty());
            infos.configs.push(ConfigInfo { definition, value: Some(value) });
        }
        let buckets = java_hash::grown(infos.groups.len());
        java_hash::sort(&mut infos.groups, buckets, |group| group);
        infos
    }

    /// Appends the entries of another answer.
    pub fn append(&mut self, other: ConfigInfos) {
        self.error_count += other.error_count;
        for group in other.groups {
            if !self.groups.contains(&group) {
                self.groups.push(group);
            }
        }
        self.configs.extend(other.configs);
    }

    /// All messages in the order in which they are shown.
    pub fn errors(&self) -> impl Iterator<Item = &str> {
        self.configs
            .iter()
            .filter_map(|config| config.value.as_ref())
            .flat_map(|value| value.errors.iter().map(String::as_str))
    }

    /// The error with which creating a connector is refused (HTTP 400); `None` if all is well.
    pub fn refusal(&self) -> Option<ConnectError> {
        if self.error_count == 0 {
            return None;
        }
        let mut text =
            format!("Connector configuration is invalid and contains the following {} error(s):", self.error_count);
        for error in self.errors() {
            text.push('\n');
            text.push_str(error);
        }
        text.push_str(
            "\nYou can also find the above list of errors at the endpoint \
             `/connector-plugins/{connectorType}/config/validate`",
        );
        Some(ConnectError::bad_request(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::def::{ConfigDef, ConfigKey, Importance};
    use crate::config::value::Type;

    fn value(name: &str, errors: &[&str]) -> ConfigValueInfo {
        let mut info = ConfigValueInfo::new(name, Some("v".into()));
        info.errors = errors.iter().map(|&text| text.to_owned()).collect();
        info
    }

    fn keys(names: &[&str]) -> Vec<ConfigKeyInfo> {
        let mut def = ConfigDef::new();
        for name in names {
            def.replace(ConfigKey::nullable(name, Type::String, Importance::Low, ""));
        }
        def.infos()
    }

    #[test]
    fn unknown_keys_come_first_and_every_message_counts() {
        let infos = ConfigInfos::assemble(
            "X",
            keys(&["a", "b"]),
            [value("b", &["e1", "e2"]), value("z", &["e3"]), value("a", &[])],
            ["G".to_owned(), "H".to_owned(), "G".to_owned()],
        );
        let names: Vec<_> = infos.configs.iter().filter_map(|c| c.value.as_ref()).map(|v| &v.name).collect();
        assert_eq!(names, ["z", "a", "b"]);
        assert_eq!((infos.error_count, infos.groups.len()), (3, 2));
        let refusal = infos.refusal().expect("has errors");
        assert_eq!(
            refusal.message(),
            "Connector configuration is invalid and contains the following 3 error(s):\ne3\ne1\ne2\nYou can also \
             find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`"
        );
    }

    #[test]
    fn prefixed_parts_count_one_error_per_key() {
        let mut all = ConfigInfos::assemble("X", keys(&["a"]), [value("a", &["e"])], []);
        all.append(ConfigInfos::prefixed("value.converter.", &keys(&["s"]), vec![value("s", &["e1", "e2"])]));
        assert_eq!(all.error_count, 2);
        let last = all.configs.last().expect("appended");
        assert_eq!(last.definition.as_ref().expect("defined").name, "value.converter.s");
        assert_eq!(last.value.as_ref().expect("has a value").name, "value.converter.s");
    }

    #[test]
    fn no_errors_no_refusal() {
        assert_eq!(ConfigInfos::assemble("X", keys(&["a"]), [], []).refusal().map(|e| e.to_string()), None);
    }
}
