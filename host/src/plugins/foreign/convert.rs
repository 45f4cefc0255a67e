//! Between the host's types and those of the contract. All of it is off the hot path.

use ferroconnect_plugin_abi::config as abi;
use ferroconnect_plugin_abi::containers::{AbiOption, AbiString, AbiVec};
use ferroconnect_plugin_abi::error::{AbiError, AbiResult, Cause, ErrorData, ErrorKind as AbiKind};
use ferroconnect_plugin_abi::info::PluginKind as AbiPluginKind;

use crate::config::{
    Bound, ConfigDef, ConfigKey, ConfigValueInfo, Default as KeyDefault, Importance, PluginKind, Props, Recommendation,
    Type, Validator, Value, Width,
};
use crate::error::{ConnectError, ErrorKind, Result, STOPPING_CLASS};
use crate::telemetry::LogContext;

/// Whether the plugin says that it came back early because it was asked to stop.
pub fn is_stopping(error: &ConnectError) -> bool {
    error.class_name() == STOPPING_CLASS
}

/// Takes the answer of a plugin apart.
pub(crate) fn result<T>(answer: AbiResult<T>) -> Result<T> {
    match answer {
        AbiResult::ROk(value) => Ok(value),
        AbiResult::RErr(error) => Err(from_abi_error(&error)),
    }
}

/// An error of a plugin as the host's own, without what the context of this thread must not show. Kinds that this host
/// does not know are fatal.
pub fn from_abi_error(error: &AbiError) -> ConnectError {
    LogContext::hide_in(ConnectError::from(error))
}

/// An error of the host for a plugin to see.
pub fn to_abi_error(error: &ConnectError) -> AbiError {
    let kind = match error.kind() {
        ErrorKind::Retriable | ErrorKind::Timeout => AbiKind::RETRIABLE,
        ErrorKind::Data => AbiKind::DATA,
        ErrorKind::Config => AbiKind::CONFIG,
        ErrorKind::Panic => AbiKind::PANIC,
        ErrorKind::Unsupported => AbiKind::UNSUPPORTED,
        ErrorKind::NotFound => AbiKind::NOT_FOUND,
        _ if is_stopping(error) => AbiKind::STOPPING,
        _ => AbiKind::FATAL,
    };
    let causes =
        error.chain().skip(1).map(|cause| Cause { class: cause.class_name().into(), message: cause.message().into() });
    AbiError::from(ErrorData {
        kind,
        class: error.class_name().into(),
        message: error.message().into(),
        causes: causes.collect(),
        detail: error.details().collect::<Vec<_>>().join("\n").into(),
        attributes: AbiVec::new(),
    })
}

/// The host's answer for a plugin.
pub(crate) fn answer<T>(result: Result<T>) -> AbiResult<T> {
    match result {
        Ok(value) => AbiResult::ROk(value),
        Err(error) => AbiResult::RErr(to_abi_error(&error)),
    }
}

/// A configuration for a plugin.
pub(crate) fn to_pairs(props: &Props) -> abi::Pairs {
    props.iter().map(|(key, value)| abi::Pair { key: key.into(), value: value.map(AbiString::from).into() }).collect()
}

/// A configuration that a plugin made.
///
/// # Errors
/// A key is there twice, or a text is not UTF-8: a library in another language than Rust may get that wrong.
pub(crate) fn from_pairs(pairs: abi::Pairs) -> Result<Props> {
    let mut props = Props::new();
    for pair in pairs {
        let key = text(pair.key)?;
        let value = pair.value.into_option().map(text).transpose()?;
        if props.contains_key(&key) {
            return Err(ConnectError::connect(format!("The plugin gave a configuration with the key '{key}' twice")));
        }
        props.set_nullable(key, value);
    }
    Ok(props)
}

fn text(text: AbiString) -> Result<String> {
    String::from_utf8(text.into_bytes().into_vec()).map_err(|error| {
        let shown = String::from_utf8_lossy(error.as_bytes()).into_owned();
        ConnectError::connect(format!("The plugin gave a text that is not UTF-8: '{shown}'"))
    })
}

