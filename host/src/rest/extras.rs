//! Headers that the user asks for: cross-origin sharing for browsers, and any extra ones. Only the main listeners send
//! them, and refuse what pages of other sites make a browser ask for.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use crate::config::{HeaderAction, HeaderRule, RestSettings};
use crate::error::{ConnectError, Result};

use super::errors::ApiError;

const ORIGIN_KEY: &str = "access.control.allow.origin";
const METHODS_KEY: &str = "access.control.allow.methods";
const HEADERS_KEY: &str = "response.http.headers.config";

/// What a browser may send along, and how many seconds it may remember what it may do; as in Kafka Connect.
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static("Content-Type");
const MAX_AGE: HeaderValue = HeaderValue::from_static("60");

/// Where browsers say which site's page a request comes from (Fetch Metadata). They do for https and `localhost`.
const FETCH_SITE: &str = "sec-fetch-site";

/// The date of an HTTP header (RFC 9110).
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// The headers to add.
#[derive(Debug)]
pub(super) struct Extras {
    /// `None` while sharing is off.
    sharing: Option<Sharing>,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Sharing {
    origins: Vec<Regex>,
    methods: HeaderValue,
}

#[derive(Debug)]
struct Rule {
    name: HeaderName,
    value: RuleValue,
    /// Beside what is there, not instead of it.
    add: bool,
}

#[derive(Debug)]
enum RuleValue {
    Text(HeaderValue),
    /// This long after now.
    Date(SignedDuration),
}

impl Extras {
    /// Takes the settings apart. The errors name key and value.
    pub(super) fn new(settings: &RestSettings) -> Result<Self> {
        let origin = settings.allow_origin.trim();
        let sharing = if origin.is_empty() { None } else { Some(Sharing::new(origin, &settings.allow_methods)?) };
        let rules = settings.response_headers.iter().map(Rule::new).collect::<Result<_>>()?;
        Ok(Self { sharing, rules })
    }

    /// True if there is nothing to add.
    pub(super) fn is_empty(&self) -> bool {
        self.sharing.is_none() && self.rules.is_empty()
    }

    /// Whether a page of another site, which may not call, made a browser send a request that changes something. Browsers
    /// ask first for most of these, but not for a POST without a body, and send the user's password along.
    fn forbid(&self, request: &Request) -> bool {
        let looks = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        let site = request.headers().get(FETCH_SITE).map(HeaderValue::as_bytes);
        let origin = request.headers().get(header::ORIGIN);
        let allowed = self.sharing.as_ref().is_some_and(|sharing| origin.is_some_and(|it| sharing.allows(it)));
        !looks && matches!(site, Some(b"cross-site" | b"same-site")) && !allowed
    }
}

impl Sharing {
    fn new(origins: &str, methods: &str) -> Result<Self> {
        let pattern = |text: &str| {
            let text = text.trim();
            let pattern = if text == "*" { ".*" } else { text };
            Regex::new(&format!("^(?i:{pattern})$")).map_err(|error| {
                ConnectError::invalid_value(ORIGIN_KEY, text, "not a regular expression").caused_by(error)
            })
        };
        let methods = methods.trim();
        let listed = if methods.is_empty() { "GET,POST,HEAD" } else { methods };
        let methods = HeaderValue::from_str(listed)
            .map_err(|_| ConnectError::invalid_value(METHODS_KEY, methods, "not a list of HTTP methods"))?;
        Ok(Self { origins: origins.split(',').map(pattern).collect::<Result<_>>()?, methods })
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        origin.to_str().is_ok_and(|text| self.origins.iter().any(|pattern| pattern.is_match(text)))
    }

    /// The headers for a request from `origin`; none if that may not call.
    fn answer(&self, origin: Option<&HeaderValue>, preflight: bool, headers: &mut HeaderMap) {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = origin.filter(|origin| self.allows(origin)) else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if preflight {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        }
    }
}

impl Rule {
    fn new(rule: &HeaderRule) -> Result<Self> {
        let HeaderRule { action, name, value } = rule;
        let invalid = |reason: &str| ConnectError::invalid_value(HEADERS_KEY, format!("{name}:{value}"), reason);
        let name = HeaderName::try_from(name).map_err(|_| invalid("not the name of an HTTP header"))?;
        let value = match action {
            HeaderAction::Set | HeaderAction::Add => {
                RuleValue::Text(HeaderValue::from_str(value).map_err(|_| invalid("not the value of an HTTP header"))?)
            }
            HeaderAction::SetDate | HeaderAction::AddDate => {
                let millis =
                    value.parse().map_err(|_| invalid("a date is given as a number of milliseconds from now"))?;
                RuleValue::Date(SignedDuration::from_millis(millis))
            }
        };
        Ok(Self { name, value, add: matches!(action, HeaderAction::Add | HeaderAction::AddDate) })
    }

