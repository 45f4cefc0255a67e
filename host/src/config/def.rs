//! What a configuration may hold: the keys with their types, defaults, rules and descriptions.
//!
//! A [`ConfigDef`] is Kafka's `ConfigDef`. It is built by the host for its own keys and from what
//! a plugin says about its keys. Checking a configuration against it is in `validate`.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use super::catalog::PluginKind;
use super::infos::ConfigKeyInfo;
use super::validate::Values;
use super::validators::Validator;
use super::value::{Type, Value};
use crate::error::{ConnectError, Result};

/// How much a key matters to most users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Importance {
    /// Nearly everyone sets it.
    High,
    /// Worth knowing.
    Medium,
    /// For special cases.
    Low,
}

impl Importance {
    /// The name REST shows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
            Self::Low => "LOW",
        }
    }
}

/// How wide an input field for a key should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// No opinion.
    None,
    /// For numbers and words.
    Short,
    /// For names.
    Medium,
    /// For lists and long texts.
    Long,
}

impl Width {
    /// The name REST shows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Short => "SHORT",
            Self::Medium => "MEDIUM",
            Self::Long => "LONG",
        }
    }
}

/// What a key has when it is not set.
#[derive(Debug, Clone, PartialEq)]
pub enum Default {
    /// Nothing: the key must be set.
    Required,
    /// This value; `None` is null.
    Value(Option<Value>),
}

/// The values a user might want for a key, as text, and whether the key matters at all given the
/// rest of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recommendation {
    /// Values to choose from.
    pub values: Vec<String>,
    /// Whether the key should be shown.
    pub visible: bool,
}

/// Recommends values for a key, given its name and the whole configuration after parsing.
/// The error is a message that is added to the key.
pub type Recommender = Arc<dyn Fn(&str, &Values) -> Result<Recommendation, String> + Send + Sync>;

/// One key of a definition. Made by [`required`](Self::required), [`nullable`](Self::nullable) or
/// [`defaulting`](Self::defaulting), refined by the methods that follow them.
#[derive(Clone)]
pub struct ConfigKey {
    /// The key itself.
    pub name: String,
    /// The type of its value.
    pub ty: Type,
    /// What it has when not set.
    pub default: Default,
    /// The rule its value must obey.
    pub validator: Option<Validator>,
    /// How much it matters.
    pub importance: Importance,
    /// What it does, for users.
    pub documentation: String,
    /// The group it is shown in.
    pub group: Option<String>,
    /// Its place in the group; -1 for none.
    pub order_in_group: i32,
    /// The width of its input field.
    pub width: Width,
    /// Its name for people.
    pub display_name: String,
    /// Keys that only matter depending on this one.
    pub dependents: Vec<String>,
    /// Recommends values.
    pub recommender: Option<Recommender>,
    /// For keys of type class: the kind of plugin the class must be.
    pub class_kind: Option<PluginKind>,
    /// The name to use in messages of the validator, where it differs: keys of an embedded
    /// definition are checked under their own, unprefixed name.
    pub(super) checked_as: Option<String>,
    /// Left out of listings of the definition; part of a validation only if the configuration
    /// sets the key.
    pub(super) is_unlisted: bool,
}

impl ConfigKey {
    fn new(name: &str, ty: Type, default: Default, importance: Importance, doc: &str) -> Self {
        Self {
            name: name.to_owned(),
            ty,
            default,
            validator: None,
            importance,
            documentation: doc.to_owned(),
            group: None,
            order_in_group: -1,
            width: Width::None,
            display_name: name.to_owned(),
            dependents: Vec::new(),
            recommender: None,
            class_kind: None,
            checked_as: None,
            is_unlisted: false,
        }
    }

    /// A key that must be set.
    pub fn required(name: &str, ty: Type, importance: Importance, doc: &str) -> Self {
        Self::new(name, ty, Default::Required, importance, doc)
    }

    /// A key that is null when not set.
    pub fn nullable(name: &str, ty: Type, importance: Importance, doc: &str) -> Self {
        Self::new(name, ty, Default::Value(None), importance, doc)
    }

    /// A key with a default, given as text.
    ///
    /// # Errors
    /// The default is not of the key's type.
    pub fn with_default(name: &str, ty: Type, default: &str, importance: Importance, doc: &str) -> Result<Self> {
        let value = Value::parse(default, ty).map_err(|reason| ConnectError::invalid_value(name, default, reason))?;
        Ok(Self::new(name, ty, Default::Value(Some(value)), importance, doc))
    }

    /// As [`with_default`](Self::with_default), for keys of the host itself, whose defaults a
    /// test has read.
    ///
    /// # Panics
    /// The default is not of the key's type.
    pub fn defaulting(name: &str, ty: Type, default: &str, importance: Importance, doc: &str) -> Self {
        Self::with_default(name, ty, default, importance, doc).expect("defaults of built-in keys are of the key's type")
    }

