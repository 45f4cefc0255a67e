//! JDBC URLs as people have them.

use crate::dialect::Database;
use percent_encoding::percent_decode_str;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A server of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Name or address, without the brackets of IPv6.
    pub name: String,
    /// The port; none = the usual one of the database.
    pub port: Option<u16>,
}

/// Parameters of a URL and properties beside it. Names are found in any case.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// By their names in lower case: the names as they were written, and the values.
    known: BTreeMap<String, (String, String)>,
    /// Names that stand behind a password, and may be the rest of it.
    doubtful: BTreeSet<String>,
}

impl Parameters {
    /// The value of the first of these names that is there. Empty values count as not there.
    pub fn get(&self, names: &[&str]) -> Option<&str> {
        let value = |name: &&str| self.known.get(&name.to_ascii_lowercase()).map(|(_, value)| value.as_str());
        names.iter().find_map(value).filter(|value| !value.is_empty())
    }

    /// Sets one; the name keeps its case for messages.
    pub fn set(&mut self, name: &str, value: &str) {
        self.known.insert(name.to_ascii_lowercase(), (name.to_owned(), value.to_owned()));
    }

    /// Sets it unless it is there.
    pub fn set_default(&mut self, name: &str, value: &str) {
        self.known.entry(name.to_ascii_lowercase()).or_insert_with(|| (name.to_owned(), value.to_owned()));
    }

    /// The names, as they were written.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.values().map(|(name, _)| name.as_str())
    }

    /// A name as it may be shown.
    pub fn shown<'a>(&self, name: &'a str) -> &'a str {
        if self.doubtful.contains(&name.to_ascii_lowercase()) {
            return "one behind a password, which may be a part of it (written in a password, & is %26)";
        }
        name
    }

    /// Whether it is there without a value.
    pub fn is_empty_value(&self, name: &str) -> bool {
        self.known.get(&name.to_ascii_lowercase()).is_some_and(|(_, value)| value.is_empty())
    }
}

impl fmt::Debug for Parameters {
    /// Shows the names only: a value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names().map(|name| self.shown(name))).finish()
    }
}

/// A JDBC URL, taken apart. Shown without its secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct JdbcUrl {
    /// What it leads to.
    pub database: Database,
    /// The servers, tried in this order. Empty for SQLite and where the URL names none (the local machine).
    pub hosts: Vec<Host>,
    /// The database to use; for SQLite the file.
    pub name: String,
    /// What stands behind `?`, and `user` and `password` from before `@`.
    pub parameters: Parameters,
}

impl JdbcUrl {
    /// Reads one. The error says what is wrong and what would be right, without the text. `dialect` (from `dialect.name`)
    /// decides where the subprotocol is not known.
    pub fn parse(text: &str, dialect: Option<Database>) -> Result<JdbcUrl, String> {
        let wrong = |why: &str| format!("{} is no usable JDBC URL: {why}", masked(text));
        let rest = text
            .strip_prefix("jdbc:")
            .ok_or_else(|| wrong("it begins with \"jdbc:\", as in \"jdbc:mysql://host/database\""))?;
        let (subprotocol, rest) =
            rest.split_once(':').ok_or_else(|| wrong("\"jdbc:\" is followed by the name of a database and a colon"))?;
        let known = Database::of_subprotocol(subprotocol);
        let database = dialect.or(known).ok_or_else(|| {
            wrong("it is not about a database that this plugin knows; it knows mysql, mariadb, postgresql, sqlite and openmldb")
        })?;
        let url = match database {
            Database::Sqlite => sqlite(rest),
            Database::OpenMldb | Database::MySql | Database::Postgres => networked(database, rest),
        };
        url.map_err(|why| wrong(&why))
    }
}

fn sqlite(rest: &str) -> Result<JdbcUrl, String> {
    let (name, query) = rest.split_once('?').unwrap_or((rest, ""));
    let name = name.strip_prefix("file:").unwrap_or(name);
    let name = name.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(name);
    let parameters = query_parameters(query)?;
    Ok(JdbcUrl { database: Database::Sqlite, hosts: Vec::new(), name: name.to_owned(), parameters })
}

