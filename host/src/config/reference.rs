//! The reference page `docs/configuration.md`, written from the definitions so that it cannot
//! say anything else than the program does.

use super::auto_restart;
use super::catalog::ConnectorKind;
use super::connector_keys::{Surroundings, common_def, connector_def};
use super::dead_letters;
use super::def::{ConfigDef, ConfigKey, Importance};
use super::topic_creation;
use super::validators::Validator;
use super::value::{Type, Value};
use super::worker_keys::{Mode, worker_def};
use crate::stages::transforms::config::syntax_version_key;

const INTRODUCTION: &str = include_str!("reference/introduction.md");
const CONNECTORS: &str = include_str!("reference/connectors.md");
const RESTARTS: &str = "#### Beyond Kafka Connect

[Automatic restarts](life-cycle.md#automatic-restarts): what a connector does not set is as its worker says.
";
const TRANSFORMS: &str = "### Transforms

The keys of each transform and predicate are described in [transforms.md](transforms.md). One key of ours works in all
transforms that name fields:
";

fn page() -> String {
    let around = Surroundings::default();
    let common = common_def(&around);
    let mut page = format!("{INTRODUCTION}\n## Worker keys\n");
    page.push_str(&tables(&worker_def(Mode::Standalone, false), |_| true, "###"));
    page.push_str(&format!("\n{CONNECTORS}\n### All connectors\n"));
    page.push_str(&tables(&common, |_| true, "####"));
    page.push_str(&format!("\n{RESTARTS}\n{}", table(auto_restart::keys().iter())));
    for (kind, title) in [(ConnectorKind::Source, "Sources"), (ConnectorKind::Sink, "Sinks")] {
        page.push_str(&format!("\n### {title}\n"));
        let own = |key: &ConfigKey| common.get(&key.name).is_none();
        page.push_str(&tables(&connector_def(kind, &around), own, "####"));
        page.push_str(&format!("\n#### Beyond Kafka Connect\n\n{}", table(dead_letter_keys(kind).keys())));
    }
    page.push_str(&format!("\n{TRANSFORMS}\n{}", table([syntax_version_key()].iter())));
    page.push_str("\n### Topic creation groups\n\nNAME is one of `topic.creation.groups`, or `default` for all other ");
    page.push_str("topics. Other keys under `topic.creation.NAME.` are settings of the topics.\n\n");
    page.push_str(&table(topic_creation::documented_keys().keys()));
    page
}

/// Our own keys about dead letters, which are no part of the definitions.
fn dead_letter_keys(kind: ConnectorKind) -> ConfigDef {
    ConfigDef::new().key(match kind {
        ConnectorKind::Source => ConfigKey::defaulting(
            dead_letters::SOURCE_ENABLE,
            Type::Boolean,
            "false",
            Importance::Medium,
            "Whether records that fail in a transform or converter go to a dead-letter topic, as JSON with schemas. \
             Needs errors.tolerance=all and the keys errors.deadletterqueue.topic.name and its like, which a source \
             then has as a sink has them.",
        ),
        ConnectorKind::Sink => ConfigKey::defaulting(
            dead_letters::PUT_ERRORS,
            Type::String,
            "none",
            Importance::Medium,
            "Which errors of the plugin's put become dead letters: 'none' fails the task, 'data' takes those that the \
             plugin calls bad data, 'all' takes every error that is not retriable. Needs \
             errors.deadletterqueue.topic.name.",
        )
        .check(Validator::one_of(&["none", "data", "all"])),
    })
}

/// One table per group, in the order of the groups.
fn tables(def: &ConfigDef, wanted: impl Fn(&ConfigKey) -> bool, heading: &str) -> String {
    let mut out = String::new();
    for group in def.groups() {
        let keys: Vec<&ConfigKey> = def.keys().filter(|key| key.group.as_ref() == Some(group) && wanted(key)).collect();
        if !keys.is_empty() {
            out.push_str(&format!("\n{heading} {group}\n\n{}", table(keys.into_iter())));
        }
    }
    out
}

fn table<'a>(keys: impl Iterator<Item = &'a ConfigKey>) -> String {
    let mut out = String::from("| Key | Type | Default | Allowed | Importance | Meaning |\n");
    out.push_str("| --- | --- | --- | --- | --- | --- |\n");
    for key in keys {
        let allowed = key.validator.as_ref().map(ToString::to_string).unwrap_or_default();
        out.push_str(&format!(
            "| `{}` | {} | {} | {} | {} | {} |\n",
            key.name,
            key.ty.as_str().to_lowercase(),
            default(key),
            cell(&allowed),
            key.importance.as_str().to_lowercase(),
            cell(&key.documentation),
        ));
    }
    out
}

fn default(key: &ConfigKey) -> String {
    match &key.default {
        super::def::Default::Required => "required".to_owned(),
        super::def::Default::Value(None) => "none".to_owned(),
        super::def::Default::Value(Some(value)) => match value {
            Value::List(items) if items.is_empty() => "empty".to_owned(),
            Value::String(text) if text.is_empty() => "empty".to_owned(),
            value if key.ty == Type::Password => value.to_string(),
            value => format!("`{}`", value.to_text()),
        },
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('*', "\\*").replace('<', "\\<")
}

#[test]
fn the_page_is_up_to_date() {
    crate::docs_page::assert_up_to_date("configuration.md", &page(), "config::reference");
}

#[test]
fn every_key_of_the_worker_is_on_the_page() {
    let page = page();
    for key in worker_def(Mode::Standalone, false).keys() {
        assert!(page.contains(&format!("| `{}` |", key.name)), "{}", key.name);
    }
}
