//! Holding a configuration against a definition: [`ConfigDef::validate`] for answers that list
//! what is wrong with each key, [`ConfigDef::parse`] for typed values or all errors at once.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::catalog::PluginCatalog;
use super::def::{ConfigDef, ConfigKey, Default};
use super::infos::ConfigValueInfo;
use super::props::Props;
use super::validators::Validator;
use super::value::{Type, Value};
use crate::error::{ConnectError, Result};

/// The message for a null where a text was expected.
pub const NULL_VALUE: &str = "Null value can not be supplied as the configuration value.";

/// The values of a configuration after parsing; null where a key has none or could not be read.
#[derive(Debug, Clone, std::default::Default, PartialEq)]
pub struct Values(IndexMap<String, Option<Value>>);

impl Values {
    /// The value of a key, `None` if it is null or not defined.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)?.as_ref()
    }

    /// The value of a key as text.
    pub fn text(&self, key: &str) -> Option<String> {
        self.get(key).map(Value::to_text)
    }

    /// All values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&Value>)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_ref()))
    }

    /// The values whose keys begin with `prefix`, with the prefix cut off.
    pub(super) fn with_prefix(&self, prefix: &str) -> Values {
        let entries = self.0.iter();
        Self(entries.filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value.clone()))).collect())
    }
}

/// One key's value and what is wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigValue {
    /// The key.
    pub name: String,
    /// The value; null if there is none or it could not be read.
    pub value: Option<Value>,
    /// Values to choose from.
    pub recommended_values: Vec<String>,
    /// What is wrong.
    pub errors: Vec<String>,
    /// Whether the key matters, given the other values.
    pub visible: bool,
}

impl ConfigValue {
    /// A key without value and errors.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), value: None, recommended_values: Vec::new(), errors: Vec::new(), visible: true }
    }

    /// The value as REST shows it.
    pub fn info(&self) -> ConfigValueInfo {
        ConfigValueInfo {
            name: self.name.clone(),
            value: self.value.as_ref().map(Value::to_text),
            recommended_values: self.recommended_values.clone(),
            errors: self.errors.clone(),
            visible: self.visible,
        }
    }
}

/// The result of a validation: one [`ConfigValue`] per key, in the order of the definition.
#[derive(Debug, Clone, std::default::Default, PartialEq)]
pub struct Validation(IndexMap<String, ConfigValue>);

impl Validation {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&ConfigValue> {
        self.0.get(key)
    }

    /// The value of a key, which is added if it is not there.
    pub fn entry(&mut self, key: &str) -> &mut ConfigValue {
        self.0.entry(key.to_owned()).or_insert_with(|| ConfigValue::new(key))
    }

    /// Adds a message to a key.
    pub fn add_error(&mut self, key: &str, message: impl Into<String>) {
        self.entry(key).errors.push(message.into());
    }

    /// All values in order.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigValue> {
        self.0.values()
    }

    /// All values as REST shows them.
    pub fn infos(&self) -> Vec<ConfigValueInfo> {
        self.iter().map(ConfigValue::info).collect()
    }

    /// All messages, each with its key.
    pub fn errors(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().flat_map(|value| value.errors.iter().map(|error| (value.name.as_str(), error.as_str())))
    }

    /// Adds Kafka's message to every key that was given as null.
    pub fn add_null_errors(&mut self, props: &Props) {
        for (key, value) in props.iter() {
            if value.is_none() {
                self.add_error(key, NULL_VALUE);
            }
        }
    }
}

/// Something that is wrong with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key.
    pub key: String,
    /// What is wrong, in Kafka's words.
    pub message: String,
    /// What would be right, where the definition says so.
    pub expected: Option<String>,
}

/// All problems of a configuration. Never empty when it is an error.
#[derive(Debug, Clone, std::default::Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// One error that lists all messages.
    pub fn into_error(self) -> ConnectError {
        let messages: Vec<String> = self.0.into_iter().map(|problem| problem.message).collect();
        ConnectError::config(messages.join("\n"))
    }
}

impl From<Problems> for ConnectError {
    fn from(problems: Problems) -> Self {
        problems.into_error()
    }
}

impl ConfigDef {
    /// Checks every key and recommends values. Class names are not looked up.
    pub fn validate(&self, props: &Props) -> Validation {
        self.validate_with(props, None)
    }

    /// Checks every key and recommends values; class names must be known to the catalog.
    pub fn validate_with(&self, props: &Props, catalog: Option<&dyn PluginCatalog>) -> Validation {
        let mut run = Run {
            def: self,
            props,
            catalog,
            values: Values::default(),
            result: Validation::default(),
            path: Vec::new(),
        };
        for name in self.names() {
            run.result.entry(name);
        }
        run.report_undefined_dependents();
        let roots = self.names_without_parent();
        for name in &roots {
            run.read(name);
        }
        for name in &roots {
            run.recommend(name);
        }
        run.result
    }

