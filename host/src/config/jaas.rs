//! Login configurations of Java (JAAS), as far as workers use them: which module checks or gives a login, and its options.

use std::collections::BTreeMap;

/// One login module: `class flag option="value" …;`.
pub struct LoginModule {
    /// Its class.
    pub class: String,
    /// What stands in quotes behind the names.
    pub options: BTreeMap<String, String>,
}

impl LoginModule {
    /// Whether it is the module of this simple class name.
    pub fn is(&self, module: &str) -> bool {
        // Shaded copies (kafkashaded.…, in managed services' instructions) mean the same.
        self.class.rsplit('.').next() == Some(module)
    }

    /// Reads one module, the whole of a `sasl.jaas.config`.
    ///
    /// # Errors
    /// What is wrong; completes the sentence "the value …" and never repeats the text, which holds secrets.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = tokens(text)?.into_iter();
        let module = Self::take(&mut tokens)?.ok_or("is empty")?;
        if tokens.next().is_some() {
            return Err("must name one login module only".to_owned());
        }
        Ok(module)
    }

    /// Reads the modules of one entry of a login configuration file: `NAME { module; … };`. None if there is no such
    /// entry.
    ///
    /// # Errors
    /// As for [`parse`](Self::parse).
    pub fn of_entry(text: &str, name: &str) -> Result<Option<Vec<Self>>, String> {
        let mut tokens = tokens(text)?.into_iter().peekable();
        let mut found = None;
        while let Some(entry) = tokens.next() {
            if tokens.next().as_deref() != Some("{") {
                return Err(format!("has no {{ behind the name {entry}"));
            }
            let mut modules = Vec::new();
            while tokens.next_if(|token| token == "}").is_none() {
                modules.push(Self::take(&mut tokens)?.ok_or_else(|| format!("has no }} that closes {entry}"))?);
            }
            if tokens.next().as_deref() != Some(";") {
                return Err(format!("has no semicolon behind the entry {entry}"));
            }
            if entry == name {
                found = Some(modules);
            }
        }
        Ok(found)
    }

    /// The next module of a text; none at its end.
    fn take(tokens: &mut impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let Some(class) = tokens.next() else { return Ok(None) };
        let flag = tokens.next().unwrap_or_default().to_ascii_lowercase();
        if !["required", "requisite", "sufficient", "optional"].contains(&flag.as_str()) {
            return Err("must have the word required behind the login module".to_owned());
        }
        let mut options = BTreeMap::new();
        loop {
            match tokens.next().as_deref() {
                None => return Err("must end with a semicolon".to_owned()),
                Some(";") => return Ok(Some(Self { class, options })),
                Some(name) => {
                    let (Some("="), Some(value)) = (tokens.next().as_deref(), tokens.next()) else {
                        return Err("options must have the form name=\"value\"".to_owned());
                    };
                    options.insert(name.to_owned(), value);
                }
            }
        }
    }
}

/// Words, quoted strings with backslash escapes, and the marks `=`, `;`, `{`, `}`. Comments are those of Java.
fn tokens(text: &str) -> Result<Vec<String>, String> {
    const MARKS: [char; 4] = ['=', ';', '{', '}'];
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&next) = chars.peek() {
        if next.is_whitespace() {
            chars.next();
        } else if MARKS.contains(&next) {
            chars.next();
            tokens.push(next.to_string());
        } else if next == '/' {
            chars.next();
            comment(&mut chars)?;
        } else if next == '"' || next == '\'' {
            chars.next();
            tokens.push(quoted(&mut chars, next)?);
        } else {
            let mut word = String::new();
            while let Some(c) = chars.next_if(|c| !c.is_whitespace() && !MARKS.contains(c) && !['"', '\''].contains(c))
            {
                word.push(c);
            }
            tokens.push(word);
        }
    }
    Ok(tokens)
}

/// Passes over a comment whose first slash was taken.
fn comment(chars: &mut impl Iterator<Item = char>) -> Result<(), String> {
    match chars.next() {
        Some('/') => {
            chars.find(|c| *c == '\n');
            Ok(())
        }
        Some('*') => {
            let mut star = false;
            match chars.find(|c| std::mem::replace(&mut star, *c == '*') && *c == '/') {
                Some(_) => Ok(()),
                None => Err("has a comment without an end".to_owned()),
            }
        }
        _ => Err("has a slash outside of quotes".to_owned()),
    }
}

fn quoted(chars: &mut impl Iterator<Item = char>, quote: char) -> Result<String, String> {
    let unclosed = || "a quoted value has no closing quote".to_owned();
    let mut value = String::new();
    loop {
        match chars.next().ok_or_else(unclosed)? {
            c if c == quote => return Ok(value),
            '\\' => value.push(match chars.next().ok_or_else(unclosed)? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            }),
            c => value.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_may_be_quoted_escaped_or_bare() {
        let text = r#"org.apache.kafka.common.security.scram.ScramLoginModule required
            username="a b" password='it''s' tokenauth=true;"#;
        assert!(LoginModule::parse(text).is_err(), "two strings in a row");
        let text = r#"a.ScramLoginModule required username="a=\"b\";" tokenauth=true;"#;
        let login = LoginModule::parse(text).expect("valid");
        assert!(login.is("ScramLoginModule"));
        assert_eq!(login.options["username"], "a=\"b\";");
        assert_eq!(login.options["tokenauth"], "true");
    }

    #[test]
    fn mistakes_are_named_without_the_secret() {
        for text in [
            "",
            "a.PlainLoginModule username=\"u\" password=\"hunter2\";",
            "a.PlainLoginModule required username=\"u\" password=\"hunter2\"",
            "a.PlainLoginModule required username=\"u\" password=\"hunter2;",
            "a.PlainLoginModule required username \"hunter2\";",
            "a.PlainLoginModule required; b.PlainLoginModule required;",
        ] {
            let error = LoginModule::parse(text).err().expect("refused");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn entries_of_files_are_found_by_name() {
        let text = r#"
            // for clients
            KafkaClient { a.PlainLoginModule required username="u" password="p"; };
            /* for the * REST server */
            KafkaConnect {
                org.apache.PropertyFileLoginModule required
                file="/etc/c.properties"; // the file
            };"#;
        let found = LoginModule::of_entry(text, "KafkaConnect").expect("valid").expect("there");
        assert_eq!((found.len(), found[0].options["file"].as_str()), (1, "/etc/c.properties"));
        assert!(found[0].is("PropertyFileLoginModule"));
        assert!(LoginModule::of_entry(text, "Other").expect("valid").is_none());
        for wrong in ["a", "a {", "a { b required; }", "a { b required };", "/* a", "a { b required; } c"] {
            assert!(LoginModule::of_entry(wrong, "a").is_err(), "{wrong}");
        }
    }
}
