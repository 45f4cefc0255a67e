//! SASL: `sasl.mechanism` and `sasl.jaas.config` into user names, passwords and tokens.

use std::collections::BTreeMap;

use super::Properties;

const CONFIG: &str = "sasl.jaas.config";
const MECHANISM: &str = "sasl.mechanism";
const ENDPOINT: &str = "sasl.oauthbearer.token.endpoint.url";
const EXAMPLE: &str = "org.apache.kafka.common.security.plain.PlainLoginModule required \
                       username=\"…\" password=\"…\";";

pub(super) fn settings(properties: &mut Properties) {
    let mechanism = properties.text(MECHANISM).unwrap_or("GSSAPI").to_ascii_uppercase();
    let module = match mechanism.as_str() {
        "PLAIN" => "PlainLoginModule",
        "SCRAM-SHA-256" | "SCRAM-SHA-512" => "ScramLoginModule",
        "OAUTHBEARER" => "OAuthBearerLoginModule",
        "GSSAPI" => {
            return properties.refuse(
                MECHANISM,
                "GSSAPI (Kerberos), the default, is not built in; use PLAIN, SCRAM-SHA-256, \
                 SCRAM-SHA-512 or OAUTHBEARER",
            );
        }
        _ => {
            return properties.refuse(MECHANISM, "must be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER");
        }
    };
    properties.put(MECHANISM, "sasl.mechanisms", mechanism.as_str());
    let login = match properties.text(CONFIG).map(LoginModule::parse) {
        Some(Ok(login)) if login.is(module) => login,
        Some(Ok(_)) => {
            let reason = format!("{MECHANISM}={mechanism} needs the login module {module}");
            return properties.refuse(CONFIG, reason);
        }
        Some(Err(reason)) => return properties.refuse(CONFIG, reason),
        // librdkafka's own names do as well.
        None if properties.text("sasl.username").is_some() => return,
        None if properties.text("sasl.oauthbearer.config").is_some() => return,
        None => {
            let reason = format!("is needed with {MECHANISM}={mechanism}, for example {EXAMPLE}");
            return properties.refuse(CONFIG, reason);
        }
    };
    if mechanism == "OAUTHBEARER" {
        return bearer(properties, &login);
    }
    for (option, name) in [("username", "sasl.username"), ("password", "sasl.password")] {
        match login.options.get(option) {
            Some(value) => properties.put(CONFIG, name, value.as_str()),
            None => properties.refuse(CONFIG, format!("the option {option} is missing")),
        }
    }
}

/// The login module makes unsecured tokens for tests, or it fetches them from an endpoint.
fn bearer(properties: &mut Properties, login: &LoginModule) {
    const SUBJECT: &str = "unsecuredLoginStringClaim_sub";
    if properties.text(ENDPOINT).is_some() {
        return properties.refuse(
            ENDPOINT,
            "tokens from an endpoint are not built in yet; use PLAIN, SCRAM-SHA-256 or \
             SCRAM-SHA-512",
        );
    }
    let Some(subject) = login.options.get(SUBJECT) else {
        return properties.refuse(CONFIG, format!("needs {SUBJECT} (an unsecured token, for tests only)"));
    };
    if subject.contains([' ', ',', '"']) {
        return properties.refuse(CONFIG, format!("{SUBJECT} must be one word"));
    }
    let mut config = format!("principal={subject}");
    if let Some(seconds) = login.options.get("unsecuredLoginLifetimeSeconds") {
        config.push_str(&format!(" lifeSeconds={seconds}"));
    }
    properties.put(CONFIG, "enable.sasl.oauthbearer.unsecure.jwt", "true");
    properties.put(CONFIG, "sasl.oauthbearer.config", config);
}

/// One login module: `class flag option="value" …;`.
struct LoginModule {
    class: String,
    options: BTreeMap<String, String>,
}

impl LoginModule {
    fn is(&self, module: &str) -> bool {
        // Shaded copies (kafkashaded.…, in managed services' instructions) mean the same.
        self.class.rsplit('.').next() == Some(module)
    }

    /// Errors never repeat the text, which holds secrets.
    fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = tokens(text)?.into_iter();
        let class = tokens.next().ok_or_else(|| format!("is empty; right is {EXAMPLE}"))?;
        let flag = tokens.next().unwrap_or_default().to_ascii_lowercase();
        if !["required", "requisite", "sufficient", "optional"].contains(&flag.as_str()) {
            return Err(format!("the login module must be followed by the word required; right is {EXAMPLE}"));
        }
        let mut options = BTreeMap::new();
        loop {
            match tokens.next().as_deref() {
                None => return Err("must end with a semicolon".to_owned()),
                Some(";") => break,
                Some(name) => {
                    let (Some("="), Some(value)) = (tokens.next().as_deref(), tokens.next()) else {
                        return Err("options must have the form name=\"value\"".to_owned());
                    };
                    options.insert(name.to_owned(), value);
                }
            }
        }
        if tokens.next().is_some() {
            return Err("must name one login module only".to_owned());
        }
        Ok(Self { class, options })
    }
}

/// Words, quoted strings with backslash escapes, `=` and `;`.
fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&next) = chars.peek() {
        if next.is_whitespace() {
            chars.next();
        } else if next == '=' || next == ';' {
            chars.next();
            tokens.push(next.to_string());
        } else if next == '"' || next == '\'' {
            chars.next();
            tokens.push(quoted(&mut chars, next)?);
        } else {
            let mut word = String::new();
            while let Some(c) = chars.next_if(|c| !c.is_whitespace() && !['=', ';', '"', '\''].contains(c)) {
                word.push(c);
            }
            tokens.push(word);
        }
    }
    Ok(tokens)
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
}
