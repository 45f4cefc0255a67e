//! Tokens for a client's id and secret (OAuth 2, RFC 6749 section 4.4), fetched again before they lapse.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ferroconnect_plugin_sdk::{Config, ConfigDef, Error, Key, Result};
use serde_json::Value as Json;
use ureq::Agent;
use ureq::http::{HeaderValue, header};

use super::failure::{Failure, is_passing};

/// The value of `bearer.auth.credentials.source` that this is.
pub(super) const SOURCE: &str = "OAUTHBEARER";

const URL: &str = "bearer.auth.issuer.endpoint.url";
const ID: &str = "bearer.auth.client.id";
const SECRET: &str = "bearer.auth.client.secret";
const SCOPE: &str = "bearer.auth.scope";
const BUFFER: &str = "bearer.auth.cache.expiry.buffer.seconds";
/// How long a token counts whose issuer does not say, in seconds.
const USUAL_LIFE: u64 = 300;
/// How long a token counts at most, in seconds: a year. An issuer may name any number, and clocks end somewhere.
const LONGEST_LIFE: u64 = 365 * 24 * 60 * 60;

/// Adds the keys of OAuth.
pub(super) fn keys(def: ConfigDef) -> ConfigDef {
    def.key(Key::string(URL).doc("Where OAUTHBEARER fetches tokens."))
        .key(Key::string(ID).doc("The client's id, for OAUTHBEARER."))
        .key(Key::password(SECRET).doc("The client's secret, for OAUTHBEARER."))
        .key(Key::string(SCOPE).low().doc("The scope that a token is asked for, for OAUTHBEARER."))
        .key(
            Key::int(BUFFER)
                .default_value("300")
                .at_least(0)
                .low()
                .doc("How many seconds before it lapses a token is fetched anew. Half of its life at most."),
        )
}

/// Fetches tokens.
pub(super) struct OAuth {
    url: String,
    /// Id and secret as a header.
    client: HeaderValue,
    scope: Option<String>,
    buffer: Duration,
    /// The present token as a header, and when it is to be replaced.
    token: Option<(HeaderValue, Instant)>,
    /// Whether the present token was used before this request.
    has_served: bool,
}

impl OAuth {
    /// For a configuration; fetches nothing yet.
    ///
    /// # Errors
    /// A config error that names the key that is missing.
    pub(super) fn new(config: &Config) -> Result<OAuth> {
        let given = |key: &str| config.get(key).filter(|text| !text.is_empty());
        let needed = |key: &str| {
            given(key).ok_or_else(|| {
                Error::config(format!("bearer.auth.credentials.source is {SOURCE}, so {key} has to be set, too"))
            })
        };
        let client = format!("{}:{}", needed(ID)?, needed(SECRET)?);
        let url = needed(URL)?.to_owned();
        // It is shown in errors.
        if url.contains('@') {
            let shown = super::auth::shown(&url);
            return Err(Error::config(format!(
                "Invalid value …@{shown} for configuration {URL}: user and password are those of {ID} and {SECRET}, and @ \
                 of a path is written as %40"
            )));
        }
        Ok(OAuth {
            url,
            client: super::http::secret(&format!("Basic {}", BASE64_STANDARD.encode(client)), SECRET)?,
            scope: given(SCOPE).map(str::to_owned),
            buffer: Duration::from_secs(config.parse(BUFFER)?),
            token: None,
            has_served: false,
        })
    }

    /// The header with a token that is still good.
    ///
    /// # Errors
    /// Why there is none; it shows no secret.
    pub(super) fn header(&mut self, agent: &Agent) -> std::result::Result<HeaderValue, Failure> {
        match &self.token {
            Some((token, until)) if Instant::now() < *until => {
                self.has_served = true;
                Ok(token.clone())
            }
            _ => {
                let (token, until) = self.fetch(agent)?;
                self.token = Some((token.clone(), until));
                self.has_served = false;
                Ok(token)
            }
        }
    }

    /// Lets go of a token that is not good; whether there may be a better one, as that one had served before.
    pub(super) fn forget(&mut self) -> bool {
        self.token = None;
        std::mem::take(&mut self.has_served)
    }

    fn fetch(&self, agent: &Agent) -> std::result::Result<(HeaderValue, Instant), Failure> {
        let issuer = format!("the issuer of tokens, {}", self.url);
        let unreachable = |error: ureq::Error| Failure::Unreachable(format!("{issuer}: {error}"));
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(self.scope.as_deref().map(|scope| ("scope", scope)));
        let asked = Instant::now();
        let request = agent.post(&self.url).header(header::AUTHORIZATION, &self.client);
        let mut answer = request.header(header::ACCEPT, "application/json").send_form(form).map_err(unreachable)?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(1 << 20).read_to_vec().map_err(unreachable)?;
        let body: Json = serde_json::from_slice(&body).unwrap_or(Json::Null);
        let token = body.get("access_token").and_then(Json::as_str).filter(|_| status == 200);
        let Some(token) = token else {
            let said = body.get("error").and_then(Json::as_str).unwrap_or("it gave no reason");
            let reason = format!("{issuer}, gave none: {said}; status: {status}");
            return Err(if is_passing(status) { Failure::Unreachable(reason) } else { Failure::NoToken(reason) });
        };
        let token = super::http::secret(&format!("Bearer {token}"), "the token");
        let token = token.map_err(|error| Failure::NoToken(format!("{issuer}: {}", error.message())))?;
        let life = body.get("expires_in").and_then(Json::as_u64).unwrap_or(USUAL_LIFE);
        let life = Duration::from_secs(life.min(LONGEST_LIFE));
        Ok((token, asked + life - self.buffer.min(life / 2)))
    }
}
