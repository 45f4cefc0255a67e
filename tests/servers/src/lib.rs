//! Database servers for tests: MariaDB and PostgreSQL, each with a folder and a port of its own.
//!
//! [`Server::shared`] gives one for all tests of a process; give each test a database of its own in it. A server that is
//! killed, restarted or set up for TLS is one's own: [`Server::start`]. Servers and their folders are gone when the
//! process is, however it ends.

mod tls;

pub use tls::Certificates;

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The user that may do everything.
pub const USER: &str = "tester";
/// Its password. Some of its characters have a meaning in URLs.
pub const PASSWORD: &str = "s3cret/w&rd";
const PASSWORD_IN_URL: &str = "s3cret%2Fw%26rd";

/// How long a server may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// MariaDB, package `mariadb-server`.
    MariaDb,
    /// PostgreSQL, package `postgresql`.
    Postgres,
}

/// A server that runs, or ran until it was killed.
pub struct Server {
    kind: Kind,
    folder: PathBuf,
    port: u16,
    account: Option<Account>,
    certificates: Option<Certificates>,
    child: Option<Child>,
    // Its end closes the standard input of the guard, which then cleans up.
    _guard: ChildStdin,
}

/// Servers refuse to run as root, so they run as the user of their package.
#[derive(Debug, Clone, Copy)]
struct Account {
    user: u32,
    group: u32,
}

