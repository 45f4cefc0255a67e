//! The rules of data contracts: what a registered schema wants done to values, such as encrypting a field.
//!
//! No rule is run here. Data that a rule would have changed or refused must not pass as if there were none: plain text would
//! stand where readers and the law expect a secret.

use ferroconnect_plugin_sdk::{Error, Result};
use serde_json::Value as Json;

/// Which way data goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Into the topic.
    Write,
    /// Out of the topic.
    Read,
}

/// The first rule that would have to run each way, by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rules {
    write: Option<String>,
    read: Option<String>,
}

impl Rules {
    /// Those of an answer with a schema. Rules for migrations are left out: records are read by the schema that they were
    /// written with, so none of them would run.
    pub(super) fn of(answer: &Json) -> Rules {
        let set = &answer["ruleSet"];
        // Where rules run: without a word everywhere, and otherwise mostly in other programs than clients.
        if !matches!(set["enableAt"].as_str(), None | Some("ALL" | "CLIENT")) {
            return Rules::default();
        }
        let all = ["domainRules", "encodingRules"].iter().filter_map(|kind| set[*kind].as_array()).flatten();
        let enabled: Vec<&Json> = all.filter(|rule| rule["disabled"] != true).collect();
        let first = |way: Way| {
            let own = match way {
                Way::Write => "WRITE",
                Way::Read => "READ",
            };
            let runs = |rule: &&&Json| match rule["mode"].as_str() {
                Some(mode) => mode == own || mode == "WRITEREAD",
                None => true,
            };
            let mut counting = enabled.iter().filter(runs).filter(|rule| !may_fail(rule, way));
            counting.next().map(|rule| rule["name"].as_str().unwrap_or("without a name").to_owned())
        };
        Rules { write: first(Way::Write), read: first(Way::Read) }
    }

    /// Refuses a schema that has a rule for this way. `schema` = which one, as in "schema 7".
    ///
    /// # Errors
    /// A data error that names the schema and the rule.
    pub(super) fn check(&self, way: Way, schema: &str) -> Result<()> {
        let (rule, done) = match way {
            Way::Write => (&self.write, "written"),
            Way::Read => (&self.read, "read"),
        };
        match rule {
            None => Ok(()),
            Some(rule) => Err(Error::data(format!(
                "The data contract of {schema} has the rule '{rule}' for records that are {done}, and this converter runs no \
                 rules. Disable the rule in the registry, or let a client that runs it do this"
            ))),
        }
    }
}

/// Whether data passes as it is where a rule fails. One that nobody can run has failed: Confluent's clients do the same where
/// they lack what runs it. The usual rule for secrets lets those read on who have no key, and shows them the secret text.
fn may_fail(rule: &Json, way: Way) -> bool {
    let action = rule["onFailure"].as_str().unwrap_or_default();
    // A rule for both ways may have an action for each.
    let action = match action.split_once(',') {
        Some((write, read)) if rule["mode"] == "WRITEREAD" => match way {
            Way::Write => write,
            Way::Read => read.split(',').next().unwrap_or_default(),
        },
        _ => action,
    };
    action.trim() == "NONE"
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_sdk::ErrorKind;
    use serde_json::json;

    /// Whether a schema with these rules may be written by, and read by.
    fn allowed(set: Json) -> (bool, bool) {
        let rules = Rules::of(&json!({ "schema": "\"string\"", "ruleSet": set }));
        (rules.check(Way::Write, "schema 7").is_ok(), rules.check(Way::Read, "schema 7").is_ok())
    }

    #[test]
    fn rules_count_where_and_when_a_client_would_run_them() {
        let rule = |mode: &str| json!([{ "name": "r", "mode": mode, "type": "ENCRYPT" }]);
        assert_eq!(allowed(Json::Null), (true, true));
        assert_eq!(allowed(json!({ "domainRules": [] })), (true, true));
        assert_eq!(allowed(json!({ "domainRules": rule("WRITEREAD") })), (false, false));
        assert_eq!(allowed(json!({ "domainRules": rule("WRITE") })), (false, true));
        assert_eq!(allowed(json!({ "encodingRules": rule("READ") })), (true, false));
        assert_eq!(allowed(json!({ "domainRules": [{ "name": "r" }] })), (false, false));
        assert_eq!(allowed(json!({ "migrationRules": rule("UPGRADE") })), (true, true));
        let disabled = json!([{ "name": "r", "mode": "WRITEREAD", "disabled": true }]);
        assert_eq!(allowed(json!({ "domainRules": disabled, "encodingRules": rule("WRITE") })), (false, true));
        assert_eq!(allowed(json!({ "domainRules": disabled })), (true, true));
        assert_eq!(allowed(json!({ "domainRules": rule("WRITE"), "enableAt": "GATEWAY" })), (true, true));
        assert_eq!(allowed(json!({ "domainRules": rule("WRITE"), "enableAt": "CLIENT" })), (false, true));
    }

    #[test]
    fn rules_that_may_fail_let_data_pass() {
        for (mode, action, expected) in [
            ("WRITEREAD", "ERROR,NONE", (false, true)),
            ("WRITEREAD", "NONE,ERROR", (true, false)),
            ("WRITEREAD", "NONE", (true, true)),
            ("WRITEREAD", "ERROR", (false, false)),
            ("WRITEREAD", "DLQ,NONE", (false, true)),
            ("WRITEREAD", "", (false, false)),
            ("READ", "NONE", (true, true)),
            ("WRITE", "NONE", (true, true)),
            // Only a rule for both ways has two actions: this is one that nobody knows.
            ("READ", "ERROR,NONE", (true, false)),
        ] {
            let rule = json!({ "name": "r", "mode": mode, "onFailure": action });
            assert_eq!(allowed(json!({ "domainRules": [rule] })), expected, "{mode} {action}");
        }
        // Another rule that may not fail still counts, and is the one that is named.
        let mixed = json!([
            { "name": "a", "mode": "WRITEREAD", "onFailure": "ERROR,NONE" },
            { "name": "b", "mode": "READ" },
        ]);
        let rules = Rules::of(&json!({ "ruleSet": { "encodingRules": mixed } }));
        let error = rules.check(Way::Read, "schema 7").expect_err("refused");
        assert!(error.message().contains("the rule 'b' for records that are read"), "{error}");
    }

    #[test]
    fn schema_and_rule_are_named() {
        let rules = Rules::of(&json!({ "ruleSet": { "domainRules": [{ "name": "secrets", "mode": "WRITE" }] } }));
        let error = rules.check(Way::Write, "schema 7").expect_err("refused");
        let text = "The data contract of schema 7 has the rule 'secrets' for records that are written";
        assert!(error.kind() == ErrorKind::DATA && error.message().starts_with(text), "{error}");
    }
}
