//! A small client of the worker's REST interface.

use crate::wait::{PATIENCE, until_some};
use base64::Engine as _;
use serde_json::Value;
use std::time::Duration;
use ureq::config::AutoHeaderValue;
use ureq::http::Request;

/// Speaks to one worker. Cheap to make; connections are kept between calls.
#[derive(Debug, Clone)]
pub struct RestClient {
    /// `http://host:port`, without a slash at the end.
    pub base: String,
    /// The `Authorization` header of each call.
    authorization: Option<String>,
    agent: ureq::Agent,
}

/// What the worker answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("no JSON ({e}): {self:?}"))
    }

    /// The value of a header, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl RestClient {
    /// A client of the worker at `base`.
    pub fn new(base: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(100)))
            .accept(AutoHeaderValue::None)
            .accept_encoding(AutoHeaderValue::None)
            .build()
            .into();
        Self { base: base.trim_end_matches('/').to_owned(), authorization: None, agent }
    }

    /// The same client as a user of basic auth.
    #[must_use]
    pub fn as_user(&self, user: &str, password: &str) -> Self {
        let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        Self { authorization: Some(format!("Basic {credentials}")), ..self.clone() }
    }

    /// One call, headers exactly as given. An error is a message about the connection.
    pub fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Result<Answer, String> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        let authorization = self.authorization.iter().map(|value| ("authorization", value.as_str()));
        for (name, value) in headers.iter().copied().chain(authorization) {
            request = request.header(name, value);
        }
        let sent = match body {
            Some(body) => request.body(body.to_owned()).map(|r| self.agent.run(r)),
            None if matches!(method, "POST" | "PUT" | "PATCH") => {
                request.header("content-length", "0").body(String::new()).map(|r| self.agent.run(r))
            }
            None => request.body(()).map(|r| self.agent.run(r)),
        };
        let mut answer = sent.map_err(|e| e.to_string())?.map_err(|e| format!("{method} {path}: {e}"))?;
        let headers = answer.headers().iter();
        let headers =
            headers.map(|(k, v)| (k.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned())).collect();
        let text = answer.body_mut().read_to_string().map_err(|e| format!("{method} {path}: {e}"))?;
        Ok(Answer { status: answer.status().as_u16(), headers, text })
    }

    fn must(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let headers = [("accept", "application/json"), ("content-type", "application/json")];
        let text = body.map(Value::to_string);
        let used = if body.is_some() { &headers[..] } else { &headers[..1] };
        self.call(method, path, used, text.as_deref()).unwrap_or_else(|e| panic!("no answer from the worker: {e}"))
    }

    /// `GET path`; panics when the worker does not answer.
    pub fn get(&self, path: &str) -> Answer {
        self.must("GET", path, None)
    }

    /// `POST path`; panics when the worker does not answer.
    pub fn post(&self, path: &str, body: Option<&Value>) -> Answer {
        self.must("POST", path, body)
    }

    /// `PUT path`; panics when the worker does not answer.
    pub fn put(&self, path: &str, body: Option<&Value>) -> Answer {
        self.must("PUT", path, body)
    }

    /// `DELETE path`; panics when the worker does not answer.
    pub fn delete(&self, path: &str) -> Answer {
        self.must("DELETE", path, None)
    }

    /// Creates a connector, or gives an existing one a new configuration.
    ///
    /// # Panics
    /// When the worker refuses it.
    pub fn put_connector(&self, name: &str, config: &[(&str, &str)]) {
        let config = config.iter().map(|(k, v)| ((*k).to_owned(), Value::from(*v))).collect();
        let answer = self.put(&format!("/connectors/{name}/config"), Some(&Value::Object(config)));
        assert!(matches!(answer.status, 200 | 201), "connector {name} was refused: {answer:?}");
    }

    /// Waits until the connector's task `task` is in `state`; gives the whole status then.
    pub fn await_task(&self, name: &str, task: usize, state: &str) -> Value {
        self.await_pointer(name, &format!("/tasks/{task}/state"), state)
    }

    /// Waits until the connector itself is in `state`; gives the whole status then.
    pub fn await_connector(&self, name: &str, state: &str) -> Value {
        self.await_pointer(name, "/connector/state", state)
    }

    fn await_pointer(&self, name: &str, pointer: &str, state: &str) -> Value {
        until_some(&format!("{name}{pointer} to be {state}"), PATIENCE, || {
            let answer = self.get(&format!("/connectors/{name}/status"));
            let body: Value = serde_json::from_str(&answer.text).map_err(|_| answer.text.clone())?;
            if body.pointer(pointer).and_then(Value::as_str) == Some(state) { Ok(body) } else { Err(answer.text) }
        })
    }
}
