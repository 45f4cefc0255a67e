//! Who may use the REST API: Kafka Connect's extension for basic auth, and our own keys beside it.

use std::path::PathBuf;

use super::jaas::LoginModule;
use super::listeners::{Listener, Scheme};
use super::validate::Parsed;
use super::worker::RestSettings;
use crate::error::{ConnectError, Result};

/// Kafka Connect's extension, which is built in here.
const EXTENSION: &str = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
const EXTENSIONS: &str = "rest.extension.classes";
const FILE: &str = "rest.basic.auth.credentials.file";
/// The key that names users who may only look.
pub const READ_ONLY_USERS: &str = "rest.basic.auth.read.only.users";
/// The key that names the file with what each user may do.
pub const PERMISSIONS_FILE: &str = "rest.permissions.file";
/// The key that says where the audit log goes.
pub const AUDIT_LOG: &str = "rest.audit.log";
/// The entry of a Java login configuration that Kafka Connect asks for.
const ENTRY: &str = "KafkaConnect";
const MODULE: &str = "PropertyFileLoginModule";
const SYSTEM_PROPERTY: &str = "-Djava.security.auth.login.config=";

/// Users and passwords of the REST API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasicAuth {
    /// A properties file, user=password.
    pub file: PathBuf,
    /// Users who may look but not change anything.
    pub read_only: Vec<String>,
}

/// Where the audit log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditLog {
    /// The worker's own log.
    Log,
    /// A file of its own.
    File(PathBuf),
}

/// The audit log that is asked for, if any.
pub(super) fn audit_log(parsed: &Parsed) -> Option<AuditLog> {
    match parsed.opt_str(AUDIT_LOG)?.trim() {
        "" => None,
        "log" => Some(AuditLog::Log),
        file => Some(AuditLog::File(PathBuf::from(file))),
    }
}

/// What the worker's keys ask for; none if everybody may do everything. `java_options` is the value of `KAFKA_OPTS`,
/// which names the login configuration of Java workers.
///
/// # Errors
/// An extension that is not built in; no file with users; a login configuration that cannot be read or used.
pub(super) fn basic_auth(parsed: &Parsed, java_options: Option<&str>) -> Result<Option<BasicAuth>> {
    let is_built_in = |class: &&String| *class == EXTENSION || Some(class.as_str()) == EXTENSION.rsplit('.').next();
    let extensions = parsed.list(EXTENSIONS);
    // Extensions often guard the REST API, so a worker that cannot run them must not start without them.
    if let Some(other) = extensions.iter().find(|class| !is_built_in(class)) {
        return Err(ConnectError::invalid_value(
            EXTENSIONS,
            other,
            format!(
                "of REST extensions only {EXTENSION} is built in; remove the class, and guard the REST API by other \
                 means if the extension did so"
            ),
        ));
    }
    let read_only = parsed.list(READ_ONLY_USERS).to_vec();
    let own_file = parsed.opt_str(FILE).filter(|file| !file.is_empty()).map(PathBuf::from);
    let file = match own_file {
        Some(file) => file,
        None if !extensions.is_empty() => login_file(java_options)?,
        None if read_only.is_empty() => return Ok(None),
        None => {
            let reason = format!("needs the passwords of these users: set {FILE}");
            return Err(ConnectError::invalid_value(READ_ONLY_USERS, read_only.join(","), reason));
        }
    };
    Ok(Some(BasicAuth { file, read_only }))
}

/// The file that the Java worker's login configuration names.
fn login_file(java_options: Option<&str>) -> Result<PathBuf> {
    let place = java_options.unwrap_or_default().split_whitespace().find_map(|word| word.strip_prefix(SYSTEM_PROPERTY));
    let Some(place) = place else {
        return Err(ConnectError::invalid_value(
            EXTENSIONS,
            EXTENSION,
            format!("needs users: set {FILE}, or KAFKA_OPTS={SYSTEM_PROPERTY}FILE as for the Java worker"),
        ));
    };
    // An equals sign in front makes Java forget other configurations, of which there are none here.
    let place = place.trim_start_matches('=').trim_matches(['"', '\'']);
    let failed = |reason: &str| ConnectError::config(format!("{place} (from KAFKA_OPTS) {reason}"));
    let text = std::fs::read_to_string(place).map_err(|error| failed(&format!("cannot be read: {error}")))?;
    let modules = LoginModule::of_entry(&text, ENTRY).map_err(|reason| failed(&reason))?;
    let modules = modules.ok_or_else(|| failed(&format!("has no entry {ENTRY}")))?;
    match modules.as_slice() {
        [module] if module.is(MODULE) => match module.options.get("file").filter(|file| !file.trim().is_empty()) {
            Some(file) => Ok(PathBuf::from(file)),
            None => Err(failed(&format!("names no file for {MODULE}: file=\"…\""))),
        },
        [other] => Err(failed(&format!("names the login module {}; only {MODULE} is built in", other.class))),
        _ => Err(failed(&format!("must have one login module for {ENTRY}"))),
    }
}

/// The file that says who may do what.
///
/// # Errors
/// Nothing says who asks, so that nobody could do anything.
pub(super) fn permissions(parsed: &Parsed, rest: &RestSettings) -> Result<Option<PathBuf>> {
    let Some(file) = parsed.opt_str(PERMISSIONS_FILE).filter(|file| !file.is_empty()) else { return Ok(None) };
    let asks_for_certificate = rest
        .https
        .ssl
        .get("ssl.client.auth")
        .is_some_and(|auth| auth.eq_ignore_ascii_case("required") || auth.eq_ignore_ascii_case("requested"));
    let is_https = |listener: &Listener| listener.scheme == Scheme::Https;
    if rest.basic_auth.is_none() && !(asks_for_certificate && rest.listeners.iter().all(is_https)) {
        let reason = format!(
            "needs to know who asks: set {FILE}, or let all listeners be https with listeners.https.ssl.client.auth=required"
        );
        return Err(ConnectError::invalid_value(PERMISSIONS_FILE, file, reason));
    }
    Ok(Some(PathBuf::from(file)))
}

