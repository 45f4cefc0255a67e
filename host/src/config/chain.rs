//! The keys of transforms and predicates, which depend on the names a configuration lists.

use std::sync::Arc;

use super::catalog::{PluginCatalog, PluginKind};
use super::connector_keys::recommend_classes;
use super::converters::PluginSpec;
use super::def::{ConfigDef, ConfigKey, Importance::*, Recommendation, Width};
use super::props::Props;
use super::validators::Validator;
use super::value::{Type, Value, split_list};
use crate::error::{ConnectError, ErrorKind, Result};

const PREDICATE: &str = "predicate";
const NEGATE: &str = "negate";

/// A transform of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransformSpec {
    /// Its name in the configuration.
    pub alias: String,
    /// The transform.
    pub plugin: PluginSpec,
    /// When it applies; always if `None`.
    pub condition: Option<PredicateSpec>,
}

/// A condition of a transform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredicateSpec {
    /// The predicate's name in the configuration.
    pub alias: String,
    /// The predicate.
    pub plugin: PluginSpec,
    /// Whether the transform applies where the predicate does not hold.
    pub negate: bool,
}

/// The chain of a configuration, in order.
///
/// # Errors
/// A transform without type, a transform that names a predicate the configuration does not list,
/// or that negates none.
pub(super) fn transforms(props: &Props) -> Result<Vec<TransformSpec>> {
    aliases(props, "transforms").into_iter().map(|alias| transform(props, alias)).collect()
}

fn transform(props: &Props, alias: String) -> Result<TransformSpec> {
    let mut plugin = plugin(props, "transforms", &alias, "Transformation")?;
    let predicate = plugin.config.remove(PREDICATE).flatten();
    let negate = plugin.config.remove(NEGATE);
    check_negate(props, &alias).map_err(ConnectError::config)?;
    let negate = match negate.flatten().map(|text| Value::parse(&text, Type::Boolean)) {
        Some(Ok(Value::Boolean(negate))) => negate,
        Some(Err(reason)) => {
            let key = format!("transforms.{alias}.{NEGATE}");
            return Err(ConnectError::invalid_value(&key, props.get(&key).unwrap_or_default(), reason));
        }
        _ => false,
    };
    let condition = predicate.map(|name| predicate_spec(props, name.trim(), negate)).transpose()?;
    Ok(TransformSpec { alias, plugin, condition })
}

fn predicate_spec(props: &Props, alias: &str, negate: bool) -> Result<PredicateSpec> {
    if !aliases(props, "predicates").iter().any(|listed| listed == alias) {
        let listed = aliases(props, "predicates").join(", ");
        return Err(ConnectError::connect(format!("Unknown configuration 'predicates.{alias}.plugin.version'"))
            .context(format!("Predicate '{alias}' is not one of those in 'predicates' ({listed})")));
    }
    Ok(PredicateSpec { alias: alias.to_owned(), plugin: plugin(props, "predicates", alias, "Predicate")?, negate })
}

fn plugin(props: &Props, list: &str, alias: &str, interface: &str) -> Result<PluginSpec> {
    let prefix = format!("{list}.{alias}.");
    let mut config = props.with_prefix(&prefix);
    let Some(class) = config.remove("type").flatten() else {
        let key = format!("{prefix}type");
        return Err(ConnectError::invalid_value(&key, "null", format!("Not a {interface}")));
    };
    let version = config.remove("plugin.version").flatten();
    Ok(PluginSpec { class: class.trim().to_owned(), version, config })
}

/// The names that a list of transforms or predicates holds, each once.
pub(super) fn aliases(props: &Props, list: &str) -> Vec<String> {
    let mut unique = Vec::new();
    for alias in split_list(props.get(list).unwrap_or_default()) {
        if !unique.contains(&alias) {
            unique.push(alias);
        }
    }
    unique
}

/// `negate` without a predicate is a mistake; the error is the whole message.
fn check_negate(props: &Props, alias: &str) -> Result<(), String> {
    let (negate, predicate) = (format!("transforms.{alias}.{NEGATE}"), format!("transforms.{alias}.{PREDICATE}"));
    if props.contains_key(&negate) && !props.contains_key(&predicate) {
        return Err(format!(
            "Config '{negate}' was provided but there is no config '{predicate}' defining a predicate to be negated."
        ));
    }
    Ok(())
}

/// Adds the keys of the transforms and predicates that a configuration lists. Those whose class
/// is not known get the keys for class and version only, where the error will be reported.
///
/// # Errors
/// Two of them would have the same key.
pub(super) fn enrich(def: &mut ConfigDef, props: &Props, catalog: &Arc<dyn PluginCatalog>) -> Result<()> {
    for (list, group, kind) in
        [("transforms", "Transforms", PluginKind::Transformation), ("predicates", "Predicates", PluginKind::Predicate)]
    {
        for alias in aliases(props, list) {
            let stage = Stage { list, kind, prefix: format!("{list}.{alias}."), alias };
            stage.define(def, &format!("{group}: {}", stage.alias), props, catalog)?;
        }
    }
    Ok(())
}

