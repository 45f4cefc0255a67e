//! The configuration of a worker: read from its file, checked as a whole, with typed fields for
//! what the worker itself needs and the texts for everyone else.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::confidential::add_settings;
use super::converters::{ConverterRole, PluginSpec};
use super::def::ConfigDef;
use super::file::ConfigFile;
use super::known_keys;
use super::listeners::{HeaderRule, Listener, Scheme};
use super::props::Props;
use super::providers::{ConfigTransformer, ProviderMaker, Resolved, has_variable};
use super::rest_auth::{AuditLog, BasicAuth, audit_log, basic_auth, permissions, unguarded};
use super::secret::HIDDEN;
use super::validate::{Parsed, Problem};
use super::worker_keys::{CONNECTORS_DIR, CONNECTORS_DIR_INTERVAL, Mode, worker_def};
use crate::error::{ConnectError, Result};
use crate::telemetry::{Confidential, LogFormat};

const BOOTSTRAP_SERVERS: &str = "bootstrap.servers";
const PLUGIN_PATH: &str = "plugin.path";

/// Where the administrative resources of the REST server are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminListeners {
    /// With the others.
    Shared,
    /// Nowhere.
    Off,
    /// On addresses of their own.
    Own(Vec<Listener>),
}

/// A directory of connector files, and how closely to follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectorySettings {
    /// The directory.
    pub dir: PathBuf,
    /// The time between two looks. A file that has changed less than this ago may not be finished, and is left alone
    /// until it has rested.
    pub interval: Duration,
}

/// How to find and open plugins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginSettings {
    /// Directories with plugins.
    pub path: Vec<PathBuf>,
    /// A file with the digests of the libraries that may be loaded.
    pub digests: Option<PathBuf>,
    /// Whether symbolic links may lead out of the path.
    pub allow_symlinks: bool,
    /// How long a library may take to say what it holds.
    pub probe_timeout: Duration,
}

/// TLS of https listeners: the `ssl.*` keys that count for them. Those under the listeners' own prefix count alone, once
/// there is one of them; otherwise those of the worker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpsSettings {
    /// What stands before the keys in the worker's file, for messages.
    pub prefix: String,
    /// The keys without it.
    pub ssl: Props,
}

impl HttpsSettings {
    fn new(originals: &Props, prefix: &str) -> Self {
        let own = originals.with_prefix(prefix);
        if !own.is_empty() {
            return Self { prefix: prefix.to_owned(), ssl: own };
        }
        let mut ssl = originals.clone();
        ssl.retain(|key, _| key.starts_with("ssl."));
        Self { prefix: String::new(), ssl }
    }
}

/// The REST server's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestSettings {
    /// Addresses to listen on; at least one.
    pub listeners: Vec<Listener>,
    /// Addresses of the administrative resources.
    pub admin_listeners: AdminListeners,
    /// TLS of `listeners`.
    pub https: HttpsSettings,
    /// TLS of `admin.listeners`.
    pub admin_https: HttpsSettings,
    /// The host other workers are told.
    pub advertised_host: Option<String>,
    /// The port other workers are told.
    pub advertised_port: Option<u16>,
    /// The protocol other workers are told.
    pub advertised_scheme: Option<Scheme>,
    /// Origins that browsers may call from, as written; empty for none.
    pub allow_origin: String,
    /// Methods that browsers may use, as written; empty for the default.
    pub allow_methods: String,
    /// Extra headers of every answer.
    pub response_headers: Vec<HeaderRule>,
    /// Who may use the API; everybody if none.
    pub basic_auth: Option<BasicAuth>,
    /// The file with what each user may do; without it everybody who may use the API may do everything.
    pub permissions: Option<PathBuf>,
    /// Where changes and refusals are written, if anywhere.
    pub audit: Option<AuditLog>,
    /// Whether the main listeners serve the web page at `/ui`.
    pub web_page: bool,
}

