//! A headless Chromium, driven over WebDriver, to use the web page as its users do.

use crate::free_port;
use crate::process::Process;
use crate::rest::RestClient;
use crate::wait::{PATIENCE, until_some};
use base64::Engine;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Keys that are not characters, as WebDriver writes them.
pub mod key {
    /// Tabulator: to the next control.
    pub const TAB: &str = "\u{E004}";
    /// Enter.
    pub const ENTER: &str = "\u{E007}";
    /// Escape.
    pub const ESCAPE: &str = "\u{E00C}";
}

/// More controls than any view has.
const MOST_TABS: usize = 150;

/// A browser with one window. Dropping it ends the browser.
#[derive(Debug)]
pub struct Browser {
    _driver: Process,
    _dir: TempDir,
    api: RestClient,
    session: String,
}

impl Browser {
    /// Starts a browser; `None`, with a line that says so, where Chromium and its driver are not installed.
    ///
    /// # Panics
    /// When it cannot be started, or is missing although `FERROCONNECT_BROWSER=required` asks for it.
    pub fn start(width: u32, height: u32) -> Option<Self> {
        let (Some(driver), Some(chromium)) = (on_path("chromedriver"), on_path("chromium")) else {
            let wanted = std::env::var("FERROCONNECT_BROWSER").is_ok_and(|value| value == "required");
            assert!(!wanted, "chromium and chromedriver are not installed, but FERROCONNECT_BROWSER=required");
            println!("SKIPPED: chromium and chromedriver are not installed (Debian: chromium, chromium-driver)");
            return None;
        };
        let dir = tempfile::Builder::new().prefix("ferroconnect-browser-").tempdir().expect("a folder can be made");
        let port = free_port();
        let mut command = Command::new(driver);
        command.arg(format!("--port={port}"));
        let driver = Process::start(command, dir.path(), "chromedriver");
        let api = RestClient::new(&format!("http://127.0.0.1:{port}"));
        until_some("chromedriver to be ready", PATIENCE, || {
            let status = api.call("GET", "/status", &[], None)?;
            if status.json()["value"]["ready"] == true { Ok(()) } else { Err(status.text) }
        });
        let mut browser = Self { _driver: driver, _dir: dir, api, session: String::new() };
        // The pages are our own, and a sandbox inside of a container is often not possible.
        let args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
        let options = json!({"binary": chromium, "args": args});
        let wanted = json!({
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}
        });
        let answer = browser.send("POST", "/session", &json!({"capabilities": {"alwaysMatch": wanted}}));
        browser.session = answer["sessionId"].as_str().expect("a session has an id").to_owned();
        browser.resize(width, height);
        Some(browser)
    }

    /// Gives the window another size, in CSS pixels.
    pub fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": true});
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Tells the page that the user likes dark colours, or light ones.
    pub fn set_dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let feature = json!({"name": "prefers-color-scheme", "value": value});
        self.devtools("Emulation.setEmulatedMedia", &json!({"features": [feature]}));
    }

    /// Goes to an address and waits until it is loaded.
    pub fn open(&self, url: &str) {
        self.command("POST", "/url", &json!({ "url": url }));
    }

    /// Runs the body of a function in the page, and gives what it returns; promises are waited for.
    pub fn run(&self, script: &str, args: &[Value]) -> Value {
        self.command("POST", "/execute/sync", &json!({"script": script, "args": args}))
    }

    /// The value of an expression in the page.
    pub fn value(&self, expression: &str) -> Value {
        self.run(&format!("return ({expression});"), &[])
    }

    /// Waits until an expression is true in the page.
    ///
    /// # Panics
    /// When it does not become so in time; the message has the text that the page shows then.
    pub fn await_true(&self, expression: &str) {
        until_some(expression, PATIENCE, || {
            // What is not there yet may make the expression fail.
            let attempt = format!("try {{ return Boolean({expression}); }} catch {{ return false; }}");
            if self.run(&attempt, &[]) == true {
                return Ok(());
            }
            Err(format!("the page says: {}", self.value("document.body.innerText")))
        });
    }

    /// Waits until the page shows a text.
    pub fn await_text(&self, text: &str) {
        self.await_true(&format!("document.body.innerText.includes({})", Value::from(text)));
    }

    /// Types a text, or presses the keys of [`key`], wherever the focus is.
    pub fn press(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|c| {
            let stroke = |kind: &str| json!({"type": kind, "value": c.to_string()});
            [stroke("keyDown"), stroke("keyUp")]
        });
        let source = json!({"type": "key", "id": "keyboard", "actions": strokes.collect::<Vec<_>>()});
        self.command("POST", "/actions", &json!({"actions": [source]}));
    }

    /// Presses the tabulator until the control with this label has the focus.
    ///
    /// # Panics
    /// When the keyboard does not get there; the message has the labels it came by.
    pub fn tab_to(&self, label: &str) {
        let mut seen = Vec::new();
        for _ in 0..MOST_TABS {
            let here = self.focused();
            if here == label {
                return;
            }
            seen.push(here);
            self.press(key::TAB);
        }
        panic!("the keyboard does not get to {label:?}, only to {seen:?}");
    }

    /// The label of the control that has the focus.
    pub fn focused(&self) -> String {
        let script = "const it = document.activeElement; \
                      const label = it.labels?.[0]?.firstChild?.textContent; \
                      return it.getAttribute('aria-label') ?? label ?? (it === document.body ? '' : it.innerText);";
        self.run(script, &[]).as_str().unwrap_or_default().to_owned()
    }

    /// Keeps a picture of the window in the folder `FERROCONNECT_SCREENSHOTS`, if that is set.
    pub fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("FERROCONNECT_SCREENSHOTS") else { return };
        let picture = self.command("GET", "/screenshot", &Value::Null);
        let picture = picture.as_str().and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
        let path = Path::new(&folder).join(format!("{name}.png"));
        std::fs::create_dir_all(&folder).expect("the folder of the pictures can be made");
        std::fs::write(&path, picture.expect("the driver gives a picture")).expect("pictures can be written");
    }

    /// What the browser has complained about since the last call: errors of scripts, things that a policy forbids.
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.command("POST", "/se/log", &json!({"type": "browser"}));
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries.iter().filter(|entry| entry["level"] == "SEVERE").map(|entry| entry["message"].to_string()).collect()
    }

    fn devtools(&self, command: &str, params: &Value) {
        self.command("POST", "/goog/cdp/execute", &json!({"cmd": command, "params": params}));
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        self.send(method, &format!("/session/{}{path}", self.session), body)
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let text = (method == "POST").then(|| body.to_string());
        let headers = [("content-type", "application/json; charset=utf-8")];
        let answer = self.api.call(method, path, &headers, text.as_deref());
        let answer = answer.unwrap_or_else(|error| panic!("no answer from chromedriver: {error}"));
        assert_eq!(answer.status, 200, "{method} {path} {body}: {}", answer.text);
        answer.json()["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if self.session.is_empty() {
            return;
        }
        // The driver would leave the browser behind if it were only killed.
        let _ = self.api.call("DELETE", &format!("/session/{}", self.session), &[], None);
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