/// The host's name for a kind of plugin; `None` for kinds of a later contract.
pub(crate) fn kind(kind: AbiPluginKind) -> Option<PluginKind> {
    Some(match kind {
        AbiPluginKind::SOURCE => PluginKind::Source,
        AbiPluginKind::SINK => PluginKind::Sink,
        AbiPluginKind::CONVERTER => PluginKind::Converter,
        AbiPluginKind::HEADER_CONVERTER => PluginKind::HeaderConverter,
        AbiPluginKind::TRANSFORM => PluginKind::Transformation,
        AbiPluginKind::PREDICATE => PluginKind::Predicate,
        AbiPluginKind::CONFIG_PROVIDER => PluginKind::ConfigProvider,
        AbiPluginKind::REST_EXTENSION => PluginKind::RestExtension,
        AbiPluginKind::OVERRIDE_POLICY => PluginKind::OverridePolicy,
        _ => return None,
    })
}

/// The contract's number for a kind of plugin.
pub(crate) fn abi_kind(kind: PluginKind) -> AbiPluginKind {
    match kind {
        PluginKind::Source => AbiPluginKind::SOURCE,
        PluginKind::Sink => AbiPluginKind::SINK,
        PluginKind::Converter => AbiPluginKind::CONVERTER,
        PluginKind::HeaderConverter => AbiPluginKind::HEADER_CONVERTER,
        PluginKind::Transformation => AbiPluginKind::TRANSFORM,
        PluginKind::Predicate => AbiPluginKind::PREDICATE,
        PluginKind::ConfigProvider => AbiPluginKind::CONFIG_PROVIDER,
        PluginKind::RestExtension => AbiPluginKind::REST_EXTENSION,
        PluginKind::OverridePolicy => AbiPluginKind::OVERRIDE_POLICY,
    }
}

/// The validated keys that a plugin answered. Texts that are not UTF-8 have marks in place of what is wrong.
pub(crate) fn config_values(values: AbiVec<abi::ConfigValue>) -> Vec<ConfigValueInfo> {
    let shown = |text: AbiString| String::from_utf8_lossy(text.as_bytes()).into_owned();
    let texts = |texts: AbiVec<AbiString>| texts.into_iter().map(shown).collect();
    values
        .into_iter()
        .map(|value| ConfigValueInfo {
            name: shown(value.name),
            value: value.value.into_option().map(shown),
            recommended_values: texts(value.recommended),
            errors: texts(value.errors),
            visible: value.visible,
        })
        .collect()
}

/// A plugin's configuration definition.
///
/// # Errors
/// A key is defined twice, or a default is not of its key's type or breaks its key's rule.
pub(crate) fn config_def(def: &abi::ConfigDef) -> Result<ConfigDef> {
    let mut own = ConfigDef::new();
    for key in &def.keys {
        own.define(config_key(key)?)?;
    }
    Ok(own)
}

fn config_key(key: &abi::ConfigKey) -> Result<ConfigKey> {
    let (name, doc) = (key.name.as_str(), key.documentation.as_str());
    let (ty, importance) = (config_type(key.kind), importance(key.importance));
    let mut own = match &key.default {
        _ if key.required => ConfigKey::required(name, ty, importance, doc),
        AbiOption::RSome(text) => ConfigKey::with_default(name, ty, text.as_str(), importance, doc)?,
        AbiOption::RNone => ConfigKey::nullable(name, ty, importance, doc),
    };
    let mut rules: Vec<Validator> = key.validators.iter().filter_map(|rule| validator(rule, ty)).collect();
    let rule = if rules.len() > 1 { Some(Validator::All(rules)) } else { rules.pop() };
    // A key that is null by default must be allowed to stay so.
    own.validator = match (&own.default, rule) {
        (KeyDefault::Value(None), Some(rule)) => Some(Validator::Nullable(Box::new(rule))),
        (_, rule) => rule,
    };
    own.group = key.group.as_ref().map(|group| group.to_string()).into();
    own.order_in_group = key.order;
    own.width = width(key.width);
    if !key.display_name.is_empty() {
        own.display_name = key.display_name.to_string();
    }
    own.dependents = key.dependents.iter().map(ToString::to_string).collect();
    if !key.recommended.is_empty() {
        let values: Vec<String> = key.recommended.iter().map(ToString::to_string).collect();
        own = own.recommend(move |_, _| Ok(Recommendation { values: values.clone(), visible: true }));
    }
    Ok(own)
}