fn networked(database: Database, rest: &str) -> Result<JdbcUrl, String> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut parameters = query_parameters(query)?;
    let Some((mode, authority)) = path.split_once("//") else {
        // PostgreSQL's short form: jdbc:postgresql:database
        let name = database_name(path.trim_start_matches('/'))?;
        return Ok(JdbcUrl { database, hosts: Vec::new(), name, parameters });
    };
    if !["", "loadbalance:", "replication:", "failover:", "sequential:", "aurora:"].contains(&mode) {
        return Err("what stands before \"//\" is not known".to_owned());
    }
    let (authority, name) = authority.split_once('/').unwrap_or((authority, ""));
    let hosts = match authority.rsplit_once('@') {
        Some((login, hosts)) => {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            parameters.set("user", &decoded(user)?);
            if !password.is_empty() {
                parameters.set("password", &decoded(password)?);
            }
            hosts
        }
        None => authority,
    };
    if hosts.contains(['(', '=']) {
        return Err("servers are written host:port,host:port".to_owned());
    }
    let hosts = hosts.split(',').map(str::trim).filter(|host| !host.is_empty()).map(host).collect::<Result<_, _>>()?;
    Ok(JdbcUrl { database, hosts, name: database_name(name)?, parameters })
}

/// The name of a database, which is shown: so it cannot be what is left of a login or of properties.
fn database_name(text: &str) -> Result<String, String> {
    if text.contains(['@', '=', '(']) {
        return Err(format!("the name of a database has '@', '=' or '(' only as %40, %3D or %28; {AS_PERCENT}"));
    }
    decoded(text)
}

fn host(text: &str) -> Result<Host, String> {
    let (name, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((name, rest)) => (name, rest.strip_prefix(':')),
        None => text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port))),
    };
    let port = port.filter(|port| !port.is_empty());
    let wrong = |_| format!("what follows the colon behind a host is a number from 0 to 65535; {AS_PERCENT}");
    let port = port.map(|port| port.parse().map_err(wrong)).transpose()?;
    Ok(Host { name: name.to_owned(), port })
}

fn query_parameters(query: &str) -> Result<Parameters, String> {
    let mut parameters = Parameters::default();
    let mut behind_password = false;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name.contains('@') {
            return Err(format!("the name of a parameter has no '@'; {AS_PERCENT}"));
        }
        if behind_password && !pair.contains('=') {
            return Err(format!("what follows a password has no '='; {AS_PERCENT}"));
        }
        let name = decoded(name)?;
        if behind_password {
            parameters.doubtful.insert(name.to_ascii_lowercase());
        }
        behind_password = name.to_ascii_lowercase().contains("password");
        parameters.set(&name, &decoded(value)?);
    }
    Ok(parameters)
}

/// As Java's `URLDecoder`: a plus is a blank.
fn decoded(text: &str) -> Result<String, String> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| "what is written with % is not UTF-8".to_owned())
}

/// What to do about a secret that makes a URL unreadable.
const AS_PERCENT: &str =
    "write /, ?, @, & and the like in a password as %2F, %3F, %40, %26, or use connection.password";

/// A URL that cannot be read: where its secrets are is not known, so nothing is shown but the name of the database.
fn masked(url: &str) -> String {
    let name = url.strip_prefix("jdbc:").and_then(|rest| rest.split_once(':')).map(|(name, _)| name);
    match name.filter(|name| name.chars().all(|character| character.is_ascii_alphanumeric())) {
        Some(name) => format!("jdbc:{name}:****"),
        None => "****".to_owned(),
    }
}

impl fmt::Display for JdbcUrl {
    /// Where it leads, without parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<String> = self.hosts.iter().map(Host::to_string).collect();
        match self.database {
            Database::Sqlite => write!(f, "SQLite file {}", self.name),
            database if hosts.is_empty() => write!(f, "{database} localhost/{}", self.name),
            database => write!(f, "{database} {}/{}", hosts.join(","), self.name),
        }
    }
}

