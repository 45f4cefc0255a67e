//! The house rules that a compiler does not know: which module may use which, how long a file may be, where `unsafe` may
//! be, and that nothing tracked speaks of one machine. `ARCHITECTURE.md` gives the reasons.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::repository;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder, and what its code must not name.
struct Rule {
    /// Source folder, from the top of the repository.
    room: &'static str,
    /// Modules of the same crate.
    modules: &'static [&'static str],
    /// Other crates.
    crates: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule { room: "host/src/plugins", modules: &["rest", "herder", "worker"], crates: &[] },
    Rule { room: "host/src/stages", modules: &["plugins", "kafka", "worker", "herder", "rest"], crates: &["rdkafka"] },
    Rule { room: "host/src/pipeline", modules: &["plugins", "herder", "rest"], crates: &[] },
    Rule { room: "host/src/worker", modules: &["rest", "herder"], crates: &["axum", "hyper"] },
    Rule { room: "host/src/herder", modules: &["rest"], crates: &["axum", "hyper"] },
    Rule { room: "host/src/rest", modules: &["worker", "kafka", "plugins"], crates: &["rdkafka"] },
    Rule {
        room: "host/src/connector_dir",
        modules: &["rest", "worker", "kafka", "plugins"],
        crates: &["rdkafka", "axum"],
    },
    Rule {
        room: "plugin-sdk/abi/src",
        modules: &[],
        crates: &["tokio", "tracing", "serde", "rdkafka", "ferroconnect", "ferroconnect_plugin_sdk"],
    },
    Rule {
        room: "plugin-sdk/json/src",
        modules: &[],
        crates: &["tokio", "tracing", "serde", "rdkafka", "ferroconnect", "ferroconnect_plugin_sdk"],
    },
    Rule {
        room: "plugin-sdk/key-stores/src",
        modules: &[],
        crates: &["tokio", "hyper", "rdkafka", "ferroconnect", "ferroconnect_plugin_sdk"],
    },
    Rule { room: "plugin-sdk/src", modules: &[], crates: &["ferroconnect", "rdkafka"] },
    Rule { room: "plugins", modules: &[], crates: &["ferroconnect", "rdkafka", "abi_stable"] },
];

/// Where `unsafe` may be: the loader, what crosses the border, and calls of librdkafka and the kernel.
const UNSAFE: &[&str] = &[
    "host/src/plugins/",
    "host/src/kafka/",
    "host/src/freed_memory.rs",
    "host/src/futex_hash.rs",
    "host/src/librdkafka_wakeup.rs",
    "plugin-sdk/",
    "tests/fixtures/",
    "tests/outside/",
    "tests/bench/raw_consume.rs",
];

/// Files of more lines hold more than one thing.
const LONGEST: usize = 800;

fn tracked() -> Vec<PathBuf> {
    let list =
        Command::new("git").args(["ls-files", "-z"]).current_dir(repository()).output().expect("git is installed");
    assert!(list.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&list.stderr));
    let names = String::from_utf8(list.stdout).unwrap();
    let files = names.split('\0').filter(|n| !n.is_empty()).map(PathBuf::from);
    files.filter(|f| repository().join(f).is_file()).collect()
}

fn rust_files() -> Vec<(PathBuf, String)> {
    let rust = tracked().into_iter().filter(|f| f.extension().is_some_and(|e| e == "rs"));
    rust.map(|f| (f.clone(), std::fs::read_to_string(repository().join(f)).unwrap())).collect()
}

/// The code of a line, without a comment at its end. A `//` inside a string cuts too much, which does no harm here.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// First path segments that follow `prefix` in the text, groups taken apart: `crate::{a::b, c}` names a and c.
fn named_after(prefix: &str, text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices(prefix) {
        // `my_crate::` does not begin with `crate::`.
        if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &text[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(heads_of_group(group)),
            None => names.extend(head(rest)),
        }
    }
    names
}