    /// Reads every key, or tells all that is wrong. Class names are not looked up. A key that
    /// has a default or must be set may not be null.
    ///
    /// # Errors
    /// One [`Problem`] per key that is wrong.
    pub fn parse(&self, props: &Props) -> Result<Parsed, Problems> {
        let mut problems = Problems::default();
        let mut values = Values::default();
        for key in self.keys() {
            match parse_key(key, props) {
                Ok(value) => {
                    values.0.insert(key.name.clone(), value);
                }
                Err(message) => problems.0.push(Problem { key: key.name.clone(), message, expected: expectation(key) }),
            }
        }
        if problems.0.is_empty() { Ok(Parsed(values)) } else { Err(problems) }
    }

    fn names_without_parent(&self) -> Vec<&str> {
        let children: HashSet<&str> = self.keys().flat_map(|key| key.dependents.iter().map(String::as_str)).collect();
        self.names().filter(|name| !children.contains(name)).collect()
    }
}

/// What a key accepts, as a phrase that follows "expected".
pub(super) fn expectation(key: &ConfigKey) -> Option<String> {
    match (&key.validator, key.ty) {
        (Some(rule @ Validator::Range { .. }), ty) => Some(format!("{} in {rule}", ty.expectation())),
        (Some(rule), _) => Some(rule.to_string()),
        (None, Type::String | Type::Password) => None,
        (None, ty) => Some(ty.expectation().to_owned()),
    }
}

/// Reads one key in the way `AbstractConfig` does: lists with the no-duplicates rule lose their
/// duplicates first.
fn parse_key(key: &ConfigKey, props: &Props) -> Result<Option<Value>, String> {
    let mut value = match (props.entry(&key.name), &key.default) {
        (Some(Some(text)), _) => Some(parse_text(key, text)?),
        (Some(None), Default::Value(None)) => None,
        (Some(None), _) => return Err(format!("{}: {NULL_VALUE}", key.name)),
        (None, Default::Value(default)) => default.clone(),
        (None, Default::Required) => return Err(missing(&key.name)),
    };
    if let (Some(Validator::List { .. }), Some(Value::List(items))) = (&key.validator, &mut value) {
        let mut seen = HashSet::new();
        items.retain(|item| seen.insert(item.clone()));
    }
    if let Some(validator) = &key.validator {
        validator.check(key.checked_name(), value.as_ref())?;
    }
    Ok(value)
}

fn parse_text(key: &ConfigKey, text: &str) -> Result<Value, String> {
    Value::parse(text, key.ty)
        .map_err(|reason| format!("Invalid value {text} for configuration {}: {reason}", key.name))
}

fn missing(key: &str) -> String {
    format!("Missing required configuration \"{key}\" which has no default value.")
}

/// One validation under way. Keys are visited from those nobody depends on downwards, as Kafka
/// does: a key with two parents is checked, and its errors reported, twice.
struct Run<'a> {
    def: &'a ConfigDef,
    props: &'a Props,
    catalog: Option<&'a dyn PluginCatalog>,
    values: Values,
    result: Validation,
    /// The keys on the way down; stops a definition whose dependents form a circle.
    path: Vec<&'a str>,
}

impl<'a> Run<'a> {
    fn report_undefined_dependents(&mut self) {
        for key in self.def.keys() {
            for dependent in &key.dependents {
                if self.def.get(dependent).is_none() && self.result.get(dependent).is_none() {
                    self.result
                        .add_error(dependent, format!("{dependent} is referred in the dependents, but not defined."));
                    self.result.entry(dependent).visible = false;
                }
            }
        }
    }

    fn read(&mut self, name: &'a str) {
        let Some(key) = self.def.get(name).filter(|_| !self.path.contains(&name)) else {
            return;
        };
        let reading = match (self.props.entry(name), &key.default) {
            (Some(Some(text)), _) => self.read_text(key, text),
            (Some(None), _) => Reading::default(),
            (None, Default::Value(default)) => Reading { value: default.clone(), ..Reading::default() },
            (None, Default::Required) => Reading::failed(missing(name)),
        };
        let Reading { value, error, is_refused } = reading;
        let mut errors: Vec<String> = error.into_iter().collect();
        if let Some(validator) = key.validator.as_ref().filter(|_| !is_refused)
            && let Err(message) = validator.check(key.checked_name(), value.as_ref())
        {
            errors.push(message);
        }
        let entry = self.result.entry(name);
        entry.errors.append(&mut errors);
        entry.value.clone_from(&value);
        self.values.0.insert(name.to_owned(), value);
        self.descend(name, key, Self::read);
    }

