//! Which client settings a connector may override (`producer.override.` and its like).

use super::catalog::ConnectorKind;
use super::infos::ConfigValueInfo;
use super::props::Props;
use super::secret::HIDDEN;
use crate::error::{ConnectError, Result};

/// The kinds of Kafka client a connector may have settings for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientKind {
    /// Of source tasks and the dead-letter queue.
    Producer,
    /// Of sink tasks.
    Consumer,
    /// For creating topics.
    Admin,
}

impl ClientKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Producer, Self::Consumer, Self::Admin];

    /// `producer`, `consumer` or `admin`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Producer => "producer",
            Self::Consumer => "consumer",
            Self::Admin => "admin",
        }
    }

    /// The prefix in connector configurations, for example `producer.override.`.
    pub fn override_prefix(self) -> &'static str {
        match self {
            Self::Producer => "producer.override.",
            Self::Consumer => "consumer.override.",
            Self::Admin => "admin.override.",
        }
    }

    /// The clients a connector with this configuration uses, in the order of validation answers.
    pub fn used_by(kind: ConnectorKind, props: &Props) -> Vec<Self> {
        let has_dlq =
            props.get("errors.deadletterqueue.topic.name").is_some_and(|topic| !super::value::is_blank(topic));
        match kind {
            // A wrong key is told elsewhere.
            ConnectorKind::Source
                if super::topic_creation::TopicCreation::is_used(props)
                    || super::dead_letters::source_enabled(props).unwrap_or(false) =>
            {
                vec![Self::Producer, Self::Admin]
            }
            ConnectorKind::Source => vec![Self::Producer],
            ConnectorKind::Sink if has_dlq => vec![Self::Producer, Self::Consumer, Self::Admin],
            ConnectorKind::Sink => vec![Self::Consumer],
        }
    }
}

/// What a policy is asked about.
#[derive(Debug)]
pub struct OverrideRequest<'a> {
    /// The connector's name; may be missing in a configuration that is only checked.
    pub connector: Option<&'a str>,
    /// Its kind.
    pub kind: ConnectorKind,
    /// Its class as written.
    pub class: &'a str,
    /// The client.
    pub client: ClientKind,
    /// The settings, without prefix. May hold secrets.
    pub settings: &'a Props,
}

/// Decides about client settings in connectors. Called from the thread that validates or starts.
pub trait OverridePolicy: Send + Sync {
    /// One entry per setting, with a message where it is not allowed.
    ///
    /// # Errors
    /// The policy could not decide.
    fn check(&self, request: &OverrideRequest<'_>) -> Result<Vec<ConfigValueInfo>>;
}

/// The policies that come with the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuiltInPolicy {
    /// Everything may be overridden.
    All,
    /// Nothing may be overridden.
    None,
    /// What says who the client is. Deprecated (KIP-1188).
    Principal,
    /// The settings in this list.
    Allowlist(Vec<String>),
}

const PRINCIPAL: [&str; 3] = ["security.protocol", "sasl.mechanism", "sasl.jaas.config"];

impl BuiltInPolicy {
    /// The policy of a name or Java class name; `None` if it is not one of these.
    pub fn by_name(name: &str, allowlist: &[String]) -> Option<Self> {
        const PACKAGE: &str = "org.apache.kafka.connect.connector.policy.";
        let name = name.trim();
        let name = name.strip_prefix(PACKAGE).unwrap_or(name);
        match name.strip_suffix("ConnectorClientConfigOverridePolicy").unwrap_or(name) {
            "All" => Some(Self::All),
            "None" => Some(Self::None),
            "Principal" => {
                tracing::warn!(
                    "The Principal policy for client overrides is deprecated, use the Allowlist policy with \
                     connector.client.config.override.allowlist={}",
                    PRINCIPAL.join(",")
                );
                Some(Self::Principal)
            }
            "Allowlist" => Some(Self::Allowlist(allowlist.to_vec())),
            _ => None,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::All => "All",
            Self::None => "None",
            Self::Principal => "Principal",
            Self::Allowlist(_) => "Allowlist",
        }
    }

    fn allows(&self, setting: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Principal => PRINCIPAL.contains(&setting),
            Self::Allowlist(list) => list.iter().any(|allowed| allowed == setting),
        }
    }
}

