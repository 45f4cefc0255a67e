//! What somebody may do, and what a request needs for it.

use axum::http::{Method, StatusCode};
use regex::RegexSet;

use crate::config::{PERMISSIONS_FILE, READ_ONLY_USERS};
use crate::rest::errors::ApiError;

/// The route of validations, which change nothing although they are put.
pub(in crate::rest) const VALIDATE: &str = "/connector-plugins/{plugin}/config/validate";

/// Some of the connectors, by their names.
#[derive(Debug, Clone)]
pub(super) enum Names {
    All,
    /// Those that match one of the patterns.
    Some {
        /// As they were written, for people and for the web page.
        patterns: Vec<String>,
        any: RegexSet,
    },
}

impl Names {
    pub(super) fn none() -> Self {
        Self::Some { patterns: Vec::new(), any: RegexSet::empty() }
    }

    /// Reads patterns separated by commas, in which `*` stands for any characters and all else for itself. The pattern
    /// has to match the whole name.
    ///
    /// # Errors
    /// The list or one of its entries is empty.
    pub(super) fn parse(list: &str) -> Result<Self, String> {
        let patterns: Vec<String> = list.split(',').map(|pattern| pattern.trim().to_owned()).collect();
        if patterns.iter().any(String::is_empty) {
            return Err(
                "has an empty pattern; write names of connectors separated by commas, * for any characters".into()
            );
        }
        if patterns.iter().any(|pattern| pattern == "*") {
            return Ok(Self::All);
        }
        let whole = |pattern: &String| {
            let parts: Vec<String> = pattern.split('*').map(regex::escape).collect();
            format!(r"(?s)\A{}\z", parts.join(".*"))
        };
        let any = RegexSet::new(patterns.iter().map(whole)).map_err(|error| format!("is too large: {error}"))?;
        Ok(Self::Some { patterns, any })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Some { any, .. } => any.is_match(name),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Some { patterns, .. } if patterns.is_empty())
    }

    /// The patterns that these are.
    fn patterns(&self) -> Vec<&str> {
        match self {
            Self::All => vec!["*"],
            Self::Some { patterns, .. } => patterns.iter().map(String::as_str).collect(),
        }
    }
}

/// How far somebody gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::rest) enum Access {
    None,
    See,
    Change,
}

impl Access {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "see" => Ok(Self::See),
            "change" => Ok(Self::Change),
            other => Err(format!("is {other}; it may be see or change")),
        }
    }

    /// As it is written in files and told to the web page.
    pub(in crate::rest) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::See => "see",
            Self::Change => "change",
        }
    }
}

/// What somebody may do.
#[derive(Debug, Clone)]
pub(in crate::rest) struct Rights {
    /// Connectors beyond those that may be changed.
    pub(super) see: Names,
    pub(super) change: Names,
    pub(super) loggers: Access,
    /// Takes from the others what would change something.
    read_only: bool,
}

impl Rights {
    /// Those of everybody where nothing is said about rights.
    pub(super) fn all() -> Self {
        Self { see: Names::All, change: Names::All, loggers: Access::Change, read_only: false }
    }

    /// Those of somebody who is not named where rights are given.
    pub(super) fn none() -> Self {
        Self { see: Names::none(), change: Names::none(), loggers: Access::None, read_only: false }
    }

    /// What is left of them for somebody who may only look.
    pub(super) fn read_only(self) -> Self {
        Self { read_only: true, ..self }
    }

    /// The connectors that may be changed, as patterns.
    pub(in crate::rest) fn changeable(&self) -> Vec<&str> {
        if self.read_only { Vec::new() } else { self.change.patterns() }
    }

    /// How far somebody gets with log levels.
    pub(in crate::rest) fn loggers(&self) -> Access {
        if self.read_only { self.loggers.min(Access::See) } else { self.loggers }
    }

    /// Whether this connector is to be shown.
    pub(super) fn shows(&self, name: &str) -> bool {
        self.see.has(name) || self.change.has(name)
    }

    fn suffice(&self, need: Need<'_>) -> bool {
        match need {
            _ if self.read_only && !need.is_of_readers() => false,
            Need::Presence => !self.are_none(),
            Need::See(name) => self.shows(name),
            Need::Validate => !self.change.is_empty(),
            Need::SeeLoggers => self.loggers >= Access::See,
            Need::Change(name) => self.change.has(name),
            Need::ChangeSome => !self.change.is_empty(),
            Need::ChangeLoggers => self.loggers == Access::Change,
            Need::Everything => matches!(self.change, Names::All) && self.loggers == Access::Change,
        }
    }

    fn are_none(&self) -> bool {
        self.see.is_empty() && self.change.is_empty() && self.loggers == Access::None
    }

