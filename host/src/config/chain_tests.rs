//! What is said about the transforms and predicates of a configuration. The texts are those with which Kafka Connect
//! 4.3.1 answered.

use std::sync::Arc;

use super::catalog::{ConnectorKind, InstalledPlugin, PluginCatalog, PluginKind};
use super::chain::{enrich, transforms};
use super::connector_keys::{Surroundings, connector_def};
use super::def::{ConfigDef, ConfigKey, Importance};
use super::props::Props;
use super::value::Type;
use crate::error::{ConnectError, Result};
use crate::stages::builtins;

/// The built-in stages, and a transform with a password whose own keys `predicate` and `negate` nobody can reach.
struct Stages;

const OWN: &str = "test.Own";

impl PluginCatalog for Stages {
    fn plugins(&self, kind: PluginKind) -> Vec<InstalledPlugin> {
        let built_in = builtins().into_iter().filter(|stage| stage.kind() == kind).map(|stage| stage.class);
        let own = (kind == PluginKind::Transformation).then_some(OWN);
        let plugin = |class: &str| InstalledPlugin { class: class.to_owned(), version: "1".to_owned() };
        built_in.chain(own).map(plugin).collect()
    }

    fn resolve(&self, kind: PluginKind, name: &str) -> Option<String> {
        self.plugins(kind).into_iter().map(|plugin| plugin.class).find(|class| class == name)
    }

    fn resolve_any(&self, name: &str) -> Option<String> {
        let kinds = [PluginKind::Transformation, PluginKind::Predicate];
        kinds.into_iter().find_map(|kind| self.resolve(kind, name))
    }

    fn definition(&self, kind: PluginKind, name: &str, _: Option<&str>) -> Result<ConfigDef> {
        if name == OWN && kind == PluginKind::Transformation {
            let key = |name, ty| ConfigKey::nullable(name, ty, Importance::Low, "");
            let own = [key("secret", Type::Password), key("predicate", Type::Int), key("negate", Type::Int)];
            return Ok(own.into_iter().fold(ConfigDef::new(), ConfigDef::key));
        }
        let stage = builtins().into_iter().find(|stage| stage.kind() == kind && stage.class == name);
        stage.map(|stage| (stage.config)()).ok_or_else(|| ConnectError::connect(name.to_owned()))
    }

