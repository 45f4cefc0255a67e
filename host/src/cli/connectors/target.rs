//! Which worker to talk to, and as whom: the options all commands share.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use hyper::Uri;
use hyper::header::HeaderValue;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslConnector, SslConnectorBuilder, SslMethod};

use super::failure::Failure;

const PASSWORD: &str = "FERROCONNECT_PASSWORD";
const KEY_PASSWORD: &str = "FERROCONNECT_KEY_PASSWORD";

/// Where Linux distributions keep the certificates of public authorities. OpenSSL is part of this program and does not
/// know where.
const AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The worker and the caller. Passwords come by the environment or files only: arguments are visible to everybody on
/// the machine.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which worker, and as whom")]
pub(super) struct TargetArgs {
    /// The worker's REST API
    #[arg(
        long,
        global = true,
        env = "FERROCONNECT_URL",
        hide_env_values = true,
        default_value = "http://localhost:8083"
    )]
    url: String,
    /// The user to log in as; the password comes from FERROCONNECT_PASSWORD or --password-file
    #[arg(long, global = true, value_name = "NAME", env = "FERROCONNECT_USER", hide_env_values = true)]
    user: Option<String>,
    /// A file whose first line is the user's password
    #[arg(long, global = true, value_name = "FILE", env = "FERROCONNECT_PASSWORD_FILE", hide_env_values = true)]
    password_file: Option<PathBuf>,
    /// The authorities to trust in place of the system's, as PEM
    #[arg(long, global = true, value_name = "FILE", env = "FERROCONNECT_CACERT", hide_env_values = true)]
    cacert: Option<PathBuf>,
    /// The certificate to show, with its issuers, as PEM
    #[arg(long, global = true, value_name = "FILE", env = "FERROCONNECT_CERT", hide_env_values = true)]
    cert: Option<PathBuf>,
    /// The certificate's key as PEM, if it is not in the same file; FERROCONNECT_KEY_PASSWORD opens it
    #[arg(long, global = true, value_name = "FILE", env = "FERROCONNECT_KEY", hide_env_values = true)]
    key: Option<PathBuf>,
}

/// What a client needs to know of the worker.
pub(super) struct Target {
    pub(super) address: Address,
    /// The value of the header that says who calls.
    pub(super) authorization: Option<HeaderValue>,
    /// For https.
    pub(super) tls: Option<SslConnector>,
}

impl TargetArgs {
    /// Reads the files and the environment.
    pub(super) fn resolve(&self) -> Result<Target, Failure> {
        let address = Address::parse(&self.url).map_err(Failure::Usage)?;
        let tls = if address.https { Some(self.tls()?) } else { None };
        Ok(Target { address, authorization: self.authorization()?, tls })
    }

    fn authorization(&self) -> Result<Option<HeaderValue>, Failure> {
        let Some(user) = &self.user else { return Ok(None) };
        let password = match &self.password_file {
            Some(file) => first_line(file)?,
            None => std::env::var(PASSWORD).map_err(|_| {
                Failure::Config(format!("the password of {user} is missing: set {PASSWORD} or --password-file"))
            })?,
        };
        let text = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let mut value = HeaderValue::try_from(text).expect("base64 fits into a header");
        value.set_sensitive(true);
        Ok(Some(value))
    }

    fn tls(&self) -> Result<SslConnector, Failure> {
        let mut builder = SslConnector::builder(SslMethod::tls_client())
            .map_err(|error| Failure::Config(format!("TLS cannot be set up: {error}")))?;
        match &self.cacert {
            Some(file) => trust(&mut builder, file)?,
            None => {
                let system = AUTHORITIES.iter().map(Path::new).find(|file| file.is_file());
                // Without any authority the handshake says so.
                system
                    .filter(|_| std::env::var_os("SSL_CERT_FILE").is_none())
                    .map_or(Ok(()), |f| trust(&mut builder, f))?;
            }
        }
        if let Some(file) = &self.cert {
            let damaged =
                |error| Failure::Config(format!("--cert {}: holds no usable certificate: {error}", file.display()));
            builder.set_certificate_chain_file(file).map_err(damaged)?;
            let key = self.key.as_ref().unwrap_or(file);
            let unfit =
                |error| Failure::Config(format!("{} does not belong to {}: {error}", key.display(), file.display()));
            builder.set_private_key(&*private_key(key)?).and_then(|()| builder.check_private_key()).map_err(unfit)?;
        }
        Ok(builder.build())
    }
}

fn trust(builder: &mut SslConnectorBuilder, file: &Path) -> Result<(), Failure> {
    let damaged = |error| Failure::Config(format!("{}: holds no usable certificates: {error}", file.display()));
    builder.set_ca_file(file).map_err(damaged)
}

fn private_key(file: &Path) -> Result<PKey<Private>, Failure> {
    // An empty password for one that is missing: OpenSSL would ask for it on the terminal.
    let password = std::env::var(KEY_PASSWORD).unwrap_or_default();
    PKey::private_key_from_pem_passphrase(read(file)?.as_bytes(), password.as_bytes()).map_err(|_| {
        Failure::Config(format!(
            "{}: holds no private key in PEM form, or one that {KEY_PASSWORD} does not open",
            file.display()
        ))
    })
}

fn first_line(file: &Path) -> Result<String, Failure> {
    Ok(read(file)?.lines().next().unwrap_or_default().to_owned())
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .map_err(|error| Failure::Config(format!("{}: cannot be read: {error}", file.display())))
}

/// The address of a REST API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) https: bool,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    /// Host and port as they were written, for the header `Host`.
    pub(super) authority: String,
    /// What a proxy wants in front of all paths; without a slash at the end.
    pub(super) base: String,
}

impl Address {
    /// Reads a URL; one without a scheme is http.
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("--url {}: {why}; expected for example http://worker:8083", without_user(text));
        let text = text.trim();
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = whole.parse().map_err(|_| wrong("is not a URL"))?;
        let https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong("the scheme has to be http or https")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("user and password do not belong into a URL; use --user"));
        }
        if uri.query().is_some() {
            return Err(wrong("a query does not belong here"));
        }
        Ok(Self {
            https,
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(if https { 443 } else { 80 }),
            authority: authority.to_string(),
            base: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The URL of a path that begins with a slash.
    pub(super) fn url(&self, path: &str) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}{}{path}", self.authority, self.base)
    }
}

/// What stands before `@` may hold a password.
fn without_user(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_may_be_short_or_behind_a_proxy() {
        let address = |text| Address::parse(text).map(|a| (a.https, a.host.clone(), a.port, a.url("/connectors")));
        let right = |https, host: &str, port, url: &str| Ok((https, host.to_owned(), port, url.to_owned()));
        assert_eq!(address("worker:1"), right(false, "worker", 1, "http://worker:1/connectors"));
        assert_eq!(address("http://[::1]:2/"), right(false, "::1", 2, "http://[::1]:2/connectors"));
        assert_eq!(address("https://w/kc/"), right(true, "w", 443, "https://w/kc/connectors"));
    }

    #[test]
    fn wrong_urls_say_what_is_wrong_and_show_no_password() {
        for (text, part) in [
            ("ftp://w", "http or https"),
            ("http://", "not a URL"),
            ("http://w/?a=1", "query"),
            ("http://ann:s3cret@w:1", "use --user"),
        ] {
            let error = Address::parse(text).expect_err(text);
            assert!(error.contains(part) && !error.contains("s3cret"), "{error}");
        }
    }
}
