//! A library that never says what it holds, once it is in the worker's own process.

use std::time::Duration;

use super::fixture;
use crate::config::{PluginKind, PluginSettings, Props};
use crate::plugins::{Finder, Reason};

#[test]
fn a_library_that_hangs_is_refused_and_the_others_load() {
    let (silent, working) = (fixture("hang-in-describe"), fixture("misbehaving"));
    let settings = PluginSettings {
        path: vec![silent.clone(), working],
        digests: None,
        allow_symlinks: true,
        probe_timeout: Duration::from_secs(2),
    };
    let plugins = Finder::new(&settings, &Props::new()).without_probe().find().unwrap();
    let [refusal] = plugins.refused() else { panic!("one refusal is wanted, not {:?}", plugins.refused()) };
    assert_eq!((&refusal.path, refusal.reason), (&silent, Reason::TimedOut));
    assert_eq!(refusal.message, "once loaded it did not say what it holds within 2000 ms");
    assert!(plugins.registry().find(PluginKind::Transformation, "test.MisbehavingTransform", None).is_ok());
}
