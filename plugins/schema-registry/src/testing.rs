//! What the tests of all formats begin with.

use std::sync::Arc;

use ferroconnect_plugin_sdk::Config;

use crate::client::Document;
use crate::codec::Codec;
use crate::settings;

/// A codec of these settings, beside the defaults.
pub(crate) fn codec<C: Codec, const N: usize>(pairs: [(&str, &str); N]) -> C {
    let mut config = Config::from(pairs);
    config.set("schema.registry.url", "http://localhost:1");
    let def = C::keys(settings::keys());
    C::new(&def.parse(&config.to_pairs()).expect("complete")).expect("right")
}

/// A registered schema that imports no other.
pub(crate) fn document(text: &str) -> Arc<Document> {
    Arc::new(Document { text: text.to_owned(), imports: Vec::new() })
}
