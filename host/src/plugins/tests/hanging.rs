//! Libraries that never come back, once they are in the worker's own process: when asked what they hold, and in a config
//! provider.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexSet;

use super::{fixture, load};
use crate::config::providers::ConfigProvider;
use crate::config::{PluginKind, PluginSettings, Props};
use crate::error::Result;
use crate::plugins::{Finder, Reason};

/// Long enough for a library that does right on a busy machine.
const PATIENCE: Duration = Duration::from_secs(2);

#[test]
fn a_library_that_hangs_is_refused_and_the_others_load() {
    let (silent, working) = (fixture("hang-in-describe"), fixture("misbehaving"));
    let settings = PluginSettings {
        path: vec![silent.clone(), working],
        digests: None,
        allow_symlinks: true,
        probe_timeout: PATIENCE,
    };
    let plugins = Finder::new(&settings, &Props::new()).without_probe().find().unwrap();
    let [refusal] = plugins.refused() else { panic!("one refusal is wanted, not {:?}", plugins.refused()) };
    assert_eq!((&refusal.path, refusal.reason), (&silent, Reason::TimedOut));
    assert_eq!(refusal.message, "once loaded it did not say what it holds within 2000 ms");
    assert!(plugins.registry().find(PluginKind::Transformation, "test.MisbehavingTransform", None).is_ok());
}

fn provider(hangs_in: &str, good_calls: &str) -> Result<Arc<dyn ConfigProvider>> {
    let plugins = load(&[&fixture("misbehaving")]);
    let plugin = plugins.registry().find(PluginKind::ConfigProvider, "test.MisbehavingProvider", None).unwrap();
    let props = Props::from([("hang.in", hangs_in), ("after.calls", good_calls)]);
    plugin.config_provider_within(&props, PATIENCE)
}

#[test]
fn whoever_asks_a_config_provider_that_hangs_is_let_go() {
    let error = provider("configure", "0").err().unwrap();
    let words = "within 2000 ms. If it never answers, only a restart of the worker helps";
    assert_eq!(error.message(), format!("It did not answer configure {words}"));

    let provider = provider("get", "1").unwrap();
    let keys = IndexSet::from(["k".to_owned()]);
    assert_eq!(provider.get("p", &keys).unwrap().values["k"], "k");
    // Neither the one whose call hangs nor those behind it wait for ever.
    for _ in 0..2 {
        let error = provider.get("p", &keys).err().unwrap();
        assert_eq!(error.message(), format!("It did not answer get {words}"));
    }
}