impl RestSettings {
    /// The listener whose address other workers are told: of the advertised protocol, else the
    /// first with HTTP, else the first.
    pub fn advertised_listener(&self) -> &Listener {
        let of = |scheme| self.listeners.iter().find(|listener| listener.scheme == scheme);
        let wanted = self.advertised_scheme.unwrap_or(Scheme::Http);
        of(wanted).or_else(|| self.listeners.first()).expect("there is at least one listener")
    }

    /// The address that other workers are told, `host:port`, which is also the worker's id.
    /// `bound` is where the advertised listener really listens.
    pub fn worker_id(&self, bound: std::net::SocketAddr) -> String {
        let listener = self.advertised_listener();
        let host = match self.advertised_host.as_ref().or(listener.host.as_ref()) {
            Some(host) => host.clone(),
            None => bound.ip().to_string(),
        };
        let port = self.advertised_port.unwrap_or_else(|| bound.port());
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// The settings of the metrics registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricSettings {
    /// The span one sample covers.
    pub sample_window: Duration,
    /// How many samples are kept; at least one.
    pub num_samples: u32,
    /// Whether REST shows them under `/metrics`.
    pub endpoint: bool,
    /// Whether metrics of level DEBUG are kept as well.
    pub debug: bool,
}

/// A worker's configuration, found to be right.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// What kind of worker it is for.
    pub mode: Mode,
    /// The file it came from.
    pub path: PathBuf,
    /// Addresses of brokers; empty with the embedded broker until it runs.
    pub bootstrap_servers: Vec<String>,
    /// Whether to run a broker inside the worker.
    pub embedded_broker: bool,
    /// How to find and open plugins.
    pub plugins: PluginSettings,
    /// The REST server's settings.
    pub rest: RestSettings,
    /// How long stopping tasks have, all together.
    pub task_shutdown_timeout: Duration,
    /// How often offsets are stored.
    pub offset_flush_interval: Duration,
    /// How long storing offsets may take.
    pub offset_flush_timeout: Duration,
    /// The offset file; `None` in distributed mode.
    pub offset_file: Option<PathBuf>,
    /// Whether source connectors may create their topics.
    pub topic_creation: bool,
    /// Whether to remember the topics a connector uses.
    pub topic_tracking: bool,
    /// Whether users may reset those.
    pub topic_tracking_reset: bool,
    /// The policy for client overrides: a name or a class.
    pub override_policy: String,
    /// What the policy Allowlist lets through.
    pub override_allowlist: Vec<String>,
    /// The metrics registry's settings.
    pub metrics: MetricSettings,
    /// The form of log lines, if it is set.
    pub log_format: Option<LogFormat>,
    /// A directory of connector files to follow, if there is one; `None` in distributed mode.
    pub connectors_dir: Option<DirectorySettings>,
    /// Replaces variables in connector configurations.
    pub transformer: ConfigTransformer,
    /// What must not be shown of this configuration.
    pub confidential: Confidential,
    /// What the user should look at; for the log, once it is set up.
    pub warnings: Vec<String>,
    originals: Props,
    parsed: Parsed,
}

/// What comes of a worker's config providers.
struct Providers {
    transformer: ConfigTransformer,
    confidential: Confidential,
}

impl WorkerConfig {
    /// Reads and checks a worker file (`.toml`, or Java properties under any other name), with
    /// the config providers that come with the worker.
    ///
    /// # Errors
    /// The file cannot be read, or some keys are wrong: one message that lists every one with
    /// file, line, value and what would be right.
    pub fn load(path: impl AsRef<Path>, mode: Mode) -> Result<Self> {
        Self::from_file(ConfigFile::read(path)?, mode, &|_, _| Ok(None))
    }