    /// Adds a rule.
    #[must_use]
    pub fn check(mut self, validator: Validator) -> Self {
        self.validator = Some(validator);
        self
    }

    /// Says where and how the key is shown.
    #[must_use]
    pub fn show(mut self, group: &str, order: i32, width: Width, display_name: &str) -> Self {
        self.group = Some(group.to_owned());
        self.order_in_group = order;
        self.width = width;
        self.display_name = display_name.to_owned();
        self
    }

    /// Names the keys that depend on this one.
    #[must_use]
    pub fn dependents(mut self, dependents: &[&str]) -> Self {
        self.dependents = dependents.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// Leaves the key out of listings unless a configuration sets it: for keys of ours in stages
    /// that Kafka Connect has too, whose clients see the keys they know.
    #[must_use]
    pub fn unlisted(mut self) -> Self {
        self.is_unlisted = true;
        self
    }

    /// Adds recommended values.
    #[must_use]
    pub fn recommend(
        mut self,
        recommender: impl Fn(&str, &Values) -> Result<Recommendation, String> + Send + Sync + 'static,
    ) -> Self {
        self.recommender = Some(Arc::new(recommender));
        self
    }

    /// Says which kind of plugin a class must be.
    #[must_use]
    pub fn class_of(mut self, kind: PluginKind) -> Self {
        self.class_kind = Some(kind);
        self
    }

    /// True if the key must be set.
    pub fn is_required(&self) -> bool {
        self.default == Default::Required
    }

    /// The default as text; `None` if there is none or it is null.
    pub fn default_text(&self) -> Option<String> {
        match &self.default {
            Default::Value(Some(value)) => Some(value.to_text()),
            _ => None,
        }
    }

    /// The name that messages of the validator use.
    pub(super) fn checked_name(&self) -> &str {
        self.checked_as.as_deref().unwrap_or(&self.name)
    }

    /// The key as REST shows it.
    pub fn info(&self) -> ConfigKeyInfo {
        ConfigKeyInfo {
            name: self.name.clone(),
            ty: self.ty.as_str().to_owned(),
            required: self.is_required(),
            default_value: self.default_text(),
            importance: self.importance.as_str().to_owned(),
            documentation: self.documentation.clone(),
            group: self.group.clone(),
            order_in_group: self.order_in_group,
            width: self.width.as_str().to_owned(),
            display_name: self.display_name.clone(),
            dependents: self.dependents.clone(),
        }
    }

    /// The key as part of another definition, all of whose names begin with `prefix`.
    fn embedded(&self, prefix: &str, group: &str, order: i32) -> Self {
        let mut key = self.clone();
        key.checked_as = Some(self.checked_name().to_owned());
        key.is_unlisted = false;
        key.name = format!("{prefix}{}", self.name);
        key.group = Some(match &self.group {
            Some(own) => format!("{group}: {own}"),
            None => group.to_owned(),
        });
        key.order_in_group = order;
        for dependent in &mut key.dependents {
            dependent.insert_str(0, prefix);
        }
        if let Some(recommend) = self.recommender.clone() {
            let prefix = prefix.to_owned();
            key.recommender = Some(Arc::new(move |name, values| {
                recommend(name.strip_prefix(&prefix).unwrap_or(name), &values.with_prefix(&prefix))
            }));
        }
        key
    }
}

impl fmt::Debug for ConfigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?} {:?}", self.name, self.ty, self.default, self.validator)
    }
}

/// A set of keys, in the order in which they were defined.
#[derive(Debug, Clone, std::default::Default)]
pub struct ConfigDef {
    keys: IndexMap<String, ConfigKey>,
    groups: Vec<String>,
}

impl ConfigDef {
    /// A definition without keys.
    pub fn new() -> Self {
        <Self as std::default::Default>::default()
    }

    /// Adds a key.
    ///
    /// # Errors
    /// The key is defined already, or its default breaks its own rule.
    pub fn define(&mut self, key: ConfigKey) -> Result<()> {
        if self.keys.contains_key(&key.name) {
            return Err(ConnectError::config(format!("Configuration {} is defined twice.", key.name)));
        }
        if let (Some(validator), Default::Value(value)) = (&key.validator, &key.default) {
            validator.check(&key.name, value.as_ref()).map_err(ConnectError::config)?;
        }
        self.replace(key);
        Ok(())
    }

    /// Adds a key or takes the place of the one with the same name.
    pub fn replace(&mut self, key: ConfigKey) {
        if let Some(group) = &key.group
            && !self.groups.contains(group)
        {
            self.groups.push(group.clone());
        }
        self.keys.insert(key.name.clone(), key);
    }

    /// As [`define`](Self::define), for definitions of the host itself.
    ///
    /// # Panics
    /// The key is defined already, or its default breaks its own rule.
    #[must_use]
    pub fn key(mut self, key: ConfigKey) -> Self {
        self.define(key).expect("built-in definitions are consistent");
        self
    }

