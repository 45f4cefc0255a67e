//! SASL: `sasl.mechanism` and `sasl.jaas.config` into user names, passwords and tokens.

use super::Properties;
use crate::config::LoginModule;

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
        Some(Err(reason)) => return properties.refuse(CONFIG, format!("{reason}; right is {EXAMPLE}")),
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