    /// As [`load`](Self::load) for a file that was read before, with `maker` for config
    /// providers that are plugins. Read the plugin path with [`plugin_path`] to load those.
    ///
    /// # Errors
    /// Some keys are wrong, or a config provider could not be made or asked.
    pub fn from_file(file: ConfigFile, mode: Mode, maker: ProviderMaker<'_>) -> Result<Self> {
        let mut warnings = file.warnings().to_vec();
        let transformer = ConfigTransformer::from_worker(file.props(), maker, &mut warnings)?;
        let Resolved { props: mut originals, mut confidential, .. } = transformer.resolve(file.props())?;
        add_settings(&mut confidential, &originals);
        for secret in file.secrets().iter().filter_map(|key| originals.get(key)) {
            confidential.add(secret, HIDDEN);
        }
        if let Some(raw) = file.props().get(PLUGIN_PATH) {
            if originals.get(PLUGIN_PATH) != Some(raw) {
                warnings.push(format!(
                    "{}: variables are not replaced in '{PLUGIN_PATH}', which is needed before the config providers; \
                     '{raw}' is used as it stands",
                    file.place(PLUGIN_PATH)
                ));
            }
            originals.set(PLUGIN_PATH, raw);
        }
        let embedded = originals.get("embedded.broker").is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
        let def = worker_def(mode, embedded);
        let parsed = def.parse(&originals).map_err(|problems| report(&file, &originals, &problems.0))?;
        warnings.extend(known_keys::warnings(&def, &originals, |key| file.place(key)));
        warnings.extend(unprotected_clients(&originals));
        let java_options = std::env::var("KAFKA_OPTS").ok();
        let named =
            |error: ConnectError| ConnectError::config(format!("{}: {}", file.path().display(), error.message()));
        let basic_auth = basic_auth(&parsed, java_options.as_deref()).map_err(named)?;
        let mut rest = rest_settings(&parsed, &originals, basic_auth);
        rest.permissions = permissions(&parsed, &rest).map_err(named)?;
        warnings.extend(unguarded(&rest));
        let providers = Providers { transformer, confidential };
        Ok(Self::build(mode, file.path().to_owned(), originals, parsed, rest, providers, warnings))
    }

    /// Checks a configuration that is not in a file; messages name `worker`.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    pub fn from_props(props: Props, mode: Mode) -> Result<Self> {
        Self::from_file(ConfigFile::from_props("worker", props), mode, &|_, _| Ok(None))
    }

    fn build(
        mode: Mode,
        path: PathBuf,
        originals: Props,
        parsed: Parsed,
        rest: RestSettings,
        providers: Providers,
        warnings: Vec<String>,
    ) -> Self {
        let list = |key: &str| parsed.list(key).to_vec();
        Self {
            mode,
            path,
            bootstrap_servers: list(BOOTSTRAP_SERVERS),
            embedded_broker: parsed.bool("embedded.broker"),
            plugins: plugin_settings(&parsed),
            rest,
            task_shutdown_timeout: parsed.millis("task.shutdown.graceful.timeout.ms"),
            offset_flush_interval: parsed.millis("offset.flush.interval.ms"),
            offset_flush_timeout: parsed.millis("offset.flush.timeout.ms"),
            offset_file: match mode {
                Mode::Standalone => Some(parsed.str("offset.storage.file.filename").into()),
                Mode::Distributed => None,
            },
            topic_creation: parsed.bool("topic.creation.enable"),
            topic_tracking: parsed.bool("topic.tracking.enable"),
            topic_tracking_reset: parsed.bool("topic.tracking.allow.reset"),
            override_policy: parsed.str("connector.client.config.override.policy").to_owned(),
            override_allowlist: list("connector.client.config.override.allowlist"),
            metrics: MetricSettings {
                sample_window: parsed.millis("metrics.sample.window.ms"),
                num_samples: parsed.int("metrics.num.samples").unsigned_abs(),
                endpoint: parsed.bool("metrics.endpoint.enable"),
                debug: parsed.str("metrics.recording.level") == "DEBUG",
            },
            log_format: originals.get("log.format").and_then(|text| text.parse().ok()),
            connectors_dir: match mode {
                Mode::Standalone => {
                    let interval = parsed.millis(CONNECTORS_DIR_INTERVAL);
                    parsed.opt_str(CONNECTORS_DIR).map(|dir| DirectorySettings { dir: dir.into(), interval })
                }
                Mode::Distributed => None,
            },
            transformer: providers.transformer,
            confidential: providers.confidential,
            warnings,
            originals,
            parsed,
        }
    }

    /// Everything that was set, variables replaced. May hold secrets.
    pub fn originals(&self) -> &Props {
        &self.originals
    }

    /// What was set under a prefix, which is cut off.
    pub fn with_prefix(&self, prefix: &str) -> Props {
        self.originals.with_prefix(prefix)
    }

    /// What an admin client starts from: everything but the keys of other clients. Its own
    /// prefix `admin.` comes on top of that.
    pub fn admin_base(&self) -> Props {
        let mut props = self.originals.clone();
        props.retain(|key, _| !["admin.", "producer.", "consumer."].iter().any(|prefix| key.starts_with(prefix)));
        props
    }

    /// Takes the address of a broker that was started by the worker itself.
    pub fn set_bootstrap_servers(&mut self, servers: Vec<String>) {
        self.originals.set(BOOTSTRAP_SERVERS, servers.join(","));
        self.bootstrap_servers = servers;
    }

    /// The worker's own converter for a role, with its settings.
    pub fn converter(&self, role: ConverterRole) -> PluginSpec {
        let class = self.parsed.str(role.key());
        let version = self.parsed.opt_str(&role.version_key());
        PluginSpec::converter(role, class, version, &self.originals)
    }

    /// The typed values of all keys.
    pub fn parsed(&self) -> &Parsed {
        &self.parsed
    }

    /// The keys a worker knows, for the reference page and for tools.
    pub fn definition(mode: Mode) -> ConfigDef {
        worker_def(mode, false)
    }
}