/// A warning for an API that anybody in the network may use.
pub(super) fn unguarded(rest: &RestSettings) -> Option<String> {
    let shows_certificate =
        rest.https.ssl.get("ssl.client.auth").is_some_and(|auth| auth.eq_ignore_ascii_case("required"));
    let is_open = |listener: &&Listener| {
        let local = listener.host.as_deref().is_some_and(|host| {
            host.eq_ignore_ascii_case("localhost")
                || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        });
        !(local || listener.scheme == Scheme::Https && shows_certificate)
    };
    let open =
        rest.listeners.iter().find(is_open).filter(|_| rest.basic_auth.is_none() && rest.permissions.is_none())?;
    Some(format!(
        "REST listens on {open} without authentication: whoever reaches this address can read, create and delete \
         connectors. Set listeners=http://127.0.0.1:{}, rest.basic.auth.credentials.file, or \
         listeners.https.ssl.client.auth=required",
        open.port
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Mode, Props, WorkerConfig};

    fn worker(more: &[(&str, &str)]) -> Result<WorkerConfig> {
        let mut props = Props::from([
            ("bootstrap.servers", "localhost:9092"),
            ("key.converter", "JsonConverter"),
            ("value.converter", "JsonConverter"),
            ("offset.storage.file.filename", "offsets"),
        ]);
        more.iter().for_each(|(key, value)| props.set(*key, *value));
        WorkerConfig::from_props(props, Mode::Standalone)
    }

    fn login(text: &str) -> Result<PathBuf> {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("jaas.conf");
        std::fs::write(&file, text).expect("writable");
        login_file(Some(&format!("-Xmx1g {SYSTEM_PROPERTY}{} -Dx=y", file.display())))
    }

    #[test]
    fn java_login_configurations_name_the_file() {
        let found =
            login("KafkaConnect {\n a.PropertyFileLoginModule required\n file=\"/etc/users\";\n};").expect("right");
        assert_eq!(found, PathBuf::from("/etc/users"));
        for (text, part) in [
            ("Other { a.PropertyFileLoginModule required file=\"x\"; };", "has no entry KafkaConnect"),
            ("KafkaConnect { a.LdapLoginModule required; };", "only PropertyFileLoginModule is built in"),
            ("KafkaConnect { a.PropertyFileLoginModule required; };", "names no file"),
            ("KafkaConnect { };", "must have one login module"),
            ("KafkaConnect {", "has no } that closes KafkaConnect"),
        ] {
            let error = login(text).expect_err("refused");
            assert!(error.message().contains(part) && error.message().contains("jaas.conf"), "{error}");
        }
        let error = login_file(Some("-Xmx1g")).expect_err("refused");
        assert!(error.message().contains(FILE), "{error}");
        let error = login_file(Some("-Djava.security.auth.login.config=/nowhere")).expect_err("refused");
        assert!(error.message().contains("/nowhere (from KAFKA_OPTS) cannot be read"), "{error}");
    }

    #[test]
    fn an_api_open_to_the_network_gets_a_warning() {
        let warned = |more: &[(&str, &str)]| {
            worker(more).expect("right").warnings.iter().any(|warning| warning.contains("without authentication"))
        };
        assert!(warned(&[]));
        assert!(warned(&[("listeners", "http://localhost:1,https://10.0.0.1:2")]));
        assert!(!warned(&[("listeners", "http://localhost:1,http://127.0.0.2:1,http://[::1]:1")]));
        assert!(!warned(&[("rest.basic.auth.credentials.file", "users")]));
        let with_certificates = [("listeners", "https://:1"), ("listeners.https.ssl.client.auth", "required")];
        assert!(!warned(&with_certificates));
    }

    #[test]
    fn extensions_and_users_are_checked() {
        let error = |key: &str, value: &str| worker(&[(key, value)]).expect_err("refused");
        let other = error(EXTENSIONS, "com.example.Guard");
        assert!(other.message().contains("com.example.Guard") && other.message().contains(EXTENSION), "{other}");
        let nameless = error(READ_ONLY_USERS, "ann");
        assert!(nameless.message().contains(FILE), "{nameless}");
        let anonymous = error(PERMISSIONS_FILE, "rights.properties");
        assert!(anonymous.message().contains("needs to know who asks"), "{anonymous}");
    }

    #[test]
    fn the_audit_log_is_a_file_or_the_log() {
        let found = |value: &str| worker(&[(AUDIT_LOG, value)]).expect("right").rest.audit;
        assert_eq!(found(""), None);
        assert_eq!(found("log"), Some(AuditLog::Log));
        assert_eq!(found("./log"), Some(AuditLog::File(PathBuf::from("./log"))));
    }

    #[test]
    fn rights_go_with_users_or_certificates() {
        let file = (PERMISSIONS_FILE, "rights");
        let found = |more: &[(&str, &str)]| worker(more).map(|worker| worker.rest.permissions);
        assert_eq!(found(&[]).expect("right"), None);
        assert_eq!(found(&[file, (FILE, "users")]).expect("right"), Some(PathBuf::from("rights")));
        let asks = ("listeners.https.ssl.client.auth", "requested");
        assert!(found(&[file, ("listeners", "https://:1"), asks]).is_ok());
        assert!(found(&[file, ("listeners", "https://:1,http://localhost:2"), asks]).is_err());
        assert!(found(&[file, ("listeners", "https://:1")]).is_err());
    }
}
