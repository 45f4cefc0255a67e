//! Checks of a value, as data where Kafka has a rule of its own, with Kafka's texts.

use std::fmt;
use std::sync::Arc;

use super::value::Value;
use crate::java_regex::JavaRegex;

/// A bound of a range; keeps its kind because messages print it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// A whole number.
    Integer(i64),
    /// A floating point number.
    Double(f64),
}

impl Bound {
    fn as_f64(self) -> f64 {
        match self {
            Self::Integer(number) => number as f64,
            Self::Double(number) => number,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(f),
            Self::Double(number) => Value::Double(*number).fmt(f),
        }
    }
}

/// A check written as a function: gets the key and the value (`None` is null) and answers the
/// full message if the value is wrong.
pub type CheckFn = Arc<dyn Fn(&str, Option<&Value>) -> Result<(), String> + Send + Sync>;

/// What a value must be, beyond its type. `Display` describes it for the reference page.
#[derive(Clone)]
pub enum Validator {
    /// A number within bounds, not null.
    Range {
        /// The smallest number allowed.
        min: Option<Bound>,
        /// The largest number allowed.
        max: Option<Bound>,
    },
    /// One of these texts.
    OneOf(Vec<String>),
    /// One of these texts in any case.
    OneOfIgnoreCase(Vec<String>),
    /// Anything but the empty text; null passes.
    NonEmpty,
    /// Anything but null.
    NonNull,
    /// Not empty and without control characters; null passes.
    NoControlChars,
    /// A list of texts (KIP-1161).
    List {
        /// The items allowed; empty means any.
        allowed: Vec<String>,
        /// Whether the list may be empty.
        empty: bool,
        /// Whether the list may be null.
        null: bool,
    },
    /// A list of at most this many items.
    MaxListSize(usize),
    /// A list that is not null and names nothing twice; the text says what it names.
    UniqueAliases(String),
    /// A regular expression.
    Regex,
    /// A list of regular expressions.
    RegexList,
    /// Null, or what the inner validator wants.
    Nullable(Box<Validator>),
    /// All of these, the first that fails speaks.
    All(Vec<Validator>),
    /// A function.
    Custom {
        /// What the function wants, for the reference page.
        description: String,
        /// The function.
        check: CheckFn,
    },
}

impl Validator {
    /// A whole number not below `min`.
    pub fn at_least(min: i64) -> Self {
        Self::Range { min: Some(Bound::Integer(min)), max: None }
    }

    /// A whole number from `min` to `max`.
    pub fn between(min: i64, max: i64) -> Self {
        Self::Range { min: Some(Bound::Integer(min)), max: Some(Bound::Integer(max)) }
    }

    /// One of these texts, exactly.
    pub fn one_of(texts: &[&str]) -> Self {
        Self::OneOf(owned(texts))
    }

    /// One of these texts, in any case.
    pub fn one_of_ignore_case(texts: &[&str]) -> Self {
        Self::OneOfIgnoreCase(texts.iter().map(|text| text.to_uppercase()).collect())
    }

    /// A list without empty items and duplicates.
    pub fn list(empty: bool, null: bool) -> Self {
        Self::List { allowed: Vec::new(), empty, null }
    }

    /// A check by a function; see [`CheckFn`].
    pub fn custom(
        description: impl Into<String>,
        check: impl Fn(&str, Option<&Value>) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self::Custom { description: description.into(), check: Arc::new(check) }
    }

