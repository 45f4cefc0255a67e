//! What of a configuration must not be shown: values of config providers, passwords, and settings of clients that hold
//! secrets.

use super::catalog::{PluginCatalog, PluginKind};
use super::chain;
use super::converters::ConverterRole;
use super::def::ConfigDef;
use super::overrides::is_secret_setting;
use super::props::Props;
use super::providers::Resolved;
use super::secret::HIDDEN;
use super::value::Type;
use super::worker::WorkerConfig;
use crate::telemetry::Confidential;

/// What errors and log lines of a connector must not show: the worker's secrets, which its converters and clients may
/// use, and its own. `definition` is that of the connector's class.
pub fn connector_secrets(
    worker: &WorkerConfig,
    resolved: &Resolved,
    definition: &ConfigDef,
    catalog: &dyn PluginCatalog,
) -> Confidential {
    let props = &resolved.props;
    let mut secrets = worker.confidential.clone();
    secrets.merge(&resolved.confidential);
    add_settings(&mut secrets, props);
    add_passwords(&mut secrets, definition, props);
    let mut add_stage = |kind: PluginKind, class: &str, settings: &Props| {
        // A class that is not known gets no settings either.
        if let Ok(definition) = catalog.definition(kind, class.trim(), None) {
            add_passwords(&mut secrets, &definition, settings);
        }
    };
    for role in ConverterRole::ALL {
        match props.get(role.key()) {
            Some(class) => add_stage(role.plugin_kind(), class, &props.with_prefix(&format!("{}.", role.key()))),
            None => {
                let spec = worker.converter(role);
                add_stage(role.plugin_kind(), &spec.class, &spec.config);
            }
        }
    }
    for (list, kind) in [("transforms", PluginKind::Transformation), ("predicates", PluginKind::Predicate)] {
        for alias in chain::aliases(props, list) {
            let settings = props.with_prefix(&format!("{list}.{alias}."));
            add_stage(kind, settings.get("type").unwrap_or_default(), &settings);
        }
    }
    secrets
}

/// Adds the keys that a definition declares to be passwords.
pub fn add_passwords(secrets: &mut Confidential, definition: &ConfigDef, props: &Props) {
    for key in definition.keys().filter(|key| key.ty == Type::Password) {
        if let Some(password) = props.get(&key.name) {
            secrets.add(password, HIDDEN);
        }
    }
}

/// Adds the settings of clients and listeners that hold secrets, under whatever prefix.
pub(super) fn add_settings(secrets: &mut Confidential, props: &Props) {
    for (key, value) in props.iter().filter_map(|(key, value)| Some((key, value?))) {
        if is_secret_setting(key) {
            jaas_passwords(value).for_each(|password| secrets.add(password, HIDDEN));
            secrets.add(value, HIDDEN);
        }
    }
}

/// The passwords in a login configuration, which a client may take out and speak of by themselves.
fn jaas_passwords(text: &str) -> impl Iterator<Item = &str> {
    text.split("assword=").skip(1).filter_map(|rest| {
        let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''))?;
        rest[1..].split(quote).next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::catalog::InstalledPlugin;
    use crate::config::def::{ConfigKey, Importance};
    use crate::config::providers::ConfigTransformer;
    use crate::config::worker_keys::Mode;
    use crate::error::Result;

    /// Every class has one password, `token`.
    struct Catalog;

    impl PluginCatalog for Catalog {
        fn plugins(&self, _: PluginKind) -> Vec<InstalledPlugin> {
            Vec::new()
        }

        fn resolve(&self, _: PluginKind, name: &str) -> Option<String> {
            Some(name.to_owned())
        }

        fn resolve_any(&self, name: &str) -> Option<String> {
            Some(name.to_owned())
        }

        fn definition(&self, _: PluginKind, _: &str, _: Option<&str>) -> Result<ConfigDef> {
            let token = ConfigKey::nullable("token", Type::Password, Importance::High, "");
            Ok(ConfigDef::new().key(token).key(ConfigKey::nullable("note", Type::String, Importance::High, "")))
        }

        fn check_version(&self, _: &str) -> Result<(), String> {
            Ok(())
        }

        fn latest_version(&self, _: PluginKind, _: &str) -> Option<String> {
            None
        }
    }

    #[test]
    fn secrets_of_every_part_are_known() {
        let worker = Props::from([
            ("bootstrap.servers", "b:1"),
            ("key.converter", "K"),
            ("key.converter.token", "secret-1"),
            ("value.converter", "V"),
            ("offset.storage.file.filename", "f"),
            ("producer.sasl.jaas.config", "x required username=\"u\" password=\"secret-2\";"),
        ]);
        let worker = WorkerConfig::from_props(worker, Mode::Standalone).expect("right");
        let props = Props::from([
            ("token", "secret-3"),
            ("value.converter", "C"),
            ("value.converter.token", "secret-4"),
            ("transforms", "a"),
            ("transforms.a.type", "T"),
            ("transforms.a.token", "secret-5"),
            ("predicates", "p"),
            ("predicates.p.type", "P"),
            ("predicates.p.token", "secret-6"),
            ("consumer.override.ssl.key.password", "secret-7"),
            ("note", "shown"),
        ]);
        let resolved = ConfigTransformer::default().resolve(&props).expect("no variables");
        let definition = Catalog.definition(PluginKind::Sink, "", None).expect("has one");
        let secrets = connector_secrets(&worker, &resolved, &definition, &Catalog);
        for number in 1..=7 {
            let secret = format!("secret-{number}");
            assert_eq!(secrets.hide(&secret), "[hidden]", "{secret}");
        }
        assert_eq!(secrets.hide("shown"), "shown");
    }
}