impl Server {
    /// The server that all tests of this process share. Do not kill it.
    pub fn shared(kind: Kind) -> &'static Server {
        static MARIADB: OnceLock<Server> = OnceLock::new();
        static POSTGRES: OnceLock<Server> = OnceLock::new();
        let server = match kind {
            Kind::MariaDb => &MARIADB,
            Kind::Postgres => &POSTGRES,
        };
        server.get_or_init(|| Server::start(kind))
    }

    /// A new server without TLS.
    pub fn start(kind: Kind) -> Server {
        Server::launch(kind, None)
    }

    /// A new server with TLS, and the certificates to check it with.
    pub fn start_with_tls(kind: Kind) -> (Server, Certificates) {
        let certificates = Certificates::make();
        (Server::launch(kind, Some(certificates.clone())), certificates)
    }

    fn launch(kind: Kind, certificates: Option<Certificates>) -> Server {
        let folder =
            tempfile::Builder::new().prefix("ferroconnect-db-").tempdir().expect("a folder can be made").keep();
        let guard = guard(&folder);
        let account = account(match kind {
            Kind::MariaDb => "mysql",
            Kind::Postgres => "postgres",
        });
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free").port();
        let mut server = Server { kind, folder, port, account, certificates, child: None, _guard: guard };
        server.own(&server.folder);
        server.prepare();
        server.restart();
        server
    }

    /// Starts it again after [`Server::kill`], with the data it had.
    #[expect(
        clippy::zombie_processes,
        reason = "it is waited for when it is killed, or by the guard's end of the process"
    )]
    pub fn restart(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let mut child = self.command().spawn().expect("the server can be run");
            fs::write(self.folder.join("server.pid"), child.id().to_string()).expect("the folder can be written to");
            while Instant::now() < deadline {
                if self.is_ready() {
                    self.child = Some(child);
                    return;
                }
                // What is left of a killed server may be in the way for a moment.
                if child.try_wait().expect("the server can be looked at").is_some() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        panic!("{:?} did not start within {PATIENCE:?}:\n{log}", self.kind);
    }

    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the server can be killed");
            child.wait().expect("the server can be waited for");
        }
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The JDBC URL of a database without user and password. The host is `localhost`, which its certificate names.
    pub fn bare_url(&self, database: &str) -> String {
        let protocol = match self.kind {
            Kind::MariaDb => "mysql",
            Kind::Postgres => "postgresql",
        };
        format!("jdbc:{protocol}://localhost:{}/{database}", self.port)
    }

    /// The database that there is to begin with.
    pub fn database(&self) -> &'static str {
        match self.kind {
            Kind::MariaDb => "test",
            Kind::Postgres => "postgres",
        }
    }

    /// The JDBC URL of a database, with user and password.
    pub fn url(&self, database: &str) -> String {
        format!("{}?user={USER}&password={PASSWORD_IN_URL}", self.bare_url(database))
    }

    /// Runs SQL by the server's own client; gives what it prints, one row a line, columns apart by tabs.
    ///
    /// # Panics
    /// If the server refuses it.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let port = self.port.to_string();
        let mut command = match self.kind {
            Kind::MariaDb => {
                let mut command = Command::new(program("mariadb", "mariadb-client"));
                command.args([
                    "--no-defaults",
                    "--batch",
                    "--skip-column-names",
                    "-h",
                    "127.0.0.1",
                    "-P",
                    &port,
                    "-u",
                    USER,
                ]);
                command.env("MYSQL_PWD", PASSWORD).args([database, "-e", sql]);
                command
            }
            Kind::Postgres => {
                let mut command = Command::new(program("psql", "postgresql-client"));
                command.args(["-X", "-q", "-A", "-t", "-F", "\t", "-h", "127.0.0.1", "-p", &port, "-U", USER]);
                command.env("PGPASSWORD", PASSWORD).args(["-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql]);
                command
            }
        };
        let output = command.stdin(Stdio::null()).output().expect("the client can be run");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn own(&self, path: &Path) {
        if let Some(account) = self.account {
            chown(path, Some(account.user), Some(account.group)).expect("root can give files away");
        }
    }

    fn as_account(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some(account) = self.account {
            command.gid(account.group).uid(account.user);
        }
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    fn prepare(&self) {
        let data = self.folder.join("data");
        let mut command = match self.kind {
            Kind::MariaDb => {
                let start = format!(
                    "CREATE DATABASE IF NOT EXISTS test;\nCREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n\
                     GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n"
                );
                self.write("start.sql", &start);
                let mut command = self.as_account(&program("mariadb-install-db", "mariadb-server"));
                command.arg("--no-defaults").arg(format!("--datadir={}", data.display()));
                command.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
                command.arg(format!("--tmpdir={}", self.folder.display()));
                command
            }
            Kind::Postgres => {
                self.write("password", PASSWORD);
                let mut command = self.as_account(&program("initdb", "postgresql"));
                command.arg("-D").arg(&data).args(["-U", USER, "--pwfile=password", "--auth=scram-sha-256"]);
                command.args(["--encoding=UTF8", "--locale=C", "--no-sync"]);
                command
            }
        };
        run(&mut command);
        if let Some(certificates) = &self.certificates {
            for (name, text) in certificates.server_files() {
                self.write(name, text);
            }
        }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.join(name);
        fs::write(&path, text).expect("the folder can be written to");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("files can be protected");
        self.own(&path);
    }

    fn command(&self) -> Command {
        let log = fs::File::options().create(true).append(true).open(self.folder.join("log"));
        let log = log.expect("the folder can be written to");
        let path = |name: &str| self.folder.join(name).display().to_string();
        let mut command = match self.kind {
            Kind::MariaDb => {
                let mut command = self.as_account(&program("mariadbd", "mariadb-server"));
                command.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-log-bin", "--skip-name-resolve"]);
                // Enough for a killed process; only a killed machine would lose something.
                command.args(["--innodb-flush-log-at-trx-commit=2", "--max-allowed-packet=64M"]);
                command.args(["--character-set-server=utf8mb4", "--innodb-buffer-pool-size=64M"]);
                // Servers of several containers that share a folder for temporary files name them alike.
                command.arg(format!("--tmpdir={}", self.folder.display()));
                command.arg(format!("--datadir={}", path("data"))).arg(format!("--port={}", self.port));
                command.arg(format!("--socket={}", path("socket"))).arg(format!("--init-file={}", path("start.sql")));
                if self.certificates.is_some() {
                    command.arg(format!("--ssl-ca={}", path("ca.pem")));
                    command.arg(format!("--ssl-cert={}", path("server.pem")));
                    command.arg(format!("--ssl-key={}", path("server.key")));
                }
                command
            }
            Kind::Postgres => {
                let mut command = self.as_account(&program("postgres", "postgresql"));
                command.arg("-D").arg(path("data")).arg("-p").arg(self.port.to_string());
                command.args(["-h", "127.0.0.1", "-c", "fsync=off", "-c", "unix_socket_directories="]);
                if self.certificates.is_some() {
                    command.args(["-c", "ssl=on", "-c", &format!("ssl_cert_file={}", path("server.pem"))]);
                    command.args(["-c", &format!("ssl_key_file={}", path("server.key"))]);
                    command.args(["-c", &format!("ssl_ca_file={}", path("ca.pem"))]);
                }
                command
            }
        };
        command.stdout(log.try_clone().expect("a file can be shared")).stderr(log);
        command
    }

    fn is_ready(&self) -> bool {
        match self.kind {
            Kind::MariaDb => TcpStream::connect(("127.0.0.1", self.port)).is_ok(),
            Kind::Postgres => {
                let mut command = Command::new(program("pg_isready", "postgresql"));
                command.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
                command.status().is_ok_and(|status| status.success())
            }
        }
    }
}

/// A process that outlives this one by a moment: it ends the server and removes its folder.
#[expect(clippy::zombie_processes, reason = "it ends after this process, which cannot wait for it")]
fn guard(folder: &Path) -> ChildStdin {
    let script = "trap '' INT TERM HUP; read _; kill -9 $(cat \"$1/server.pid\") 2>/dev/null; \
                  while ! rm -rf \"$1\" 2>/dev/null; do sleep 0.1; done";
    let mut command = Command::new("sh");
    command.args(["-c", script, "guard"]).arg(folder).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut guard = command.spawn().expect("a shell can be run");
    guard.stdin.take().expect("its input is a pipe")
}

fn account(name: &str) -> Option<Account> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|this| std::os::unix::fs::MetadataExt::uid(&this) == 0);
    if !is_root {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("the list of users can be read");
    let line = users.lines().find(|line| line.split(':').next() == Some(name));
    let line = line.unwrap_or_else(|| panic!("there is no user {name}, as which the server would run"));
    let mut numbers = line.split(':').skip(2).map(|number| number.parse().expect("users have numbers"));
    let mut next = || numbers.next().expect("users have a number and a group");
    Some(Account { user: next(), group: next() })
}

/// Finds a program of a server; Debian keeps those of PostgreSQL out of the way.
fn program(name: &str, package: &str) -> PathBuf {
    let mut folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    folders.extend(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    versions.sort();
    let found = versions.into_iter().rev().chain(folders).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not installed; on Debian it is in the package {package}"))
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    if !output.status.success() {
        let mut text = output.stdout;
        // Both together: servers are not of one mind about where their complaints go.
        text.write_all(&output.stderr).expect("memory can be written to");
        panic!("{command:?}: {}", String::from_utf8_lossy(&text));
    }
}