impl OverridePolicy for BuiltInPolicy {
    fn check(&self, request: &OverrideRequest<'_>) -> Result<Vec<ConfigValueInfo>> {
        let check = |(setting, value): (&str, Option<&str>)| {
            let mut info = ConfigValueInfo::new(setting, value.map(str::to_owned));
            if !self.allows(setting) {
                info.errors.push(format!(
                    "The '{}' policy does not allow '{setting}' to be overridden in the connector configuration.",
                    self.name()
                ));
            }
            info
        };
        Ok(request.settings.iter().map(check).collect())
    }
}

/// The overrides of a connector for one client, without prefix, after the policy was asked.
///
/// # Errors
/// The policy does not allow one of them: the first message, as Kafka gives it at start.
pub fn client_overrides(policy: &dyn OverridePolicy, request: &OverrideRequest<'_>) -> Result<Props> {
    for info in policy.check(request)? {
        if let Some(message) = info.errors.first() {
            return Err(ConnectError::connect(format!(
                "Client Config Overrides not allowed [{}]: {message}",
                info.name
            )));
        }
    }
    Ok(request.settings.clone())
}

/// How the names of client settings that hold a secret end, in Java and in librdkafka.
const SECRET_SETTINGS: [&str; 10] = [
    "password",
    "passphrase",
    ".secret",
    "sasl.jaas.config",
    "ssl.keystore.key",
    "ssl.keystore.certificate.chain",
    "ssl.truststore.certificates",
    "ssl.key.pem",
    "ssl.certificate.pem",
    "ssl.ca.pem",
];

/// True for client settings that hold a secret, under whatever prefix.
pub fn is_secret_setting(name: &str) -> bool {
    SECRET_SETTINGS.iter().any(|ending| name.ends_with(ending))
}

/// Hides the values of secret settings before they are shown.
pub(super) fn hide_secrets(infos: &mut [ConfigValueInfo]) {
    for info in infos.iter_mut().filter(|info| is_secret_setting(&info.name)) {
        if let Some(value) = &mut info.value {
            HIDDEN.clone_into(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(policy: &str, setting: &str) -> bool {
        let settings = Props::from([(setting, "x")]);
        let request = OverrideRequest {
            connector: Some("c"),
            kind: ConnectorKind::Source,
            class: "X",
            client: ClientKind::Producer,
            settings: &settings,
        };
        let policy = BuiltInPolicy::by_name(policy, &["linger.ms".to_owned()]).expect("known");
        client_overrides(&policy, &request).is_err()
    }

    #[test]
    fn policies_allow_what_they_say() {
        assert!(!refused("All", "acks"));
        assert!(refused("None", "acks"));
        assert!(!refused("Principal", "sasl.mechanism") && refused("Principal", "acks"));
        assert!(!refused("Allowlist", "linger.ms") && refused("Allowlist", "acks"));
        assert!(refused("org.apache.kafka.connect.connector.policy.NoneConnectorClientConfigOverridePolicy", "acks"));
        assert_eq!(BuiltInPolicy::by_name("com.acme.Policy", &[]), None);
    }

    #[test]
    fn refusals_have_kafkas_text_and_secrets_are_hidden() {
        let settings = Props::from([("sasl.jaas.config", "s3cret")]);
        let request = OverrideRequest {
            connector: None,
            kind: ConnectorKind::Sink,
            class: "X",
            client: ClientKind::Consumer,
            settings: &settings,
        };
        let mut infos = BuiltInPolicy::None.check(&request).expect("decides");
        hide_secrets(&mut infos);
        assert_eq!(infos[0].value.as_deref(), Some("[hidden]"));
        assert_eq!(
            infos[0].errors,
            ["The 'None' policy does not allow 'sasl.jaas.config' to be overridden in the connector configuration."]
        );
    }

    #[test]
    fn clients_depend_on_the_connector() {
        use ClientKind::*;
        let of = |kind, props: &[(&str, &str); 1]| ClientKind::used_by(kind, &Props::from(*props));
        assert_eq!(of(ConnectorKind::Source, &[("topic.creation.groups", "")]), [Producer, Admin]);
        assert_eq!(of(ConnectorKind::Sink, &[("topics", "a")]), [Consumer]);
        assert_eq!(of(ConnectorKind::Sink, &[("errors.deadletterqueue.topic.name", "d")]), [Producer, Consumer, Admin]);
    }
}
