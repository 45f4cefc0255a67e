//! Access tokens.

use crate::client::{Answer, Client, Outcome};
use crate::common::basic;
use crate::options::OAuth2;
use crate::statuses::Statuses;
use ferroconnect_plugin_sdk::{Error, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::fmt::Write as _;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE};
use ureq::http::{HeaderValue, Method};

/// What a form leaves as it is.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// Asks for a token: the value of an `Authorization` header, or why there is none now.
///
/// # Errors
/// The answer will not get better by itself: the credentials are wrong, or there is no token in it.
pub(crate) fn fetch(client: &Client, oauth: &OAuth2) -> Result<Result<HeaderValue, Answer>> {
    let mut fields: Vec<_> = oauth.form.iter().collect();
    let mut headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))];
    if oauth.in_form {
        fields.extend([&oauth.id, &oauth.secret]);
    } else {
        headers.push((AUTHORIZATION, basic(&oauth.id.1, &oauth.secret.1)));
    }
    // Which statuses the server of the records has for what passes says nothing about this one.
    let answer = client.send(&Method::POST, &oauth.url, &headers, form(&fields).as_bytes(), &Statuses::default());
    match answer.outcome {
        Outcome::Accepted => token(oauth, &answer.body).map(Ok),
        Outcome::Later { .. } => Ok(Err(answer)),
        Outcome::Refused { .. } => {
            Err(Error::fatal("Couldn't get OAuth2 access token").caused_by(Error::fatal(answer.message).into_abi()))
        }
    }
}

fn form(fields: &[&(String, String)]) -> String {
    let mut form = String::new();
    for (name, value) in fields {
        let mark = if form.is_empty() { "" } else { "&" };
        let (name, value) = (utf8_percent_encode(name, FORM), utf8_percent_encode(value, FORM));
        let _ = write!(form, "{mark}{name}={value}");
    }
    form
}

fn token(oauth: &OAuth2, body: &[u8]) -> Result<HeaderValue> {
    // What the server says of a token is not shown, the token would be in it.
    let answer: Value = serde_json::from_slice(body).map_err(|_| no_token(oauth, "is no JSON"))?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let token = text(&oauth.token_property).ok_or_else(|| {
        let names: Vec<_> = answer.as_object().map(|all| all.keys().map(String::as_str).collect()).unwrap_or_default();
        no_token(oauth, &format!("has only {names:?}"))
    })?;
    let value = format!("{} {token}", text("token_type").unwrap_or("Bearer"));
    let mut value =
        HeaderValue::try_from(value).map_err(|_| no_token(oauth, "holds a token that no header can hold"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn no_token(oauth: &OAuth2, what: &str) -> Error {
    let property = &oauth.token_property;
    Error::fatal(format!("Couldn't find access token property {property}: the answer {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = [field("grant_type", "client_credentials"), field("client secret", "ü&=+ x*-._~")];
        assert_eq!(
            form(&fields.iter().collect::<Vec<_>>()),
            "grant_type=client_credentials&client%20secret=%C3%BC%26%3D%2B%20x*-._%7E"
        );
    }
}