impl fmt::Debug for JdbcUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} with {:?}", self.parameters)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.contains(':') { format!("[{}]", self.name) } else { self.name.clone() };
        match self.port {
            Some(port) => write!(f, "{name}:{port}"),
            None => f.write_str(&name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> JdbcUrl {
        JdbcUrl::parse(text, None).unwrap()
    }

    #[test]
    fn urls_of_tutorials_are_read() {
        let url = parse("jdbc:mysql://localhost:3306/myprj_online?user=root&password=my%26pass");
        assert_eq!((url.database, url.name.as_str()), (Database::MySql, "myprj_online"));
        assert_eq!(url.hosts, [Host { name: "localhost".into(), port: Some(3306) }]);
        assert_eq!(url.parameters.get(&["password"]), Some("my&pass"));
        let url = parse("jdbc:mysql://h/test?useUnicode=true&zeroDateTimeBehavior=convertToNull&serverTimezone=UTC");
        assert_eq!(url.parameters.get(&["connectionTimeZone", "SERVERTIMEZONE"]), Some("UTC"));
        let url = parse("jdbc:openmldb:///kafka_test?zk=127.0.0.1:2181&zkPath=/openmldb");
        assert_eq!((url.database, url.name.as_str(), url.hosts.len()), (Database::OpenMldb, "kafka_test", 0));
    }

    #[test]
    fn other_forms_are_read() {
        let url = parse("jdbc:postgresql://a:1,[::1]:2,c/my%20db?currentSchema=x");
        assert_eq!(url.to_string(), "PostgreSQL a:1,[::1]:2,c/my db");
        assert_eq!((parse("jdbc:postgresql:db").name, parse("jdbc:postgresql:/").name), ("db".into(), "".into()));
        let url = parse("jdbc:mysql://root:s%40ecret@h/db");
        assert_eq!((url.parameters.get(&["user"]), url.parameters.get(&["password"])), (Some("root"), Some("s@ecret")));
        let files =
            ["jdbc:sqlite:/a/b.db", "jdbc:sqlite:file:/a/b.db?x=1", "jdbc:sqlite:///a/b.db", "jdbc:sqlite::memory:"];
        assert_eq!(files.map(|url| parse(url).name), ["/a/b.db", "/a/b.db", "/a/b.db", ":memory:"]);
    }

    #[test]
    fn secrets_are_not_shown() {
        for url in [
            "jdbc:mysql://u:hunter2@h:x/db",
            "jdbc:mysql://u:a?hunter2@h:x/db",
            "jdbc:db2://h/db?user=u&Password=hunter2",
            "jdbc:x:hunter?sslPassword=hunter2",
            "jdbc:sqlserver://h:1433;user=sa;password=hunter2",
            "jdbc:oracle:thin:scott/hunter2@//db:1521/x",
            "jdbc:hunter2@h:x",
            "hunter2",
            "jdbc:mysql://address=(host=h)(password=hunter2)/db",
            "jdbc:mysql:address=(host=h)(password=hunter2)/db",
            "jdbc:mysql:u:hunter2//h/db",
            "jdbc:mysql://h/db;user=u;password=hunter2",
            "jdbc:mysql://h:33x06/db?user=u&password=my@hunter2",
            "jdbc:mysql://root:hunter2/2@h/db",
            "jdbc:mysql://root:1/hunter2@h/db",
            "jdbc:mysql://root:1?hunter2@h/db",
            "jdbc:postgresql:u:hunter2@h/db",
            "jdbc:postgresql://h/db?user=u&password=my&hunter2",
        ] {
            let error = JdbcUrl::parse(url, None).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let url = parse("jdbc:mysql://u:hunter2@h/db?trustStorePassword=hunter2");
        assert!(!format!("{url} {url:?}").contains("hunter2"));
        let url = parse("jdbc:mysql://h/db?password=my&hunter2=x&useSSL=true");
        let unknown = crate::db::unknown_parameters(&url);
        assert_eq!(unknown.len(), 1);
        assert!(unknown[0].contains("%26") && !format!("{unknown:?} {url:?}").contains("hunter2"), "{unknown:?}");
    }
}