/// The plugin path of a worker file, before anything else is looked at: plugins may be needed to
/// read the rest.
pub fn plugin_path(props: &Props) -> Vec<PathBuf> {
    super::value::split_list(props.get(PLUGIN_PATH).unwrap_or_default()).into_iter().map(PathBuf::from).collect()
}

fn plugin_settings(parsed: &Parsed) -> PluginSettings {
    PluginSettings {
        path: parsed.list(PLUGIN_PATH).iter().map(PathBuf::from).collect(),
        digests: parsed.opt_str("plugin.digests").map(PathBuf::from),
        allow_symlinks: parsed.bool("plugin.path.symlinks.allow"),
        probe_timeout: parsed.millis("plugin.probe.timeout.ms"),
    }
}

fn rest_settings(parsed: &Parsed, originals: &Props, basic_auth: Option<BasicAuth>) -> RestSettings {
    let listeners = |key: &str| -> Vec<Listener> {
        let parse = |text: &String| Listener::parse(text).expect("the key's rule has parsed every listener");
        parsed.list(key).iter().map(parse).collect()
    };
    RestSettings {
        listeners: listeners("listeners"),
        admin_listeners: match parsed.get("admin.listeners") {
            None => AdminListeners::Shared,
            Some(_) if parsed.list("admin.listeners").is_empty() => AdminListeners::Off,
            Some(_) => AdminListeners::Own(listeners("admin.listeners")),
        },
        https: HttpsSettings::new(originals, "listeners.https."),
        admin_https: HttpsSettings::new(originals, "admin.listeners.https."),
        advertised_host: parsed.opt_str("rest.advertised.host.name").filter(|host| !host.is_empty()).map(str::to_owned),
        advertised_port: parsed.opt_integer("rest.advertised.port").and_then(|port| u16::try_from(port).ok()),
        advertised_scheme: parsed.opt_str("rest.advertised.listener").and_then(|text| Scheme::parse(text).ok()),
        allow_origin: parsed.str("access.control.allow.origin").to_owned(),
        allow_methods: parsed.str("access.control.allow.methods").to_owned(),
        response_headers: HeaderRule::parse_list(parsed.str("response.http.headers.config"))
            .expect("the key's rule has parsed every header"),
        basic_auth,
        permissions: None,
        audit: audit_log(parsed),
        web_page: parsed.bool("rest.ui.enable"),
    }
}