/// A transform or predicate that a configuration lists.
struct Stage {
    list: &'static str,
    kind: PluginKind,
    prefix: String,
    alias: String,
}

impl Stage {
    fn define(&self, def: &mut ConfigDef, group: &str, props: &Props, catalog: &Arc<dyn PluginCatalog>) -> Result<()> {
        let class = props.get(&format!("{}type", self.prefix)).map(str::trim);
        let version = props.get(&format!("{}plugin.version", self.prefix));
        def.define(self.type_key(group, props, catalog))?;
        def.define(self.version_key(group, class, catalog)?)?;
        let own = class.map(|class| catalog.definition(self.kind, class, version));
        let Some(Ok(own)) = own else { return Ok(()) };
        let mut keys = ConfigDef::new();
        if self.kind == PluginKind::Transformation {
            keys = implicit_keys();
        }
        let is_set = |key: &ConfigKey| props.contains_key(&format!("{}{}", self.prefix, key.name));
        for key in own.keys().filter(|key| !key.is_unlisted || is_set(key)) {
            // The implicit keys mask those of the transform.
            if keys.get(&key.name).is_none() {
                keys.define(key.clone())?;
            } else {
                tracing::warn!("Transformer config {} is masked by implicit config of that name", key.name);
            }
        }
        def.embed(&self.prefix, group, 2, &keys)
    }

    /// The name of the kind in running text.
    fn what(&self) -> String {
        self.kind.interface().to_lowercase()
    }

    fn type_key(&self, group: &str, props: &Props, catalog: &Arc<dyn PluginCatalog>) -> ConfigKey {
        let (what, kind, is_transform) = (self.what(), self.kind, self.list == "transforms");
        let (props, alias, version_key) = (props.clone(), self.alias.clone(), format!("{}plugin.version", self.prefix));
        let (checker, recommender) = (Arc::clone(catalog), Arc::clone(catalog));
        let rule = Validator::custom(format!("valid configs for {alias} {what}"), move |key, value| {
            if is_transform {
                check_negate(&props, &alias)?;
            }
            let Some(class) = value.and_then(Value::as_str) else { return Ok(()) };
            let version = props.get(&version_key);
            version.map_or(Ok(()), |version| checker.check_version(version))?;
            match checker.definition(kind, class, version) {
                Ok(_) => Ok(()),
                Err(error) if error.kind() == ErrorKind::NotFound => Err(error.to_string()),
                Err(error) => Err(format!(
                    "Invalid value {class} for configuration {key}: Error getting config definition from {}: {error}",
                    kind.interface()
                )),
            }
        });
        ConfigKey::required(
            &format!("{}type", self.prefix),
            Type::Class,
            High,
            &format!("Class for the '{}' {what}.", self.alias),
        )
        .class_of(kind)
        .check(rule)
        .show(group, 0, Width::Long, &format!("{} type for {}", kind.interface(), self.alias))
        .recommend(move |_, _| Ok(recommend_classes(Some(recommender.as_ref()), kind)))
    }

    fn version_key(&self, group: &str, class: Option<&str>, catalog: &Arc<dyn PluginCatalog>) -> Result<ConfigKey> {
        let (name, kind) = (format!("{}plugin.version", self.prefix), self.kind);
        let doc = format!("Version of the '{}' {}.", self.alias, self.what());
        let default = class.and_then(|class| catalog.latest_version(kind, class));
        let key = match default {
            Some(default) => ConfigKey::with_default(&name, Type::String, &default, High, &doc)?,
            None => ConfigKey::nullable(&name, Type::String, High, &doc),
        };
        let (checker, recommender) = (Arc::clone(catalog), Arc::clone(catalog));
        let class = class.map(str::to_owned);
        let type_key = format!("{}type", self.prefix);
        let rule = Validator::custom("a version or a range of versions", move |_, value| {
            let Some(version) = value.and_then(Value::as_str) else { return Ok(()) };
            checker.check_version(version)?;
            match class.as_deref().map(|class| checker.definition(kind, class, Some(version))) {
                // A class nobody knows is reported with the key of the class.
                Some(Err(error))
                    if error.kind() == ErrorKind::NotFound
                        && checker.resolve(kind, class.as_deref().unwrap_or_default()).is_some() =>
                {
                    Err(error.to_string())
                }
                _ => Ok(()),
            }
        });
        Ok(key
            .check(rule)
            .show(group, 1, Width::Long, &format!("{} version for {}", kind.interface(), self.alias))
            .recommend(move |_, values| {
                let class = values.text(&type_key);
                let values = class.map(|class| recommender.versions(kind, &class)).unwrap_or_default();
                Ok(Recommendation { values, visible: true })
            }))
    }
}

/// The keys that every transform has without defining them.
fn implicit_keys() -> ConfigDef {
    ConfigDef::new()
        .key(ConfigKey::nullable(
            PREDICATE,
            Type::String,
            Medium,
            "The name of a predicate; the transform applies only to records for which it holds.",
        ))
        .key(ConfigKey::defaulting(
            NEGATE,
            Type::Boolean,
            "false",
            Medium,
            "Whether the transform applies to the other records instead.",
        ))
}
