//! URLs with places for parts of a record.

use crate::options::Wrong;
use ferroconnect_plugin_sdk::{Error, Record, Result, ValueRef};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::borrow::Cow;
use ureq::http::Uri;

/// What is put into a URL stays one part of it: only the unreserved characters of RFC 3986 stand for themselves.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Topic,
    Key,
}

/// A URL, in which `${topic}` and `${key}` stand for those of the record.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

impl Template {
    /// Reads the value of a key.
    pub(crate) fn parse(key: &'static str, text: &str) -> Result<Template, Wrong> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, behind) = after.split_once('}').ok_or_else(|| Wrong::new(key, "a ${ has no closing brace"))?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(match name {
                "topic" => Piece::Topic,
                "key" => Piece::Key,
                _ => return Err(Wrong::new(key, format!("${{{name}}} is unknown; there are ${{topic}} and ${{key}}"))),
            });
            rest = behind;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        let template = Template { pieces };
        check_url(key, &template.with(|_| Ok("x".into())).unwrap_or_default())?;
        Ok(template)
    }

    /// Whether the record's key stands in it.
    pub(crate) fn names_key(&self) -> bool {
        self.pieces.contains(&Piece::Key)
    }

    /// The URL for a record.
    ///
    /// # Errors
    /// A data error: the record has no key or topic that can stand in a URL.
    pub(crate) fn fill(&self, record: &Record) -> Result<Cow<'_, str>> {
        if let [Piece::Text(text)] = self.pieces.as_slice() {
            return Ok(text.into());
        }
        self.with(|piece| match piece {
            Piece::Topic => Ok(record.topic.as_str().into()),
            _ => key_text(record),
        })
        .map(Cow::Owned)
    }

    fn with<'a>(&self, part: impl Fn(&Piece) -> Result<Cow<'a, str>>) -> Result<String> {
        let mut url = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => url.push_str(text),
                _ => url.extend(utf8_percent_encode(steady(&part(piece)?)?, RESERVED)),
            }
        }
        Ok(url)
    }
}

/// Refuses what would not stay one part of the URL, encoded or not: servers take `.` and `..` for steps along the path,
/// and without any text the URL is that of the whole collection.
fn steady(part: &str) -> Result<&str> {
    match part {
        "" | "." | ".." => Err(Error::data(format!("'{part}' as ${{key}} or ${{topic}} would lead the URL elsewhere"))),
        _ => Ok(part),
    }
}

fn key_text(record: &Record) -> Result<Cow<'_, str>> {
    match record.key.value.view() {
        ValueRef::String(text) => Ok(text.as_str().into()),
        ValueRef::Boolean(value) => Ok(value.to_string().into()),
        ValueRef::Null => Err(Error::data("The URL names ${key}, and the record has no key")),
        _ => match record.key.value.as_integer() {
            Some(number) => Ok(number.to_string().into()),
            None => Err(Error::data(format!(
                "The URL names ${{key}}, which takes a text, a whole number or a boolean; the record's key is a {}",
                record.key.value.java_class()
            ))),
        },
    }
}

/// Holds the value of a key to what this connector can send to.
pub(crate) fn check_url(key: &'static str, url: &str) -> Result<(), Wrong> {
    let uri: Uri = url.parse().map_err(|_| Wrong::new(key, "this is no URL; one begins with http:// or https://"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(Wrong::new(key, "a URL that begins with http:// or https:// was expected"));
    }
    match uri.authority() {
        Some(authority) if authority.as_str().contains('@') => {
            Err(Wrong::new(key, "user and password do not belong in the URL, use the keys for authorization"))
        }
        Some(authority) if !authority.host().is_empty() => Ok(()),
        _ => Err(Wrong::new(key, "the URL names no host")),
    }
}

/// A URL as messages show it: without its query, which may hold secrets, and without a user.
pub(crate) fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_sdk::testkit::sink_record;
    use ferroconnect_plugin_sdk::{Data, ErrorKind, Value};

    fn filled(url: &str, key: Value) -> Result<String> {
        let mut record = sink_record("my topic", 0, 0, Data::NULL);
        record.key = Data::schemaless(key);
        Ok(Template::parse("url", url).unwrap().fill(&record)?.into_owned())
    }

    #[test]
    fn parts_of_a_record_stay_parts_of_the_url() {
        assert_eq!(filled("http://h/a?b=c", Value::NULL).unwrap(), "http://h/a?b=c");
        assert_eq!(filled("http://h/${topic}/${key}", Value::int8(-7)).unwrap(), "http://h/my%20topic/-7");
        let odd = filled("https://h/x/${key}?y=1", Value::string("../é?&#/a")).unwrap();
        assert_eq!(odd, "https://h/x/..%2F%C3%A9%3F%26%23%2Fa?y=1");
        let error = filled("http://h/${key}", Value::NULL).unwrap_err();
        assert_eq!(error.message(), "The URL names ${key}, and the record has no key");
        assert!(filled("http://h/${key}", Value::float64(1.0)).unwrap_err().message().ends_with("java.lang.Double"));
    }

    #[test]
    fn parts_do_not_lead_elsewhere() {
        for key in ["", ".", ".."] {
            let error = filled("http://h/all/${key}", Value::string(key)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::DATA);
            assert!(error.message().starts_with(&format!("'{key}' as ")), "{error}");
        }
        assert_eq!(filled("http://h/${key}", Value::string("...")).unwrap(), "http://h/...");
    }

    #[test]
    fn the_topic_is_that_which_transforms_gave() {
        let mut record = sink_record("read", 0, 0, Data::NULL);
        record.topic = "routed".into();
        assert_eq!(Template::parse("url", "http://h/${topic}").unwrap().fill(&record).unwrap(), "http://h/routed");
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for (url, part) in [
            ("h/a", "http://"),
            ("ftp://h", "http://"),
            ("http://u:p@h/", "user and password"),
            ("http://h/${value}", "${value} is unknown"),
            ("http://h/${key", "no closing brace"),
            ("", "http://"),
            ("http://h/a b", "no URL"),
        ] {
            let wrong = Template::parse("http.url", url).expect_err(url);
            assert!(wrong.reason.as_ref().is_some_and(|reason| reason.contains(part)), "{url}: {wrong:?}");
        }
    }

    #[test]
    fn secrets_of_urls_are_not_shown() {
        assert_eq!(shown("https://u:p@h:1/a?token=x"), "https://h:1/a");
        assert_eq!(shown("/login?next=x"), "/login");
        assert_eq!(shown("https://u:p@x@h/users/a@b"), "https://h/users/a@b");
        assert_eq!(shown("https://h/users/a@b"), "https://h/users/a@b");
    }
}
