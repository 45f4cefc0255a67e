//! Checks for config providers.

use super::{Finding, Suite, does, does_not_panic, holds, is_consistent, is_documented, names_missing_keys};
use crate::config::Config;
use crate::error::Result;
use crate::testkit::{Library, ProviderHarness};
use ferroconnect_plugin_abi::info::PluginKind;

/// Checks a config provider.
///
/// `config` is a configuration that works, `path` is one that it can look under, and `values` are keys there with their
/// values, which no error would hold by chance.
///
/// It is held to this:
/// - it has a version, and it and each of its keys are documented; keys are defined once;
/// - a missing required key is a config error that names the key;
/// - it gives exactly the keys that are asked for, and all of them if none is named;
/// - keys that do not exist are left out, with no error;
/// - odd paths and keys, and a use without configuration do not panic;
/// - no error shows a value.
///
/// # Panics
/// If a check fails; the text names all that did.
pub fn config_provider(
    library: &Library,
    class: &str,
    config: impl Into<Config>,
    path: &str,
    values: impl IntoIterator<Item = (&'static str, &'static str)>,
) {
    let config = config.into();
    let values: Vec<(&str, &str)> = values.into_iter().collect();
    let info = library.plugin(PluginKind::CONFIG_PROVIDER, class).clone();
    let make = || ProviderHarness::new(library, class, config.clone());
    let mut suite = Suite::new(&info);
    suite.check("is documented", || is_documented(&info));
    suite.check("defines its keys once", || is_consistent(&info));
    suite.check("names missing keys", || {
        names_missing_keys(&info, &config, |config| ProviderHarness::new(library, class, config).map(|_| ()))
    });
    suite.check("gives what is asked for", || gives_what_is_asked_for(&make, path, &values));
    suite.check("leaves out what does not exist", || {
        let mut provider = does("configure", make())?;
        let (found, _) = does("get of a key that does not exist", provider.get(path, &["there-is-no-such-key"]))?;
        holds(found == Config::default(), || format!("{found:?} was found for a key that does not exist"))
    });
    suite.check("survives odd paths and keys", || odd_lookups(&make, path, &values));
    suite.check("survives a use without configuration", || {
        let mut provider = does("making it", ProviderHarness::unconfigured(library, class))?;
        does_not_panic("get", provider.get(path, &[]))
    });
    suite.finish();
}

fn gives_what_is_asked_for(
    make: &impl Fn() -> Result<ProviderHarness>,
    path: &str,
    values: &[(&str, &str)],
) -> Finding {
    let mut provider = does("configure", make())?;
    for &(key, value) in values {
        let (found, _) = does(&format!("get of {key}"), provider.get(path, &[key]))?;
        holds(found == Config::from([(key, value)]), || format!("{key} gives {found:?}, not {value}"))?;
    }
    let (all, _) = does("get without keys", provider.get(path, &[]))?;
    let missing = values.iter().find(|&&(key, value)| all.get(key) != Some(value));
    missing.map_or(Ok(()), |(key, _)| Err(format!("{key} is not among all keys: {all:?}")))
}

fn odd_lookups(make: &impl Fn() -> Result<ProviderHarness>, path: &str, values: &[(&str, &str)]) -> Finding {
    let mut provider = does("configure", make())?;
    for path in [path, "", "/", "..", "../../etc/passwd", "there is no such path", "a\0b", "é:{}$"] {
        for key in ["", "a.b.", "\0", "${x}"] {
            let answer = provider.get(path, &[key]);
            if let Err(error) = &answer {
                let shown = values.iter().find(|(_, value)| error.to_string().contains(value));
                holds(shown.is_none(), || format!("the error shows a value: {error}"))?;
            }
            does_not_panic(&format!("get of {key:?} under {path:?}"), answer)?;
        }
    }
    Ok(())
}