fn head(path: &str) -> Option<String> {
    let name: String = path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// The heads of the paths in a `use` group, from behind its opening brace.
fn heads_of_group(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut heads) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' if depth > 0 => {}
            ',' | '}' => {
                heads.extend(head(&group[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    heads
}

fn forbidden_in(rule: &Rule, text: &str) -> Vec<String> {
    let text: String = text.lines().map(|l| format!("{}\n", code(l))).collect();
    let modules = named_after("crate::", &text);
    let named = rule.modules.iter().filter(|m| modules.contains(**m)).map(|m| format!("crate::{m}"));
    // Nearly every foreign path begins with the crate's name and two colons, in `use` lines and elsewhere.
    let used = |krate: &str| {
        let path = format!("{krate}::");
        text.match_indices(&path)
            .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
    };
    named.chain(rule.crates.iter().filter(|k| used(k)).map(|k| (*k).to_owned())).collect()
}

#[test]
fn no_module_uses_what_it_must_not() {
    let mut wrong = Vec::new();
    for (file, text) in rust_files() {
        for rule in RULES {
            // A room is a folder, or the one file `room.rs`.
            let here = file.starts_with(rule.room) || file == Path::new(&format!("{}.rs", rule.room));
            let own_tests = file.components().any(|c| c.as_os_str() == "tests");
            if here && !own_tests {
                wrong.extend(forbidden_in(rule, &text).iter().map(|what| format!("{}: {what}", file.display())));
            }
        }
    }
    assert!(wrong.is_empty(), "forbidden edges:\n{}", wrong.join("\n"));
}

#[test]
fn the_edge_finder_finds_edges() {
    let rule = &Rule { room: "", modules: &["rest", "herder"], crates: &["tokio"] };
    assert_eq!(forbidden_in(rule, "use crate::rest::Error;"), ["crate::rest"]);
    assert_eq!(forbidden_in(rule, "use crate::{\n    kafka::{a, b},\n    herder,\n};"), ["crate::herder"]);
    assert_eq!(forbidden_in(rule, "let x = crate::rest::new();"), ["crate::rest"]);
    assert_eq!(forbidden_in(rule, "use tokio::time;"), ["tokio"]);
    assert!(forbidden_in(rule, "use crate::{kafka::{rest, herder}, worker};").is_empty());
    assert!(forbidden_in(rule, "use crate::restart; use my_crate::rest; // crate::rest").is_empty());
    assert!(forbidden_in(rule, "use ferroconnect_tokio::x; use other::tokio::y;").is_empty());
}

#[test]
fn files_are_short() {
    let long: Vec<String> = rust_files()
        .iter()
        .map(|(file, text)| (file, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(file, lines)| format!("{}: {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "files of more than {LONGEST} lines:\n{}", long.join("\n"));
}

#[test]
fn unsafe_code_is_where_it_may_be() {
    let begins = ["{", "fn ", "impl ", "extern ", "trait "].map(|next| format!("{} {next}", "unsafe"));
    let mut wrong = Vec::new();
    for (file, text) in rust_files() {
        if UNSAFE.iter().any(|allowed| file.starts_with(allowed)) {
            continue;
        }
        for (n, line) in text.lines().enumerate() {
            if begins.iter().any(|b| code(line).contains(b)) {
                wrong.push(format!("{}:{}: {}", file.display(), n + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "unsafe code outside the loader, the border and librdkafka calls:\n{}", wrong.join("\n"));
}

#[test]
fn nothing_speaks_of_one_machine() {
    // Put together here, so that this file does not find itself.
    let paths = ["work", "root", "farm"].map(|name| format!("/{name}/"));
    let mut wrong = Vec::new();
    for file in tracked() {
        let Ok(text) = std::fs::read_to_string(repository().join(&file)) else { continue };
        for (n, line) in text.lines().enumerate() {
            let begins_path = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "_.-}$~".contains(c));
            if paths.iter().any(|p| line.match_indices(p.as_str()).any(|(at, _)| begins_path(at))) {
                wrong.push(format!("{}:{}: {}", file.display(), n + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "paths of one machine:\n{}", wrong.join("\n"));
}