    /// Adds all keys of another definition under a prefix, in one group, as Kafka does for
    /// transforms and topic creation groups.
    ///
    /// # Errors
    /// One of the keys is defined already.
    pub fn embed(&mut self, prefix: &str, group: &str, first_order: i32, child: &ConfigDef) -> Result<()> {
        for (order, key) in (first_order..).zip(child.sorted()) {
            self.define(key.embedded(prefix, group, order))?;
        }
        Ok(())
    }

    /// The key of this name.
    pub fn get(&self, name: &str) -> Option<&ConfigKey> {
        self.keys.get(name)
    }

    /// All keys in the order of their definition.
    pub fn keys(&self) -> impl Iterator<Item = &ConfigKey> {
        self.keys.values()
    }

    /// All names in the order of their definition.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// All groups in the order in which they first appear.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// All keys as REST shows them, without the unlisted ones.
    pub fn infos(&self) -> Vec<ConfigKeyInfo> {
        self.keys().filter(|key| !key.is_unlisted).map(ConfigKey::info).collect()
    }

    /// Keys without group first, then by group, place in the group, required ones first,
    /// importance and name.
    fn sorted(&self) -> Vec<&ConfigKey> {
        let places: HashMap<&str, usize> =
            self.groups.iter().enumerate().map(|(place, group)| (group.as_str(), place)).collect();
        let place = |key: &ConfigKey| key.group.as_deref().map(|group| places[group]);
        let mut keys: Vec<&ConfigKey> = self.keys().collect();
        keys.sort_by(|a, b| {
            place(a)
                .cmp(&place(b))
                .then(a.order_in_group.cmp(&b.order_in_group))
                .then(b.is_required().cmp(&a.is_required()))
                .then(match (a.is_required(), b.is_required()) {
                    (false, false) | (true, true) => a.importance.cmp(&b.importance),
                    _ => Ordering::Equal,
                })
                .then_with(|| a.name.cmp(&b.name))
        });
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child() -> ConfigDef {
        ConfigDef::new()
            .key(ConfigKey::defaulting("b", Type::Int, "1", Importance::High, "").check(Validator::at_least(0)))
            .key(ConfigKey::required("a", Type::String, Importance::Low, "").dependents(&["b"]))
            .key(ConfigKey::nullable("c", Type::String, Importance::High, "").show("G", 1, Width::Long, "C"))
    }

    #[test]
    fn a_key_is_defined_once_and_with_a_default_that_fits() {
        let mut def = child();
        let error = def.define(ConfigKey::nullable("a", Type::Int, Importance::Low, ""));
        assert_eq!(error.expect_err("twice").message(), "Configuration a is defined twice.");
        let bad = ConfigKey::defaulting("d", Type::Int, "0", Importance::Low, "").check(Validator::at_least(1));
        assert_eq!(
            def.define(bad).expect_err("bad default").message(),
            "Invalid value 0 for configuration d: Value must be at least 1"
        );
        assert!(ConfigKey::with_default("e", Type::Int, "x", Importance::Low, "").is_err());
    }

    #[test]
    fn embedding_prefixes_names_and_orders_keys() {
        let mut def = ConfigDef::new();
        def.embed("transforms.x.", "Transforms: x", 2, &child()).expect("nothing is there yet");
        let keys: Vec<_> = def.keys().map(|key| (key.name.as_str(), key.order_in_group)).collect();
        assert_eq!(keys, [("transforms.x.a", 2), ("transforms.x.b", 3), ("transforms.x.c", 4)]);
        assert_eq!(def.groups(), ["Transforms: x", "Transforms: x: G"]);
        assert_eq!(def.get("transforms.x.a").expect("embedded").dependents, ["transforms.x.b"]);
    }

    #[test]
    fn unlisted_keys_are_known_but_not_shown() {
        let key = ConfigKey::defaulting("ours", Type::Int, "1", Importance::Low, "").unlisted();
        let def = child().key(key);
        assert!(def.infos().iter().all(|info| info.name != "ours"));
        assert_eq!(
            def.parse(&super::super::props::Props::from([("a", ""), ("ours", "7")])).map(|p| p.int("ours")),
            Ok(7)
        );
        let mut outer = ConfigDef::new();
        outer.embed("p.", "P", 0, &def).expect("nothing is there yet");
        assert!(outer.infos().iter().any(|info| info.name == "p.ours"), "what a configuration sets is shown");
    }

    #[test]
    fn infos_carry_what_rest_shows() {
        let info = child().get("b").expect("defined").info();
        assert_eq!(info.default_value.as_deref(), Some("1"));
        assert_eq!((info.ty.as_str(), info.order_in_group, info.width.as_str()), ("INT", -1, "NONE"));
        assert_eq!(info.display_name, "b");
    }
}
