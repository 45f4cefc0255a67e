//! The two statements that a sink sends, read strictly.

use super::Column;
use serde_json::Value;

/// The types of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    SmallInt,
    Int,
    BigInt,
    Float,
    Double,
    Varchar,
    Date,
    Timestamp,
}

impl Kind {
    fn of(word: &str) -> Option<Kind> {
        Some(match word {
            "BOOL" => Kind::Bool,
            "SMALLINT" | "INT16" => Kind::SmallInt,
            "INT" | "INT32" => Kind::Int,
            "BIGINT" | "INT64" => Kind::BigInt,
            "FLOAT" => Kind::Float,
            "DOUBLE" => Kind::Double,
            "VARCHAR" | "STRING" => Kind::Varchar,
            "DATE" => Kind::Date,
            "TIMESTAMP" => Kind::Timestamp,
            _ => return None,
        })
    }

    pub(super) fn described(self) -> &'static str {
        match self {
            Kind::Bool => "kBool",
            Kind::SmallInt => "kSmallInt",
            Kind::Int => "kInt",
            Kind::BigInt => "kBigInt",
            Kind::Float => "kFloat",
            Kind::Double => "kDouble",
            Kind::Varchar => "kVarchar",
            Kind::Date => "kDate",
            Kind::Timestamp => "kTimestamp",
        }
    }

    /// Whether a column of this type takes the value: integers must fit, text is no number and no number is text.
    pub(super) fn takes(self, value: &Value) -> bool {
        let within = |bits: u32| value.as_i64().is_some_and(|number| number >> (bits - 1) == number >> 63);
        match self {
            Kind::Bool => value.is_boolean(),
            Kind::SmallInt => within(16),
            Kind::Int => within(32),
            Kind::BigInt | Kind::Timestamp => value.is_i64(),
            Kind::Float | Kind::Double => value.is_number(),
            Kind::Varchar => value.is_string(),
            Kind::Date => value.as_str().is_some_and(is_date),
        }
    }
}

/// `yyyy-mm-dd`.
fn is_date(text: &str) -> bool {
    let parts: Vec<Option<u32>> = text.split('-').map(|part| part.parse().ok()).collect();
    matches!(parts.as_slice(), [Some(1900..), Some(1..=12), Some(1..=31)])
}

/// A statement.
pub(super) enum Statement {
    Create { table: String, columns: Vec<Column> },
    Insert { table: String, columns: Vec<String>, rows: Vec<Vec<Value>> },
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Word(String),
    Literal(Value),
    Sign(char),
}

pub(super) fn parse(text: &str) -> Result<Statement, String> {
    let mut tokens = Tokens { tokens: tokens(text)?, next: 0 };
    let statement = match tokens.word()?.as_str() {
        "CREATE" => create(&mut tokens),
        "INSERT" => insert(&mut tokens),
        other => Err(format!("unsupported statement {other}")),
    }?;
    if tokens.next != tokens.tokens.len() {
        return Err(format!("syntax error at {:?}", tokens.tokens[tokens.next]));
    }
    Ok(statement)
}

fn create(tokens: &mut Tokens) -> Result<Statement, String> {
    tokens.expect_word("TABLE")?;
    let table = tokens.name()?;
    let columns = tokens.listed(|tokens| {
        let name = tokens.name()?;
        let word = tokens.word()?;
        let kind = Kind::of(&word).ok_or_else(|| format!("unknown type {word}"))?;
        let (mut not_null, mut default) = (false, Value::Null);
        while let Some(Token::Word(word)) = tokens.peek() {
            match word.as_str() {
                "NOT" => {
                    tokens.word()?;
                    tokens.expect_word("NULL")?;
                    not_null = true;
                }
                "DEFAULT" => {
                    tokens.word()?;
                    default = tokens.literal()?;
                }
                other => return Err(format!("syntax error at {other}")),
            }
        }
        Ok((name, kind, not_null, default))
    })?;
    Ok(Statement::Create { table, columns })
}

fn insert(tokens: &mut Tokens) -> Result<Statement, String> {
    tokens.expect_word("INTO")?;
    let table = tokens.name()?;
    let columns = tokens.listed(Tokens::name)?;
    tokens.expect_word("VALUES")?;
    let mut rows = vec![tokens.listed(Tokens::literal)?];
    while tokens.peek() == Some(&Token::Sign(',')) {
        tokens.next += 1;
        rows.push(tokens.listed(Tokens::literal)?);
    }
    Ok(Statement::Insert { table, columns, rows })
}

struct Tokens {
    tokens: Vec<Token>,
    next: usize,
}

impl Tokens {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Result<Token, String> {
        self.next += 1;
        self.tokens.get(self.next - 1).cloned().ok_or_else(|| "syntax error at the end".to_owned())
    }

    fn word(&mut self) -> Result<String, String> {
        match self.take()? {
            Token::Word(word) => Ok(word),
            other => Err(format!("syntax error at {other:?}")),
        }
    }

    fn expect_word(&mut self, wanted: &str) -> Result<(), String> {
        let word = self.word()?;
        if word == wanted { Ok(()) } else { Err(format!("syntax error at {word}")) }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.take()? {
            Token::Name(name) => Ok(name),
            other => Err(format!("syntax error at {other:?}")),
        }
    }

    fn literal(&mut self) -> Result<Value, String> {
        match self.take()? {
            Token::Literal(value) => Ok(value),
            Token::Word(word) if word == "NULL" => Ok(Value::Null),
            Token::Word(word) if word == "TRUE" || word == "FALSE" => Ok((word == "TRUE").into()),
            other => Err(format!("syntax error at {other:?}")),
        }
    }

    /// `(item, item, …)`.
    fn listed<T>(&mut self, mut item: impl FnMut(&mut Tokens) -> Result<T, String>) -> Result<Vec<T>, String> {
        let mut items = Vec::new();
        let mut sign = self.take()?;
        while sign == Token::Sign(if items.is_empty() { '(' } else { ',' }) {
            items.push(item(self)?);
            sign = self.take()?;
        }
        if sign == Token::Sign(')') { Ok(items) } else { Err(format!("syntax error at {sign:?}")) }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '`' => {
                let end = rest[1..].find('`').ok_or("unclosed name")? + 1;
                tokens.push(Token::Name(rest[1..end].to_owned()));
                end + 1
            }
            '\'' => {
                let (value, length) = quoted(&rest[1..])?;
                tokens.push(Token::Literal(value.into()));
                length + 1
            }
            '(' | ')' | ',' => {
                tokens.push(Token::Sign(first));
                1
            }
            _ => {
                let end = rest.find(|char: char| char.is_whitespace() || "(),'`".contains(char)).unwrap_or(rest.len());
                let word = &rest[..end];
                match serde_json::from_str::<Value>(word) {
                    Ok(number) if number.is_number() => tokens.push(Token::Literal(number)),
                    _ => tokens.push(Token::Word(word.to_uppercase())),
                }
                end
            }
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// Text after its opening quote: backslashes escape, and no line ends within it.
fn quoted(text: &str) -> Result<(String, usize), String> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '\'' => return Ok((value, at + 1)),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, escaped @ ('\'' | '\\'))) => value.push(escaped),
                other => return Err(format!("illegal escape {other:?}")),
            },
            '\n' | '\r' => return Err("unclosed string literal".to_owned()),
            other => value.push(other),
        }
    }
    Err("unclosed string literal".to_owned())
}
