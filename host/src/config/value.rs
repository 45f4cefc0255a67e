//! Types and values of configuration keys, with Kafka's rules for reading and showing them.

use std::fmt;

use super::secret::Secret;

/// The type of a configuration key (Kafka's `ConfigDef.Type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// `true` or `false`, in any case.
    Boolean,
    /// A text; blanks around it are dropped.
    String,
    /// A 32-bit integer.
    Int,
    /// A 16-bit integer.
    Short,
    /// A 64-bit integer.
    Long,
    /// A 64-bit floating point number.
    Double,
    /// Texts separated by commas.
    List,
    /// The name or alias of a plugin class.
    Class,
    /// A text that is never shown.
    Password,
}

impl Type {
    /// The name REST shows, for example `STRING`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Short => "SHORT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
            Self::Class => "CLASS",
            Self::Password => "PASSWORD",
        }
    }

    /// The type of a name, as [`as_str`](Self::as_str) gives it.
    pub fn by_name(name: &str) -> Option<Self> {
        const ALL: [Type; 9] = [
            Type::Boolean,
            Type::String,
            Type::Int,
            Type::Short,
            Type::Long,
            Type::Double,
            Type::List,
            Type::Class,
            Type::Password,
        ];
        ALL.into_iter().find(|ty| ty.as_str() == name)
    }

    /// What a value of this type looks like, for error messages.
    pub fn expectation(self) -> &'static str {
        match self {
            Self::Boolean => "true or false",
            Self::String => "a text",
            Self::Int => "a whole number between -2147483648 and 2147483647",
            Self::Short => "a whole number between -32768 and 32767",
            Self::Long => "a whole number of 64 bits",
            Self::Double => "a number",
            Self::List => "a list separated by commas",
            Self::Class => "the name of an installed plugin class",
            Self::Password => "a password",
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A configuration value after its key's type was applied.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of [`Type::Boolean`].
    Boolean(bool),
    /// Of [`Type::String`].
    String(String),
    /// Of [`Type::Int`].
    Int(i32),
    /// Of [`Type::Short`].
    Short(i16),
    /// Of [`Type::Long`].
    Long(i64),
    /// Of [`Type::Double`].
    Double(f64),
    /// Of [`Type::List`].
    List(Vec<String>),
    /// Of [`Type::Class`]: the full class name.
    Class(String),
    /// Of [`Type::Password`].
    Password(Secret),
}

impl Value {
    /// Reads a text as Kafka does. A class name is taken as it stands; whether there is such a
    /// class is for the caller to find out. The error is the reason alone.
    pub fn parse(text: &str, ty: Type) -> Result<Value, String> {
        let trimmed = java_trim(text);
        let not_a_number = || format!("Not a number of type {ty}");
        Ok(match ty {
            Type::Boolean if trimmed.eq_ignore_ascii_case("true") => Self::Boolean(true),
            Type::Boolean if trimmed.eq_ignore_ascii_case("false") => Self::Boolean(false),
            Type::Boolean => return Err("Expected value to be either true or false".to_owned()),
            Type::String => Self::String(trimmed.to_owned()),
            Type::Int => Self::Int(trimmed.parse().map_err(|_| not_a_number())?),
            Type::Short => Self::Short(trimmed.parse().map_err(|_| not_a_number())?),
            Type::Long => Self::Long(trimmed.parse().map_err(|_| not_a_number())?),
            Type::Double => Self::Double(parse_double(trimmed).ok_or_else(not_a_number)?),
            Type::List => Self::List(split_list(trimmed)),
            Type::Class => Self::Class(trimmed.to_owned()),
            Type::Password => Self::Password(Secret::new(trimmed)),
        })
    }

    /// The value as REST shows it: lists joined by commas, passwords hidden.
    pub fn to_text(&self) -> String {
        match self {
            Self::List(items) => items.join(","),
            other => other.to_string(),
        }
    }

