//! Config providers that live in a library.
//!
//! Connectors share a provider, and checks, starts and restarts all ask it. So each provider lives on a thread of its own,
//! and whoever asks waits only so long: one that hangs fails what needs it and holds up nothing else.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use ferroconnect_plugin_abi::containers::{AbiOption, AbiStr, AbiString, AbiVec};
use ferroconnect_plugin_abi::error::AbiResult;
use ferroconnect_plugin_abi::services::ConfigProviderObject;
use indexmap::IndexSet;

use super::convert::{result, to_pairs};
use crate::config::Props;
use crate::config::providers::{ConfigData, ConfigProvider};
use crate::error::{ConnectError, Result};
use crate::telemetry::{Confidential, LogContext};

/// How long whoever asks a provider waits for its answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// One use of the provider, on its thread.
type Call = Box<dyn FnOnce(&mut ConfigProviderObject) + Send>;

/// A config provider. Its thread ends with it; one that hangs keeps its thread until the process ends.
pub(crate) struct ForeignProvider {
    calls: Sender<Call>,
    patience: Duration,
    /// What its errors must not show: its own passwords.
    secrets: Confidential,
}

impl ForeignProvider {
    /// Configures a fresh provider. It has `patience` for this and for each answer.
    ///
    /// # Errors
    /// Whatever the plugin answers; it takes too long; or no thread can be started.
    pub(crate) fn configured(
        mut object: ConfigProviderObject,
        props: &Props,
        secrets: Confidential,
        patience: Duration,
    ) -> Result<ForeignProvider> {
        let (calls, waiting) = mpsc::channel::<Call>();
        let thread = move || {
            for call in waiting {
                call(&mut object);
            }
        };
        std::thread::Builder::new().name("config-provider".to_owned()).spawn(thread)?;
        let provider = ForeignProvider { calls, patience, secrets };
        let props = to_pairs(props);
        provider.ask("configure", move |object| object.configure(props))?;
        Ok(provider)
    }

    fn ask<T: Send + 'static>(
        &self,
        method: &str,
        call: impl FnOnce(&mut ConfigProviderObject) -> AbiResult<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let context = LogContext::current();
        let call = move |object: &mut ConfigProviderObject| {
            // What the provider logs is about whoever asked.
            let _entered = context.as_ref().map(LogContext::enter);
            // An error says that nobody waits for the answer any more.
            let _ = sender.send(call(object));
        };
        let answer = match self.calls.send(Box::new(call)) {
            Ok(()) => receiver.recv_timeout(self.patience),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        };
        match answer {
            Ok(answer) => result(answer).map_err(|error| self.secrets.hide_in(error)),
            Err(RecvTimeoutError::Timeout) => Err(ConnectError::connect(format!(
                "It did not answer {method} within {} ms. If it never answers, only a restart of the worker helps",
                self.patience.as_millis()
            ))),
            Err(RecvTimeoutError::Disconnected) => {
                Err(ConnectError::connect(format!("It ended the thread that asked for {method}")))
            }
        }
    }
}

impl ConfigProvider for ForeignProvider {
    fn get(&self, path: &str, keys: &IndexSet<String>) -> Result<ConfigData> {
        let path = path.to_owned();
        let keys: AbiVec<AbiString> = keys.iter().map(|key| key.as_str().into()).collect();
        let found = self.ask("get", move |object| object.get(AbiStr::from(path.as_str()), keys))?;
        let values = found.data.into_iter().filter_map(|pair| Some((pair.key, pair.value.into_option()?)));
        Ok(ConfigData {
            values: values.map(|(key, value)| (key.into(), value.into())).collect(),
            ttl: AbiOption::into_option(found.ttl).map(Duration::from_millis),
        })
    }
}