    fn apply(&self, now: Timestamp, headers: &mut HeaderMap) {
        let value = match &self.value {
            RuleValue::Text(value) => value.clone(),
            RuleValue::Date(offset) => match http_date(now, *offset) {
                Some(value) => value,
                None => return,
            },
        };
        if self.add {
            headers.append(self.name.clone(), value);
        } else {
            headers.insert(self.name.clone(), value);
        }
    }
}

/// `None` when the date lies beyond the calendar.
fn http_date(now: Timestamp, offset: SignedDuration) -> Option<HeaderValue> {
    let at = now.checked_add(offset).ok()?;
    HeaderValue::from_str(&at.strftime(HTTP_DATE).to_string()).ok()
}

/// Refuses what pages of other sites may not ask for. Stands behind the gate, so that logs know whose browser it was.
pub(super) async fn refuse_other_sites(State(extras): State<Arc<Extras>>, request: Request, next: Next) -> Response {
    if extras.forbid(&request) {
        let message = format!("Pages of other sites may not change anything here ({ORIGIN_KEY}).");
        return ApiError::new(StatusCode::FORBIDDEN, message).into_response();
    }
    next.run(request).await
}

/// Adds the headers to every answer. Requests of browsers that ask first are answered by the resources, as in Kafka
/// Connect.
pub(super) async fn add(State(extras): State<Arc<Extras>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let preflight =
        *request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Some(sharing) = &extras.sharing {
        sharing.answer(origin.as_ref(), preflight, headers);
    }
    let now = Timestamp::now();
    extras.rules.iter().for_each(|rule| rule.apply(now, headers));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sharing(origins: &str, origin: &'static str, preflight: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let origin = HeaderValue::from_static(origin);
        Sharing::new(origins, "").unwrap().answer(Some(&origin), preflight, &mut headers);
        headers
    }

    #[test]
    fn origins_are_patterns_in_any_case() {
        let allowed = |origins, origin| {
            let headers = sharing(origins, origin, false);
            assert_eq!(headers[header::VARY], "Origin");
            headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).is_some_and(|echo| echo == origin)
        };
        assert!(allowed("*", "http://any"));
        assert!(allowed(r"http://a.com, http://.*\.b\.com", "http://A.com"));
        assert!(allowed(r"http://a.com,http://.*\.b\.com", "http://x.b.com"));
        assert!(!allowed("http://a.com", "http://a.com.evil.com"));
        assert!(Sharing::new("(", "").is_err());
    }

    #[test]
    fn browsers_that_ask_first_are_told_what_they_may_do() {
        let headers = sharing("*", "http://any", true);
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_METHODS], "GET,POST,HEAD");
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_HEADERS], "Content-Type");
        assert_eq!(headers[header::ACCESS_CONTROL_MAX_AGE], "60");
        assert!(!sharing("*", "http://any", false).contains_key(header::ACCESS_CONTROL_MAX_AGE));
    }

    #[test]
    fn pages_of_other_sites_change_nothing_unless_they_may_call() {
        let extras = |sharing| Extras { sharing, rules: Vec::new() };
        let (closed, open) = (extras(None), extras(Some(Sharing::new("http://a.com", "").unwrap())));
        let forbidden = |extras: &Extras, method: &str, site: Option<&str>, origin: &str| {
            let request = Request::builder().method(method).header(header::ORIGIN, origin);
            let request = site.into_iter().fold(request, |request, site| request.header(FETCH_SITE, site));
            extras.forbid(&request.body(axum::body::Body::empty()).unwrap())
        };
        for site in ["cross-site", "same-site"] {
            assert!(forbidden(&closed, "POST", Some(site), "http://a.com"));
            assert!(forbidden(&open, "POST", Some(site), "http://b.com"));
            assert!(!forbidden(&open, "POST", Some(site), "http://a.com"));
            assert!(!forbidden(&closed, "GET", Some(site), "http://a.com"));
        }
        for site in [None, Some("same-origin"), Some("none")] {
            assert!(!forbidden(&closed, "DELETE", site, "http://a.com"));
        }
    }

    #[test]
    fn rules_set_and_add() {
        let rule = |action, name: &str, value: &str| {
            Rule::new(&HeaderRule { action, name: name.into(), value: value.into() }).unwrap()
        };
        let mut headers = HeaderMap::new();
        for rule in [
            rule(HeaderAction::Set, "X-A", "1"),
            rule(HeaderAction::Set, "X-A", "2"),
            rule(HeaderAction::Add, "X-A", "3"),
            rule(HeaderAction::SetDate, "Expires", "86400000"),
        ] {
            rule.apply(Timestamp::UNIX_EPOCH, &mut headers);
        }
        let values: Vec<_> = headers.get_all("X-A").iter().collect();
        assert_eq!(values, ["2", "3"]);
        assert_eq!(headers["Expires"], "Fri, 02 Jan 1970 00:00:00 GMT");
        let bad = HeaderRule { action: HeaderAction::AddDate, name: "Date".into(), value: "soon".into() };
        assert!(Rule::new(&bad).unwrap_err().message().contains("milliseconds from now"));
    }
}