    fn check_version(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn latest_version(&self, kind: PluginKind, name: &str) -> Option<String> {
        self.resolve(kind, name).map(|_| "1".to_owned())
    }
}

const HOIST: &str = "org.apache.kafka.connect.transforms.HoistField$Value";
const FILTER: &str = "org.apache.kafka.connect.transforms.Filter";
const TOMBSTONE: &str = "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone";
const MATCHES: &str = "org.apache.kafka.connect.transforms.predicates.TopicNameMatches";

fn props(more: &[(&str, &str)]) -> Props {
    more.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// A line for each key of a transform or predicate, and for each other key with errors: `key = value ! error`.
fn checked(more: &[(&str, &str)]) -> Vec<String> {
    let props = props(more).with("name", "c").with("connector.class", "x");
    let catalog: Arc<dyn PluginCatalog> = Arc::new(Stages);
    let mut def = connector_def(ConnectorKind::Source, &Surroundings::default());
    enrich(&mut def, &props, &catalog).expect("no key is defined twice");
    let infos = def.validate_with(&props, Some(catalog.as_ref())).infos();
    let told = infos.into_iter().filter(|info| {
        let of_stage = info.name.starts_with("transforms.") || info.name.starts_with("predicates.");
        of_stage && !info.name.ends_with(".plugin.version") || !info.errors.is_empty() && !info.name.contains("class")
    });
    told.map(|info| {
        let errors: String = info.errors.iter().map(|error| format!(" ! {error}")).collect();
        format!("{} = {}{errors}", info.name, info.value.as_deref().unwrap_or("null"))
    })
    .collect()
}

#[test]
fn keys_follow_the_list_and_each_name_counts_once() {
    let lines = checked(&[
        ("transforms", "b,a,b"),
        ("transforms.a.type", HOIST),
        ("transforms.a.field", "f"),
        ("transforms.b.type", FILTER),
        ("transforms.c.type", FILTER),
    ]);
    let expected = [
        "transforms = b,a,b ! Invalid value [b, a, b] for configuration transforms: Duplicate alias provided.",
        &format!("transforms.b.type = {FILTER}"),
        "transforms.b.negate = false",
        "transforms.b.predicate = null",
        &format!("transforms.a.type = {HOIST}"),
        "transforms.a.field = f",
        "transforms.a.negate = false",
        "transforms.a.predicate = null",
    ];
    assert_eq!(lines, expected);
    let twice = checked(&[("predicates", "p,p"), ("predicates.p.type", TOMBSTONE)]);
    assert_eq!(
        twice,
        [
            "predicates = p,p ! Invalid value [p, p] for configuration predicates: Duplicate alias provided.",
            &format!("predicates.p.type = {TOMBSTONE}"),
        ]
    );
}

#[test]
fn an_empty_name_is_a_name() {
    let lines = checked(&[("transforms", "a,"), ("transforms.a.type", FILTER)]);
    assert_eq!(
        lines.last().map(String::as_str),
        Some(
            "transforms..type = null ! Missing required configuration \"transforms..type\" which has no default value."
        )
    );
    assert!(checked(&[("transforms", ""), ("transforms.a.type", FILTER)]).is_empty());
}

#[test]
fn classes_that_are_wrong_are_told_and_bring_no_keys() {
    let one = |class: &str| checked(&[("transforms", "a"), ("transforms.a.type", class), ("transforms.a.field", "x")]);
    assert_eq!(
        one("NoSuch"),
        [
            "transforms.a.type = null ! Invalid value NoSuch for configuration transforms.a.type: Class NoSuch could not be \
          found."
        ]
    );
    assert_eq!(
        one(MATCHES),
        [format!(
            "transforms.a.type = {MATCHES} ! Class class {MATCHES} does not implement the Transformation interface"
        )]
    );
    assert_eq!(
        checked(&[("predicates", "p"), ("predicates.p.type", FILTER)]),
        [format!("predicates.p.type = {FILTER} ! Class class {FILTER} does not implement the Predicate interface")]
    );
    assert_eq!(
        checked(&[("predicates", "p")]),
        ["predicates.p.type = null ! Missing required configuration \"predicates.p.type\" which has no default \
          value."]
    );
}

#[test]
fn what_a_transform_says_of_its_keys_names_them_as_it_knows_them() {
    let cast = "org.apache.kafka.connect.transforms.Cast$Value";
    let lines = checked(&[("transforms", "a"), ("transforms.a.type", cast), ("transforms.a.spec", "x:foo")]);
    assert_eq!(
        lines[1],
        "transforms.a.spec = x:foo ! Invalid value java.lang.IllegalArgumentException: No enum constant \
         org.apache.kafka.connect.data.Schema.Type.FOO for configuration Invalid type found in casting spec: foo"
    );
    let extract = "org.apache.kafka.connect.transforms.ExtractField$Value";
    let syntax = |version| ("transforms.a.field.syntax.version", version);
    let lines = checked(&[("transforms", "a"), ("transforms.a.type", extract), syntax("V3")]);
    assert_eq!(
        lines[1..3],
        [
            "transforms.a.field = null ! Missing required configuration \"transforms.a.field\" which has no default \
             value.",
            "transforms.a.field.syntax.version = V3 ! Invalid value V3 for configuration field.syntax.version: String \
             must be one of (case insensitive): V1, V2",
        ]
    );
}

#[test]
fn our_own_key_shows_only_where_it_is_set() {
    let mask = "org.apache.kafka.connect.transforms.MaskField$Value";
    let mut config = vec![("transforms", "a"), ("transforms.a.type", mask), ("transforms.a.fields", "x")];
    let shown = |lines: &[String]| lines.iter().any(|line| line.contains("field.syntax.version"));
    assert!(!shown(&checked(&config)));
    config.push(("transforms.a.field.syntax.version", "V2"));
    assert!(shown(&checked(&config)));
}

#[test]
fn passwords_are_hidden_and_a_transforms_own_conditions_are_masked() {
    let lines = checked(&[
        ("transforms", "a"),
        ("transforms.a.type", OWN),
        ("transforms.a.secret", "s3cret"),
        ("transforms.a.predicate", "p"),
        ("transforms.a.negate", "maybe"),
        ("predicates", "p"),
        ("predicates.p.type", TOMBSTONE),
    ]);
    assert_eq!(
        lines,
        [
            "transforms.a.type = test.Own",
            "transforms.a.negate = null ! Invalid value maybe for configuration transforms.a.negate: Expected value \
             to be either true or false",
            "transforms.a.predicate = p",
            "transforms.a.secret = [hidden]",
            &format!("predicates.p.type = {TOMBSTONE}"),
        ]
    );
}

#[test]
fn a_condition_is_made_for_each_transform_that_names_it() {
    let config = props(&[
        ("transforms", "a,b,c"),
        ("transforms.a.type", HOIST),
        ("transforms.a.field", "f"),
        ("transforms.a.predicate", "p"),
        ("transforms.b.type", FILTER),
        ("transforms.b.predicate", " p "),
        ("transforms.b.negate", "TRUE"),
        ("transforms.c.type", FILTER),
        ("predicates", "unused,p"),
        ("predicates.p.type", MATCHES),
        ("predicates.p.pattern", "t"),
    ]);
    let specs = transforms(&config).expect("right");
    let conditions: Vec<_> =
        specs.iter().map(|spec| spec.condition.as_ref().map(|one| (one.plugin.class.as_str(), one.negate))).collect();
    assert_eq!(conditions, [Some((MATCHES, false)), Some((MATCHES, true)), None]);
    // What belongs to the condition is not handed to the transform.
    assert_eq!(specs[0].plugin.config, Props::from([("field", "f")]));
    assert_eq!(specs[1].plugin.config, Props::default());
    let condition = specs[0].condition.as_ref().expect("there is one");
    assert_eq!(condition.plugin.config, Props::from([("pattern", "t")]));
}

#[test]
fn validation_lets_an_unknown_predicate_pass_and_the_task_refuses_it() {
    let config = [
        ("transforms", "a"),
        ("transforms.a.type", FILTER),
        ("transforms.a.predicate", "p"),
        ("predicates", "q"),
        ("predicates.q.type", TOMBSTONE),
    ];
    assert!(checked(&config).iter().all(|line| !line.contains('!')));
    let error = transforms(&props(&config)).expect_err("there is no p");
    let trace = error.trace();
    assert!(trace.contains("Unknown configuration 'predicates.p.plugin.version'"), "{trace}");
    assert!(trace.contains("Predicate 'p' is not one of those in 'predicates' (q)"), "{trace}");
}

#[test]
fn negating_nothing_is_refused() {
    let config = [("transforms", "a"), ("transforms.a.type", FILTER), ("transforms.a.negate", "true")];
    let text = "Config 'transforms.a.negate' was provided but there is no config 'transforms.a.predicate' defining a \
                predicate to be negated.";
    assert_eq!(checked(&config)[0], format!("transforms.a.type = {FILTER} ! {text}"));
    assert_eq!(transforms(&props(&config)).expect_err("nothing to negate").message(), text);
}