    /// Checks a value; the error is the whole message.
    pub fn check(&self, key: &str, value: Option<&Value>) -> Result<(), String> {
        let wrong = |reason: String| Err(invalid(key, value, &reason));
        let text = value.and_then(Value::as_str);
        match self {
            Self::Range { min, max } => check_range(key, value, *min, *max),
            Self::OneOf(texts) if !texts.iter().any(|one| Some(one.as_str()) == text) => {
                wrong(format!("String must be one of: {}", texts.join(", ")))
            }
            Self::OneOfIgnoreCase(texts) if !text.is_some_and(|text| texts.contains(&text.to_uppercase())) => {
                wrong(format!("String must be one of (case insensitive): {}", texts.join(", ")))
            }
            Self::NonEmpty if text == Some("") => wrong("String must be non-empty".into()),
            Self::NonNull if value.is_none() => wrong("entry must be non null".into()),
            Self::NoControlChars => check_control_chars(key, text),
            Self::List { allowed, empty, null } => check_list(key, value, allowed, *empty, *null),
            Self::MaxListSize(max) if items(value).len() > *max => {
                wrong(format!("exceeds maximum list size of [{max}]."))
            }
            Self::UniqueAliases(_) if value.is_none() => wrong("entry must be non null".into()),
            Self::UniqueAliases(_) if has_duplicates(items(value)) => wrong("Duplicate alias provided.".into()),
            Self::Regex => match text.map(JavaRegex::compile) {
                Some(Err(reason)) => wrong(format!("Invalid regex: {reason}")),
                _ => Ok(()),
            },
            Self::RegexList => match items(value).iter().find_map(|item| JavaRegex::compile(item).err()) {
                Some(reason) => wrong(format!("Syntax error in regular expression: {reason}")),
                None => Ok(()),
            },
            Self::Nullable(inner) if value.is_some() => inner.check(key, value),
            Self::All(all) => all.iter().try_for_each(|one| one.check(key, value)),
            Self::Custom { check, .. } => check(key, value),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range { min: Some(min), max: Some(max) } => write!(f, "[{min},...,{max}]"),
            Self::Range { min: Some(min), max: None } => write!(f, "[{min},...]"),
            Self::Range { min: None, max: Some(max) } => write!(f, "[...,{max}]"),
            Self::Range { min: None, max: None } => f.write_str("[...]"),
            Self::OneOf(texts) => write!(f, "[{}]", texts.join(", ")),
            Self::OneOfIgnoreCase(texts) => write!(f, "(case insensitive) [{}]", texts.join(", ")),
            Self::NonEmpty => f.write_str("non-empty string"),
            Self::NonNull => f.write_str("non-null string"),
            Self::NoControlChars => f.write_str("non-empty string without ISO control characters"),
            Self::List { allowed, .. } if !allowed.is_empty() => {
                write!(f, "[{}]", allowed.join(", "))
            }
            Self::List { .. } => f.write_str("list without duplicates"),
            Self::MaxListSize(max) => write!(f, "list of at most {max} items"),
            Self::UniqueAliases(what) => write!(f, "non-null string, unique {what}"),
            Self::Regex => f.write_str("valid regex"),
            Self::RegexList => f.write_str("list of valid regexes"),
            Self::Nullable(inner) => inner.fmt(f),
            Self::All(all) => {
                let all: Vec<String> = all.iter().map(Self::to_string).collect();
                f.write_str(&all.join(", "))
            }
            Self::Custom { description, .. } => f.write_str(description),
        }
    }
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Validator({self})")
    }
}