/// One error that lists everything that is wrong with a file. Values that came from a provider
/// may be secret, so the variable is shown in their place.
fn report(file: &ConfigFile, resolved: &Props, problems: &[Problem]) -> ConnectError {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| {
            let mut message = problem.message.clone();
            if let (Some(raw), Some(value)) = (file.props().get(&problem.key), resolved.get(&problem.key)) {
                let secret = file.secrets().contains(&problem.key);
                if secret || (has_variable(raw) && raw != value) {
                    let shown = if secret { HIDDEN } else { raw };
                    message = format!(
                        "Invalid value {shown} for configuration {}: what it stands for is not right",
                        problem.key
                    );
                }
            }
            let expected = match &problem.expected {
                Some(expected) => format!(". Expected {expected}"),
                None => String::new(),
            };
            let message = message.trim_end_matches('.');
            format!("{}: {message}{expected}", file.place(&problem.key))
        })
        .collect();
    match lines.as_slice() {
        [one] => ConnectError::config(one.clone()),
        all => ConnectError::config(format!(
            "{}: {} settings are wrong\n  {}",
            file.path().display(),
            all.len(),
            all.join("\n  ")
        )),
    }
}

/// Kafka gives the worker's security settings to its own clients only. Who sets them once and
/// expects them to hold for tasks as well meets time-outs that say nothing.
fn unprotected_clients(props: &Props) -> Option<String> {
    let protocol =
        props.get("security.protocol").map(str::trim).filter(|text| !text.eq_ignore_ascii_case("PLAINTEXT"))?;
    let missing: Vec<&str> = ["producer.security.protocol", "consumer.security.protocol"]
        .into_iter()
        .filter(|key| !props.contains_key(key))
        .collect();
    if missing.is_empty() {
        return None;
    }
    Some(format!(
        "'security.protocol={protocol}' holds for the worker's own clients only. Set '{}' too, with the other \
         security settings, if the brokers ask the same of tasks",
        missing.join("' and '")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = "bootstrap.servers=localhost:9092\nkey.converter=JsonConverter\n\
                           key.converter.schemas.enable=false\nvalue.converter=JsonConverter\n\
                           offset.storage.file.filename=/tmp/connect.offsets\n";

    fn file(text: &str) -> ConfigFile {
        ConfigFile::from_properties(Path::new("w.properties"), text.as_bytes()).expect("well-formed")
    }

    fn worker(more: &str) -> Result<WorkerConfig> {
        WorkerConfig::from_file(file(&format!("{MINIMAL}{more}")), Mode::Standalone, &|_, _| Ok(None))
    }

    #[test]
    fn defaults_are_kafkas() {
        let config = worker("").expect("all that must be set is set");
        assert_eq!(config.bootstrap_servers, ["localhost:9092"]);
        assert_eq!(config.offset_flush_interval, Duration::from_secs(60));
        assert_eq!(config.task_shutdown_timeout, Duration::from_secs(5));
        assert_eq!(config.rest.listeners[0].to_string(), "http://:8083");
        assert_eq!(config.rest.admin_listeners, AdminListeners::Shared);
        assert_eq!(config.override_policy, "All");
        assert_eq!(config.offset_file.as_deref(), Some(Path::new("/tmp/connect.offsets")));
        assert!(config.topic_tracking && config.topic_creation && config.plugins.path.is_empty());
        let [warning] = config.warnings.as_slice() else { panic!("{:?}", config.warnings) };
        assert!(warning.starts_with("REST listens on http://:8083 without authentication: "), "{warning}");
    }

    #[test]
    fn everything_wrong_is_told_at_once_with_its_place() {
        let error = worker("offset.flush.interval.ms=soon\nlisteners=ftp://x:1\nmetrics.num.samples=0\n");
        let error = error.expect_err("three are wrong").to_string();
        let expected = [
            "w.properties: 3 settings are wrong",
            "  w.properties:6: Invalid value soon for configuration offset.flush.interval.ms: Not a number of type \
             LONG. Expected a whole number of 64 bits",
            "  w.properties:7: Invalid value ftp://x:1 for configuration listeners: Listener protocol must be either \
             \"http\" or \"https\". Expected List of comma-separated URLs, ex: \
             http://localhost:8080,https://localhost:8443.",
            "  w.properties:8: Invalid value 0 for configuration metrics.num.samples: Value must be at least 1. \
             Expected a whole number between -2147483648 and 2147483647 in [1,...]",
        ];
        assert_eq!(error.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_missing_is_told_too() {
        let error = WorkerConfig::from_file(file("a=1"), Mode::Standalone, &|_, _| Ok(None)).expect_err("empty");
        for key in ["bootstrap.servers", "key.converter", "value.converter", "offset.storage.file.filename"] {
            let text = format!("w.properties: Missing required configuration \"{key}\" which has no default value");
            assert!(error.message().contains(&text), "{error}");
        }
    }

    #[test]
    fn prefixes_and_converters() {
        let config = worker("producer.acks=1\nsecurity.protocol=PLAINTEXT\nadmin.retries=2\n").expect("right");
        assert_eq!(config.with_prefix("producer."), Props::from([("acks", "1")]));
        let admin = config.admin_base();
        assert!(admin.contains_key("security.protocol") && !admin.contains_key("producer.acks"));
        let key = config.converter(ConverterRole::Key);
        assert_eq!(key.class, "JsonConverter");
        assert_eq!(key.config, Props::from([("schemas.enable", "false"), ("converter.type", "key")]));
        let header = config.converter(ConverterRole::Header);
        assert_eq!(header.class, "org.apache.kafka.connect.storage.SimpleHeaderConverter");
    }

    #[test]
    fn variables_are_replaced_but_not_in_the_plugin_path_and_not_shown() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let secrets = dir.path().join("s.properties");
        std::fs::write(&secrets, "ms=s3cret\nservers=b:1\n").expect("writable");
        let secrets = secrets.display();
        let base = format!(
            "listeners=http://localhost:0\nconfig.providers=f\nconfig.providers.f.class=FileConfigProvider\nplugin.path=${{f:{secrets}:servers}}\n\
             producer.bootstrap.servers=${{f:{secrets}:servers}}\n"
        );
        let config = worker(&base).expect("right");
        assert_eq!(config.with_prefix("producer.").get("bootstrap.servers"), Some("b:1"));
        assert_eq!(config.plugins.path, [PathBuf::from(format!("${{f:{secrets}:servers}}"))]);
        assert_eq!(config.warnings.len(), 1);
        let error = worker(&format!("{base}offset.flush.interval.ms=${{f:{secrets}:ms}}\n")).expect_err("no number");
        assert!(!error.message().contains("s3cret") && error.message().contains(":ms}"), "{error}");
    }

    #[test]
    fn the_embedded_broker_needs_no_address() {
        let text = MINIMAL.replace("bootstrap.servers=localhost:9092", "embedded.broker=true");
        let mut config = WorkerConfig::from_file(file(&text), Mode::Standalone, &|_, _| Ok(None)).expect("right");
        assert!(config.embedded_broker && config.bootstrap_servers.is_empty());
        config.set_bootstrap_servers(vec!["127.0.0.1:1234".to_owned()]);
        assert_eq!(config.originals().get("bootstrap.servers"), Some("127.0.0.1:1234"));
    }

    #[test]
    fn the_worker_id_is_the_advertised_address() {
        let bound = "127.0.0.1:4000".parse().expect("an address");
        let id = |more: &str| worker(more).expect("right").rest.worker_id(bound);
        assert_eq!(id(""), "127.0.0.1:4000");
        assert_eq!(id("listeners=https://a:1,http://b:0"), "b:4000");
        assert_eq!(id("listeners=https://a:1,http://b:0\nrest.advertised.listener=HTTPS"), "a:4000");
        assert_eq!(id("rest.advertised.host.name=::1\nrest.advertised.port=9"), "[::1]:9");
    }

    #[test]
    fn security_that_does_not_reach_tasks_gets_a_warning() {
        let worker = |text: &str| worker(&format!("{text}\nlisteners=http://127.0.0.1:0"));
        assert_eq!(worker("security.protocol=SSL").expect("right").warnings.len(), 1);
        let both = "security.protocol=SSL\nproducer.security.protocol=SSL\nconsumer.security.protocol=SSL";
        assert_eq!(worker(both).expect("right").warnings.len(), 0);
    }
}
