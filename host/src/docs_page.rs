//! Pages under `docs/` that are written from the code, for the tests that hold them to it.

/// The text of a page.
pub(crate) fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("docs/{name}: {error}"))
}

/// Panics unless the page is `expected`. With `UPDATE_DOCS` set it is written anew instead; `test` is how to run just the
/// test that does so.
pub(crate) fn assert_up_to_date(name: &str, expected: &str, test: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path(name), expected).unwrap_or_else(|error| panic!("docs/{name}: {error}"));
    }
    assert!(
        read(name) == expected,
        "docs/{name} differs from the code; write it anew with `UPDATE_DOCS=1 cargo test -p ferroconnect --lib {test}`"
    );
}

fn path(name: &str) -> String {
    format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"))
}
