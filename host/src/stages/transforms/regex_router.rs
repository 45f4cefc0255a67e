//! RegexRouter: changes the topic by a regular expression.

use ferroconnect_plugin_abi::{Record, Text};

use super::config::parse;
use crate::config::{ConfigDef, ConfigKey, Importance, Props, Type, Validator};
use crate::error::{ConnectError, Result};
use crate::java_regex::{JavaRegex, Replacement};
use crate::stages::Transform;

const REGEX: &str = "regex";
const REPLACEMENT: &str = "replacement";

/// Where the whole topic matches, replaces the first place that matches. That place can be shorter than the topic.
pub(super) struct RegexRouter {
    regex: JavaRegex,
    replacement: Replacement,
    /// The last topic and what it becomes: neighbours mostly have the same.
    last: Option<(Text, Text)>,
}

impl RegexRouter {
    pub(super) fn config_def() -> ConfigDef {
        let regex = "Regular expression (Java's) that the whole topic has to match.";
        let replacement = "What the topic becomes; `$1` and `${name}` stand for groups of the expression.";
        ConfigDef::new()
            .key(ConfigKey::required(REGEX, Type::String, Importance::High, regex).check(Validator::Regex))
            .key(ConfigKey::required(REPLACEMENT, Type::String, Importance::High, replacement))
    }

    pub(super) fn configured(props: &Props) -> Result<Self> {
        let config = parse(&Self::config_def(), props)?;
        let regex = JavaRegex::compile(config.str(REGEX)).map_err(|error| ConnectError::config(error.to_string()))?;
        let replacement = regex.replacement(config.str(REPLACEMENT));
        Ok(Self { regex, replacement, last: None })
    }

    fn route(&self, topic: &Text) -> Result<Text> {
        if self.regex.matches(topic.as_str())?
            && let Some(routed) = self.regex.replace_first(topic.as_str(), &self.replacement)?
        {
            return Ok(routed.into());
        }
        Ok(topic.clone())
    }
}

impl Transform for RegexRouter {
    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        record.topic = match &self.last {
            Some((topic, routed)) if *topic == record.topic => routed.clone(),
            _ => {
                let routed = self.route(&record.topic)?;
                self.last = Some((record.topic.clone(), routed.clone()));
                routed
            }
        };
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_abi::Data;

    fn router(regex: &str, replacement: &str) -> Result<RegexRouter> {
        RegexRouter::configured(&Props::from([(REGEX, regex), (REPLACEMENT, replacement)]))
    }

    fn routed(router: &mut RegexRouter, topic: &str) -> Result<String> {
        let mut record = Record::new(topic, Data::default());
        router.apply(&mut record)?;
        Ok(record.topic.as_str().to_owned())
    }

    #[test]
    fn whole_topics_are_matched_and_the_first_place_is_replaced() {
        let mut dates = router(r"(.*)-(\d{4})", "$2/$1").expect("right");
        for (topic, expected) in
            [("a-2024", "2024/a"), ("a-2024", "2024/a"), ("a-2024x", "a-2024x"), ("b-1999", "1999/b")]
        {
            assert_eq!(routed(&mut dates, topic).expect("routed"), expected);
        }
        assert_eq!(routed(&mut router("a|ab", "X").expect("right"), "ab").expect("routed"), "Xb");
    }

    #[test]
    fn mistakes_show_where_java_shows_them() {
        let error = router("[", "x").err().expect("no expression");
        assert!(error.message().starts_with("Invalid value [ for configuration regex: Invalid regex: Unclosed"));
        let mut missing = router("(a)", "$3").expect("the replacement is looked at later");
        assert_eq!(routed(&mut missing, "b").expect("does not match"), "b");
        let error = routed(&mut missing, "a").expect_err("there is no group 3");
        assert_eq!(error.class_name(), "java.lang.IndexOutOfBoundsException");
        assert_eq!(error.message(), "No group 3");
    }
}