    /// Whether they are enough.
    ///
    /// # Errors
    /// The answer for `user`, who has not got the right; it does not tell whether the connector exists.
    pub(super) fn must(&self, user: Option<&str>, need: Need<'_>) -> Result<(), ApiError> {
        if self.suffice(need) {
            return Ok(());
        }
        let who = user.map_or_else(|| "A client without a certificate".to_owned(), |user| format!("User {user}"));
        let message = if self.are_none() {
            format!("{who} has no rights here ({PERMISSIONS_FILE}).")
        } else if self.read_only && !need.is_of_readers() {
            format!("{who} may look but not change anything ({READ_ONLY_USERS}).")
        } else {
            format!("{who} may not {} ({PERMISSIONS_FILE}).", need.verb())
        };
        Err(ApiError::new(StatusCode::FORBIDDEN, message))
    }
}

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rest) enum Need<'a> {
    /// To be somebody who has any right. Lists show each one what is theirs.
    Presence,
    See(&'a str),
    Change(&'a str),
    /// To change any connector. The handler asks again, when it knows which.
    ChangeSome,
    /// To check a configuration, which runs code of a plugin.
    Validate,
    SeeLoggers,
    ChangeLoggers,
    Everything,
}

impl<'a> Need<'a> {
    /// What a request for `route` needs, a path of the router, in which `connector` is the name of a connector.
    pub(super) fn of(method: &Method, route: &str, connector: Option<&'a str>) -> Self {
        let looks = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        match (route, connector) {
            (_, Some(name)) if looks => Self::See(name),
            (_, Some(name)) => Self::Change(name),
            (VALIDATE, _) => Self::Validate,
            ("/connectors", _) if !looks => Self::ChangeSome,
            ("/admin/loggers" | "/admin/loggers/{logger}", _) if looks => Self::SeeLoggers,
            ("/admin/loggers/{logger}", _) => Self::ChangeLoggers,
            ("/" | "/health" | "/openapi.json" | "/metrics" | "/connectors" | "/ui", _)
            | ("/connector-plugins" | "/connector-plugins/{plugin}/config", _)
                if looks =>
            {
                Self::Presence
            }
            (page, _) if looks && page.starts_with("/ui/") => Self::Presence,
            // What is new is for those who may do everything, until somebody thinks about it.
            _ => Self::Everything,
        }
    }

    /// Whether those who may only look have it. A validation changes nothing.
    fn is_of_readers(self) -> bool {
        matches!(self, Self::Presence | Self::See(_) | Self::SeeLoggers | Self::Validate)
    }

    fn verb(self) -> String {
        match self {
            Self::Presence | Self::Everything => "do this".to_owned(),
            Self::See(name) => format!("see connector {name}"),
            Self::Change(name) => format!("change connector {name}"),
            Self::ChangeSome => "create connectors".to_owned(),
            Self::Validate => "validate configurations without the right to change a connector".to_owned(),
            Self::SeeLoggers => "see log levels".to_owned(),
            Self::ChangeLoggers => "change log levels".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(list: &str, name: &str) -> bool {
        Names::parse(list).expect("right").has(name)
    }

    #[test]
    fn patterns_match_whole_names_and_only_the_star_is_special() {
        assert!(has("orders", "orders") && !has("orders", "orders-2") && !has("orders", "my-orders"));
        assert!(has("orders-*", "orders-") && has("orders-*", "orders-a\nb") && !has("orders-*", "Orders-a"));
        assert!(has(" a*b*c , d", "a-b-b-c") && has("a*b*c,d", "d") && !has("a*b*c", "a-c-b"));
        assert!(!has("orders.*", "orders-1") && has("orders.*", "orders.1"), "a dot is a dot");
        assert!(!has("a|b", "a") && has("[a]", "[a]") && !has("[a]", "a"));
        assert!(has("a, *", "anything") && has("*", ""));
        for wrong in ["", " ", "a,,b", "a,"] {
            assert!(Names::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_route_has_its_need() {
        let document = include_str!("../../../../docs/openapi.json");
        let document: serde_json::Value = serde_json::from_str(document).expect("JSON");
        let paths = document["paths"].as_object().expect("an object");
        for (path, operations) in paths {
            let connector = path.contains("{connector}").then_some("c");
            assert_eq!(connector.is_some(), path.starts_with("/connectors/"), "{path}");
            for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                if operations.get(method.as_str().to_lowercase()).is_some() {
                    assert_ne!(Need::of(&method, path, connector), Need::Everything, "{method} {path}");
                }
            }
        }
    }

    #[test]
    fn routes_that_nobody_thought_about_are_for_those_who_may_do_everything() {
        let need = |method, route, connector| Need::of(&method, route, connector);
        assert_eq!(need(Method::GET, "/new", None), Need::Everything);
        assert_eq!(need(Method::POST, "/connector-plugins", None), Need::Everything);
        assert_eq!(need(Method::POST, "/ui/rights", None), Need::Everything);
        assert_eq!(need(Method::DELETE, "/connectors/{connector}/new", Some("a")), Need::Change("a"));
        assert_eq!(need(Method::OPTIONS, "/connectors/{connector}", Some("a")), Need::See("a"));
        assert!(!Rights { change: Names::All, ..Rights::none() }.suffice(Need::Everything));
        assert!(Rights::all().suffice(Need::Everything) && !Rights::all().read_only().suffice(Need::Everything));
    }
}
