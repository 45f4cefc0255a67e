//! Records the target triple, so that plugins built for another one can be refused, and puts a function of the program
//! in front of one of librdkafka's.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=FERROCONNECT_TARGET={target}");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        // See src/librdkafka_wakeup.rs.
        println!("cargo::rustc-link-arg-bins=-Wl,--wrap=rd_kafka_msgq_allow_wakeup_at");
    }
}