/// `Invalid value V for configuration K: reason`, the text of Kafka's `ConfigException`.
pub(super) fn invalid(key: &str, value: Option<&Value>, reason: &str) -> String {
    match value {
        Some(value) => format!("Invalid value {value} for configuration {key}: {reason}"),
        None => format!("Invalid value null for configuration {key}: {reason}"),
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn items(value: Option<&Value>) -> &[String] {
    value.and_then(Value::as_list).unwrap_or_default()
}

fn has_duplicates(items: &[String]) -> bool {
    items.iter().enumerate().any(|(i, item)| items[..i].contains(item))
}

fn check_range(key: &str, value: Option<&Value>, min: Option<Bound>, max: Option<Bound>) -> Result<(), String> {
    let Some(number) = value.and_then(Value::as_number) else {
        return Err(invalid(key, value, "Value must be non-null"));
    };
    match (min, max) {
        (Some(min), _) if number < min.as_f64() => Err(invalid(key, value, &format!("Value must be at least {min}"))),
        (_, Some(max)) if number > max.as_f64() => {
            Err(invalid(key, value, &format!("Value must be no more than {max}")))
        }
        _ => Ok(()),
    }
}

fn check_control_chars(key: &str, text: Option<&str>) -> Result<(), String> {
    let Some(text) = text else { return Ok(()) };
    let wrong = |reason: &str| Err(format!("Invalid value {text} for configuration {key}: {reason}"));
    if text.is_empty() {
        return wrong("String may not be empty");
    }
    let found: Vec<String> = text.chars().filter(|c| c.is_control()).map(|c| u32::from(c).to_string()).collect();
    if found.is_empty() {
        return Ok(());
    }
    wrong(&format!("String may not contain control sequences but had the following ASCII chars: {}", found.join(", ")))
}

fn check_list(key: &str, value: Option<&Value>, allowed: &[String], empty: bool, null: bool) -> Result<(), String> {
    let Some(list) = value.and_then(Value::as_list) else {
        return if null { Ok(()) } else { Err(format!("Configuration '{key}' values must not be null.")) };
    };
    if list.is_empty() && !empty {
        let valid =
            if allowed.is_empty() { "any non-empty value".to_owned() } else { format!("[{}]", allowed.join(", ")) };
        return Err(format!("Configuration '{key}' must not be empty. Valid values include: {valid}"));
    }
    if has_duplicates(list) {
        return Err(format!("Configuration '{key}' values must not be duplicated."));
    }
    for item in list {
        if item.is_empty() {
            return Err(format!("Configuration '{key}' values must not be empty."));
        }
        if !allowed.is_empty() && !allowed.contains(item) {
            return Err(format!(
                "Invalid value {item} for configuration {key}: String must be one of: {}",
                allowed.join(", ")
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> Option<Value> {
        Some(Value::String(text.to_owned()))
    }

    fn list(items: &[&str]) -> Option<Value> {
        Some(Value::List(owned(items)))
    }

    #[track_caller]
    fn fails(validator: &Validator, value: Option<Value>, message: &str) {
        assert_eq!(validator.check("k", value.as_ref()), Err(message.to_owned()));
    }

    #[track_caller]
    fn passes(validator: &Validator, value: Option<Value>) {
        assert_eq!(validator.check("k", value.as_ref()), Ok(()));
    }

    #[test]
    fn ranges() {
        let range = Validator::between(1, 3);
        passes(&range, Some(Value::Int(3)));
        fails(&range, Some(Value::Int(0)), "Invalid value 0 for configuration k: Value must be at least 1");
        fails(&range, Some(Value::Long(4)), "Invalid value 4 for configuration k: Value must be no more than 3");
        fails(&range, None, "Invalid value null for configuration k: Value must be non-null");
        passes(&Validator::Nullable(Box::new(range)), None);
    }

    #[test]
    fn texts() {
        let exact = Validator::one_of(&["none", "all"]);
        passes(&exact, string("all"));
        fails(&exact, string("ALL"), "Invalid value ALL for configuration k: String must be one of: none, all");
        fails(&exact, None, "Invalid value null for configuration k: String must be one of: none, all");
        let any_case = Validator::one_of_ignore_case(&["poll", "interval"]);
        passes(&any_case, string("Poll"));
        fails(
            &any_case,
            string("x"),
            "Invalid value x for configuration k: String must be one of (case insensitive): POLL, INTERVAL",
        );
        fails(&Validator::NonEmpty, string(""), "Invalid value  for configuration k: String must be non-empty");
        fails(&Validator::NoControlChars, string(""), "Invalid value  for configuration k: String may not be empty");
        fails(
            &Validator::NoControlChars,
            string("a\u{1}b\u{7f}"),
            "Invalid value a\u{1}b\u{7f} for configuration k: String may not contain control sequences but had the following ASCII chars: 1, 127",
        );
        passes(&Validator::NoControlChars, None);
    }

    #[test]
    fn lists() {
        let any = Validator::list(false, false);
        fails(&any, None, "Configuration 'k' values must not be null.");
        fails(&any, list(&[]), "Configuration 'k' must not be empty. Valid values include: any non-empty value");
        fails(&any, list(&["a", "a"]), "Configuration 'k' values must not be duplicated.");
        fails(&any, list(&["a", ""]), "Configuration 'k' values must not be empty.");
        let aliases = Validator::UniqueAliases("aliases".into());
        fails(&aliases, list(&["a", "a"]), "Invalid value [a, a] for configuration k: Duplicate alias provided.");
        fails(&aliases, None, "Invalid value null for configuration k: entry must be non null");
        fails(
            &Validator::MaxListSize(1),
            list(&["a", "b"]),
            "Invalid value [a, b] for configuration k: exceeds maximum list size of [1].",
        );
    }

    #[test]
    fn regexes() {
        passes(&Validator::Regex, string("a.*(?=b)"));
        let error = Validator::Regex.check("k", string("a(").as_ref());
        assert!(error.is_err_and(|text| text.starts_with("Invalid value a( for configuration k: Invalid regex: ")));
        let error = Validator::RegexList.check("k", list(&["a", "["]).as_ref());
        assert!(error.is_err_and(|text| text.contains("Syntax error in regular expression: ")));
    }
}