fn config_type(kind: abi::ConfigType) -> Type {
    match kind {
        abi::ConfigType::BOOLEAN => Type::Boolean,
        abi::ConfigType::INT => Type::Int,
        abi::ConfigType::SHORT => Type::Short,
        abi::ConfigType::LONG => Type::Long,
        abi::ConfigType::DOUBLE => Type::Double,
        abi::ConfigType::LIST => Type::List,
        abi::ConfigType::CLASS => Type::Class,
        abi::ConfigType::PASSWORD => Type::Password,
        _ => Type::String,
    }
}

fn importance(importance: abi::Importance) -> Importance {
    match importance {
        abi::Importance::HIGH => Importance::High,
        abi::Importance::MEDIUM => Importance::Medium,
        _ => Importance::Low,
    }
}

fn width(width: abi::Width) -> Width {
    match width {
        abi::Width::SHORT => Width::Short,
        abi::Width::MEDIUM => Width::Medium,
        abi::Width::LONG => Width::Long,
        _ => Width::None,
    }
}

/// `None` for checks of a later contract: then the plugin's own validation has to do.
fn validator(rule: &abi::Validator, ty: Type) -> Option<Validator> {
    let arguments = || rule.arguments.iter().map(ToString::to_string).collect::<Vec<String>>();
    let bound = |index: usize| rule.arguments.get(index).and_then(|text| bound(text.as_str(), ty));
    Some(match rule.check {
        abi::Check::RANGE => Validator::Range { min: bound(0), max: bound(1) },
        abi::Check::ONE_OF => Validator::OneOf(arguments()),
        abi::Check::ONE_OF_ANY_CASE => {
            Validator::one_of_ignore_case(&arguments().iter().map(String::as_str).collect::<Vec<_>>())
        }
        abi::Check::NON_EMPTY => Validator::NonEmpty,
        abi::Check::NO_CONTROL_CHARACTERS => Validator::NoControlChars,
        abi::Check::REGEX => Validator::Regex,
        abi::Check::LIST_OF => Validator::List { allowed: arguments(), empty: true, null: true },
        _ => return None,
    })
}

