//! Records the target triple, so that plugins built for another one can be refused.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=FERROCONNECT_TARGET={target}");
}