    /// The text of a string or class value.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) | Self::Class(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list value.
    pub fn as_list(&self) -> Option<&[String]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// A whole number of any width.
    pub fn as_integer(&self) -> Option<i64> {
        match *self {
            Self::Int(number) => Some(number.into()),
            Self::Short(number) => Some(number.into()),
            Self::Long(number) => Some(number),
            _ => None,
        }
    }

    /// Any number.
    pub fn as_number(&self) -> Option<f64> {
        match *self {
            Self::Double(number) => Some(number),
            // As Kafka does when it compares with a bound.
            _ => self.as_integer().map(|number| number as f64),
        }
    }
}

/// The value as Java prints it inside an error message: lists in brackets, passwords hidden.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::String(text) | Self::Class(text) => f.write_str(text),
            Self::Int(number) => number.fmt(f),
            Self::Short(number) => number.fmt(f),
            Self::Long(number) => number.fmt(f),
            Self::Double(number) => f.write_str(&double_text(*number)),
            Self::List(items) => write!(f, "[{}]", items.join(", ")),
            Self::Password(secret) => secret.fmt(f),
        }
    }
}

/// Drops blanks and control characters at both ends, as Java's `String.trim`.
pub fn java_trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

/// True if there is nothing but white space in the text.
pub fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Splits a list: commas with white space around them separate items; the empty text is the
/// empty list, while `a,` has an empty second item.
pub fn split_list(text: &str) -> Vec<String> {
    let text = java_trim(text);
    if text.is_empty() {
        return Vec::new();
    }
    let white = |c: char| matches!(c, ' ' | '\t' | '\n' | '\x0B' | '\x0C' | '\r');
    text.split(',').map(|item| item.trim_matches(white).to_owned()).collect()
}

/// Reads a decimal floating point number in Java's notation.
fn parse_double(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned == "NaN" || unsigned == "Infinity" {
        return text.parse().ok();
    }
    // Rust also reads words like `inf`, which Java does not; Java also reads a type suffix.
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text).parse().ok()
}

/// A floating point number as Java's `Double.toString` writes it, for example `0.8` or `1.0E10`.
fn double_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = number.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{number:?}");
    }
    let text = format!("{number:e}");
    let (mantissa, exponent) = text.split_once('e').expect("the e format has an exponent");
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{point}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, ty: Type) -> Result<String, String> {
        Value::parse(text, ty).map(|value| value.to_text())
    }

    #[test]
    fn texts_are_trimmed_and_typed() {
        assert_eq!(parse(" x y\t", Type::String), Ok("x y".into()));
        assert_eq!(parse(" TRUE ", Type::Boolean), Ok("true".into()));
        assert_eq!(parse("", Type::Boolean), Err("Expected value to be either true or false".into()));
        assert_eq!(parse("+5", Type::Int), Ok("5".into()));
        assert_eq!(parse("2147483648", Type::Int), Err("Not a number of type INT".into()));
        assert_eq!(parse("1.50", Type::Double), Ok("1.5".into()));
        assert_eq!(parse("1.5f", Type::Double), Ok("1.5".into()));
        assert_eq!(parse("inf", Type::Double), Err("Not a number of type DOUBLE".into()));
        assert_eq!(parse("hunter2", Type::Password), Ok("[hidden]".into()));
    }

    #[test]
    fn lists_keep_empty_items() {
        assert_eq!(split_list(" a ,\tb,c "), ["a", "b", "c"]);
        assert_eq!(split_list("a,"), ["a", ""]);
        assert!(split_list("  ").is_empty());
    }

    #[test]
    fn doubles_look_like_java() {
        for (number, text) in [
            (0.8, "0.8"),
            (1e7, "1.0E7"),
            (1234567.0, "1234567.0"),
            (1.5e-4, "1.5E-4"),
            (0.001, "0.001"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(double_text(number), text);
        }
    }
}