/// An empty or unreadable text is no bound.
fn bound(text: &str, ty: Type) -> Option<Bound> {
    let wanted = if ty == Type::Double { Type::Double } else { Type::Long };
    let value = Value::parse(text, wanted).or_else(|_| Value::parse(text, Type::Double)).ok()?;
    match value {
        Value::Long(number) => Some(Bound::Integer(number)),
        other => other.as_number().map(Bound::Double),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_keep_kind_class_causes_and_detail() {
        let mut error = AbiError::new(AbiKind::DATA, "bad line");
        let data = error.data_mut();
        data.class = "org.apache.kafka.common.errors.SerializationException".into();
        data.detail = "frame 1\nframe 2".into();
        data.causes.push(Cause { class: AbiString::new(), message: "not a number".into() });
        data.causes.push(Cause { class: "java.io.EOFException".into(), message: AbiString::new() });
        let own = from_abi_error(&error);
        assert_eq!(own.kind(), ErrorKind::Data);
        assert_eq!(
            own.trace(),
            "org.apache.kafka.common.errors.SerializationException: bad line\n\tat frame 1\n\tat frame 2\nCaused by: \
             org.apache.kafka.connect.errors.ConnectException: not a number\nCaused by: java.io.EOFException\n"
        );
        assert_eq!(from_abi_error(&to_abi_error(&own)).trace(), own.trace());
    }

    #[test]
    fn stopping_and_unknown_kinds() {
        let stopping = from_abi_error(&AbiError::new(AbiKind::STOPPING, "stopped"));
        assert!(is_stopping(&stopping));
        assert_eq!(to_abi_error(&stopping).kind(), AbiKind::STOPPING);
        assert_eq!(from_abi_error(&AbiError::new(AbiKind(99), "later")).kind(), ErrorKind::Connect);
    }

    #[test]
    fn pairs_keep_order_and_null() {
        let mut props = Props::from([("b", "1"), ("a", "2")]);
        props.set_nullable("n", None);
        let back = from_pairs(to_pairs(&props)).unwrap();
        assert_eq!(back.keys().collect::<Vec<_>>(), ["b", "a", "n"]);
        assert_eq!(back.entry("n"), Some(None));
    }

    #[test]
    fn malformed_pairs_are_refused() {
        let pair = |key: AbiString, value: AbiString| abi::Pair { key, value: AbiOption::RSome(value) };
        let refused = |pairs: Vec<abi::Pair>| from_pairs(pairs.into()).unwrap_err().to_string();
        let twice = refused(vec![pair("a".into(), "1".into()), pair("a".into(), "2".into())]);
        assert_eq!(twice, "The plugin gave a configuration with the key 'a' twice");
        // SAFETY: a library in another language may make such a text; whatever looks at it here takes it as bytes.
        let bad = unsafe { AbiString::from_utf8_unchecked(vec![b'x', 0xff].into()) };
        let text = refused(vec![pair("a".into(), bad)]);
        assert_eq!(text, "The plugin gave a text that is not UTF-8: 'x\u{fffd}'");
    }

    fn key(name: &str, kind: abi::ConfigType, default: Option<&str>) -> abi::ConfigKey {
        abi::ConfigKey {
            name: name.into(),
            kind,
            required: false,
            default: default.map(AbiString::from).into(),
            validators: AbiVec::new(),
            importance: abi::Importance::HIGH,
            documentation: "doc".into(),
            group: AbiOption::RNone,
            order: -1,
            width: abi::Width::SHORT,
            display_name: AbiString::new(),
            dependents: AbiVec::new(),
            recommended: AbiVec::new(),
            attributes: AbiVec::new(),
        }
    }

    #[test]
    fn definitions_keep_rules_and_check_defaults() {
        let mut size = key("size", abi::ConfigType::INT, Some("5"));
        size.validators
            .push(abi::Validator { check: abi::Check::RANGE, arguments: vec!["1".into(), "".into()].into() });
        let mut mode = key("mode", abi::ConfigType::STRING, None);
        mode.validators.push(abi::Validator { check: abi::Check::ONE_OF, arguments: vec!["a".into()].into() });
        mode.recommended.push("a".into());
        let def = config_def(&abi::ConfigDef { keys: vec![size.clone(), mode].into() }).unwrap();
        assert!(def.parse(&Props::new()).is_ok(), "null passes where it is the default");
        let validation = def.validate(&Props::from([("size", "0"), ("mode", "b")]));
        let errors: Vec<_> = validation.errors().map(|(_, text)| text.to_owned()).collect();
        assert_eq!(
            errors,
            [
                "Invalid value 0 for configuration size: Value must be at least 1",
                "Invalid value b for configuration mode: String must be one of: a"
            ]
        );
        assert_eq!(validation.get("mode").unwrap().recommended_values, ["a"]);
        assert!(config_def(&abi::ConfigDef { keys: vec![size.clone(), size].into() }).is_err());
        let bad = key("size", abi::ConfigType::INT, Some("x"));
        assert!(config_def(&abi::ConfigDef { keys: vec![bad].into() }).is_err());
    }
}