    fn recommend(&mut self, name: &'a str) {
        let Some(key) = self.def.get(name).filter(|_| !self.path.contains(&name)) else {
            return;
        };
        if let Some(recommend) = &key.recommender {
            let answer = recommend(name, &self.values);
            let entry = self.result.entry(name);
            match answer {
                Ok(recommendation) => {
                    entry.recommended_values = recommendation.values;
                    entry.visible = recommendation.visible;
                }
                Err(message) => entry.errors.push(message),
            }
        }
        self.descend(name, key, Self::recommend);
    }

    fn descend(&mut self, name: &'a str, key: &'a ConfigKey, visit: fn(&mut Self, &'a str)) {
        self.path.push(name);
        for dependent in &key.dependents {
            visit(self, dependent);
        }
        self.path.pop();
    }

    fn read_text(&self, key: &ConfigKey, text: &str) -> Reading {
        match (parse_text(key, text), self.catalog) {
            (Ok(Value::Class(name)), Some(catalog)) => read_class(key, text, &name, catalog),
            (Ok(value), _) => Reading { value: Some(value), ..Reading::default() },
            (Err(message), _) => Reading::failed(message),
        }
    }
}

/// What became of a value before its key's rule is asked.
#[derive(std::default::Default)]
struct Reading {
    value: Option<Value>,
    error: Option<String>,
    /// The error takes the place of whatever the rule would say.
    is_refused: bool,
}

impl Reading {
    fn failed(message: String) -> Self {
        Self { error: Some(message), ..Self::default() }
    }
}

/// Finds the class that a key names; its full name takes the place of an alias. A class that
/// will not do is still shown as the value.
fn read_class(key: &ConfigKey, text: &str, name: &str, catalog: &dyn PluginCatalog) -> Reading {
    let class = |class: String| Some(Value::Class(class));
    let refused = |name, message| Reading { value: class(name), error: Some(message), is_refused: true };
    let any = catalog.resolve_any(name);
    let right = match key.class_kind {
        Some(kind) => catalog.resolve(kind, name),
        None => any.clone(),
    };
    if right.is_some() {
        return Reading { value: right.and_then(class), ..Reading::default() };
    }
    if let (Some(any), Some(kind)) = (any, key.class_kind) {
        let message = format!("Class class {any} does not implement the {} interface", kind.interface());
        return refused(any, message);
    }
    let is_inside = |class: &String| class.strip_prefix(name).is_some_and(|rest| rest.starts_with('$'));
    let all = key.class_kind.map(|kind| catalog.plugins(kind)).unwrap_or_default();
    let inside: Vec<String> = all.into_iter().map(|plugin| plugin.class).filter(is_inside).collect();
    if !inside.is_empty() {
        let hint = inside.join(", ");
        return refused(name.to_owned(), format!("This class is abstract and cannot be created. Did you mean {hint}?"));
    }
    Reading::failed(format!("Invalid value {text} for configuration {}: Class {text} could not be found.", key.name))
}

/// Values that were found to be right, with typed access.
///
/// The getters without `opt_` are for keys that have a default or must be set, which are never
/// null; asking for a key that the definition does not hold, or as another type than it has, is
/// a mistake in the program and panics.
#[derive(Debug, Clone, std::default::Default, PartialEq)]
pub struct Parsed(Values);

impl Parsed {
    /// The value of a key, `None` if null.
    pub fn get(&self, key: &str) -> Option<&Value> {
        assert!(self.0.0.contains_key(key), "the definition has no key {key}");
        self.0.get(key)
    }

    /// A text or class name.
    pub fn opt_str(&self, key: &str) -> Option<&str> {
        self.get(key).map(|value| value.as_str().expect("the key is a text"))
    }

    /// A text or class name that is never null.
    pub fn str(&self, key: &str) -> &str {
        self.opt_str(key).expect("the key is never null")
    }

    /// A whole number of any width.
    pub fn opt_integer(&self, key: &str) -> Option<i64> {
        self.get(key).map(|value| value.as_integer().expect("the key is a whole number"))
    }

    /// A whole number of any width that is never null.
    pub fn integer(&self, key: &str) -> i64 {
        self.opt_integer(key).expect("the key is never null")
    }

    /// A 32-bit number that is never null.
    pub fn int(&self, key: &str) -> i32 {
        i32::try_from(self.integer(key)).expect("the key is of type INT or SHORT")
    }

    /// Any number that is never null.
    pub fn double(&self, key: &str) -> f64 {
        self.get(key).and_then(Value::as_number).expect("the key is a number and never null")
    }

    /// True or false.
    pub fn bool(&self, key: &str) -> bool {
        match self.get(key) {
            Some(Value::Boolean(value)) => *value,
            other => panic!("the key {key} is a boolean and never null, but is {other:?}"),
        }
    }

    /// A list; empty if null.
    pub fn list(&self, key: &str) -> &[String] {
        self.get(key).map_or(&[], |value| value.as_list().expect("the key is a list"))
    }

    /// A time span in milliseconds; negative numbers count as zero.
    pub fn millis(&self, key: &str) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.integer(key)).unwrap_or(0))
    }

    /// All values.
    pub fn values(&self) -> &Values {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::def::{Importance, Recommendation};

    fn def() -> ConfigDef {
        ConfigDef::new()
            .key(ConfigKey::required("name", Type::String, Importance::High, "").check(Validator::NoControlChars))
            .key(ConfigKey::defaulting("tasks.max", Type::Int, "1", Importance::High, "").check(Validator::at_least(1)))
            .key(
                ConfigKey::defaulting("topics", Type::List, "", Importance::High, "")
                    .check(Validator::list(true, false)),
            )
            .key(ConfigKey::nullable("pw", Type::Password, Importance::Low, ""))
    }

    fn errors(validation: &Validation) -> Vec<&str> {
        validation.errors().map(|(_, message)| message).collect()
    }

    #[test]
    fn validation_reports_every_key_as_kafka_does() {
        let mut validation = def().validate(&Props::from([("tasks.max", "many"), ("pw", "s3cret")]));
        assert_eq!(
            errors(&validation),
            [
                "Missing required configuration \"name\" which has no default value.",
                "Invalid value many for configuration tasks.max: Not a number of type INT",
                "Invalid value null for configuration tasks.max: Value must be non-null",
            ]
        );
        assert_eq!(validation.get("pw").expect("defined").info().value.as_deref(), Some("[hidden]"));
        let mut props = Props::new();
        props.set_nullable("extra", None);
        validation.add_null_errors(&props);
        assert_eq!(validation.errors().last(), Some(("extra", NULL_VALUE)));
    }

    #[test]
    fn parsing_tells_all_problems_and_what_would_be_right() {
        let problems = def().parse(&Props::from([("tasks.max", "0")])).expect_err("two are wrong").0;
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[1].message, "Invalid value 0 for configuration tasks.max: Value must be at least 1");
        assert_eq!(
            problems[1].expected.as_deref(),
            Some("a whole number between -2147483648 and 2147483647 in [1,...]")
        );
        let parsed = def().parse(&Props::from([("name", "x"), ("topics", "a, b,a")])).expect("is right");
        assert_eq!((parsed.str("name"), parsed.int("tasks.max")), ("x", 1));
        assert_eq!(parsed.list("topics"), ["a", "b"]);
        assert_eq!(parsed.opt_str("name"), Some("x"));
    }

    #[test]
    fn dependents_are_checked_below_their_parents() {
        let def = ConfigDef::new()
            .key(ConfigKey::nullable("a", Type::String, Importance::Low, "").dependents(&["c", "gone"]))
            .key(ConfigKey::nullable("b", Type::String, Importance::Low, "").dependents(&["c"]))
            .key(ConfigKey::required("c", Type::String, Importance::Low, "").recommend(|name, values| {
                Ok(Recommendation { values: vec![name.to_owned()], visible: values.get("a").is_some() })
            }));
        let validation = def.validate(&Props::from([("a", "1")]));
        let missing = "Missing required configuration \"c\" which has no default value.";
        assert_eq!(errors(&validation), [missing, missing, "gone is referred in the dependents, but not defined."]);
        let c = validation.get("c").expect("defined");
        assert_eq!((c.recommended_values.as_slice(), c.visible), (["c".to_owned()].as_slice(), true));
        assert!(!validation.get("gone").expect("reported").visible);
    }

    #[test]
    fn a_circle_of_dependents_ends() {
        let def = ConfigDef::new()
            .key(ConfigKey::nullable("root", Type::String, Importance::Low, "").dependents(&["a"]))
            .key(ConfigKey::nullable("a", Type::String, Importance::Low, "").dependents(&["b"]))
            .key(ConfigKey::nullable("b", Type::String, Importance::Low, "").dependents(&["a"]));
        assert_eq!(errors(&def.validate(&Props::new())), Vec::<&str>::new());
    }

    #[test]
    fn embedded_keys_are_checked_under_their_own_name() {
        let mut outer = ConfigDef::new();
        let inner = ConfigDef::new()
            .key(ConfigKey::defaulting("n", Type::Int, "1", Importance::Low, "").check(Validator::at_least(1)));
        outer.embed("p.", "P", 0, &inner).expect("fresh");
        let validation = outer.validate(&Props::from([("p.n", "0")]));
        assert_eq!(errors(&validation), ["Invalid value 0 for configuration n: Value must be at least 1"]);
        let validation = outer.validate(&Props::from([("p.n", "x")]));
        assert_eq!(errors(&validation)[0], "Invalid value x for configuration p.n: Not a number of type INT");
    }
}
