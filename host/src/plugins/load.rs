//! Opens one plugin library and asks it what it holds.
//!
//! The order is that of the contract: build information by a plain C symbol, then the layout check, then the root
//! module, then `attach` and `describe`. Opening a library runs its constructors, so a file that was not seen before
//! goes through [`probe`](super::probe) first. Nothing is ever closed again.

use std::mem::offset_of;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use ferroconnect_plugin_abi::__abi_stable::StableAbi;
use ferroconnect_plugin_abi::__abi_stable::library::{
    AbiHeaderRef, LibHeader, LibraryError, ROOT_MODULE_LOADER_NAME_WITH_NUL,
};
use ferroconnect_plugin_abi::containers::AbiStr;
use ferroconnect_plugin_abi::error::AbiResult;
use ferroconnect_plugin_abi::info::{BUILD_INFO_MAGIC, BUILD_INFO_SYMBOL, BuildInfo, PluginInfo, StaticText};
use ferroconnect_plugin_abi::library::PluginLibraryRef;
use ferroconnect_plugin_abi::{ABI_MAJOR, ABI_MINOR};
use serde::{Deserialize, Serialize};

use super::compat::{self, Fit};
use super::foreign;
use super::host_services::host_services;
use super::quarantine::{Reason, Refusal};
use crate::config::Props;
use crate::error::Result;

#[cfg(unix)]
use libloading::os::unix::Library as NativeLibrary;
#[cfg(windows)]
use libloading::os::windows::Library as NativeLibrary;

/// How a library was built, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// Major and minor version of the contract.
    pub abi: (u16, u16),
    /// Name and version of the SDK.
    pub sdk: String,
    /// The compiler.
    pub rustc: String,
    /// The target triple.
    pub target: String,
    /// Its package; prefix of its worker properties, `plugin.<package>.`.
    pub package: String,
    /// The version of its package.
    pub version: String,
    /// What it can do beyond the contract's first version.
    pub capabilities: Vec<String>,
    #[serde(skip)]
    aborts: bool,
}

/// A library that is loaded and fits.
#[derive(Clone)]
pub struct Library {
    path: PathBuf,
    build: Build,
    fit: Fit,
    root: PluginLibraryRef,
}

impl Library {
    /// Opens the file. Runs code of the library: its constructors and the function that makes its root module.
    ///
    /// # Errors
    /// It cannot be opened, is not a plugin, or does not fit this host.
    pub fn open(path: &Path) -> Result<Library, Refusal> {
        let native = open_native(path)?;
        let build = read_build(native, path)?;
        check_build(&build, path)?;
        let header = read_header(native, path)?;
        let layout = header.layout().ok_or_else(|| {
            let message = "it was built without the description of its layout";
            Refusal::new(path, Reason::Build, message, "Build it with the export macro of the SDK")
        })?;
        let fit = compat::check(PluginLibraryRef::LAYOUT, layout, build.abi.1, &build.sdk)
            .map_err(|misfit| Refusal::new(path, Reason::Contract, misfit.message, misfit.way_out))?;
        // SAFETY: the layouts were compared just now. `Fit::Full`: all that the host knows is in the library with the
        // same layout. `Fit::Older`: all that the library knows is in the host with the same layout, and what the
        // host has more is behind the end of prefix types, whose accessors look at the library's own count of
        // fields before they read. Both cases, and the refusal of changed layouts, are tests with real libraries of
        // either age (`plugin_loading`).
        let root = unsafe { header.init_root_module_with_unchecked_layout::<PluginLibraryRef>() };
        let root = root.map_err(|error| header_refusal(path, &error))?;
        Ok(Library { path: path.to_owned(), build, fit, root })
    }

    /// Hands over the host's services and asks what plugins there are, given the worker's properties. May take a
    /// while.
    ///
    /// # Errors
    /// The library answers an error.
    pub fn describe(&self, worker: &Props) -> Result<Vec<PluginInfo>, Refusal> {
        let broken = |call: &str, error: crate::error::ConnectError| {
            tracing::debug!("{} answered {call} with {}", self.path.display(), error.trace());
            let message = format!("it answered {call} with an error: {}", error.message());
            Refusal::new(&self.path, Reason::Broken, message, self.ask_the_author())
        };
        foreign::result(self.root.attach()(host_services())).map_err(|error| broken("attach", error))?;
        let own = worker.with_prefix(&format!("plugin.{}.", self.build.package));
        let plugins = foreign::result(self.root.describe()(foreign::to_pairs(&own)));
        plugins.map(Into::into).map_err(|error| broken("describe", error))
    }

    /// As [`Library::describe`], but no longer than this. The trial in a child process has a limit as well, but a
    /// library may behave otherwise the next time, and the worker must start all the same.
    ///
    /// It runs on a thread of its own. If the time runs out, the library keeps that thread until the process ends; an
    /// answer that comes after all is thrown away.
    ///
    /// # Errors
    /// The library answers an error, or nothing in time ([`Reason::TimedOut`]).
    pub fn describe_within(&self, worker: &Props, limit: Duration) -> Result<Vec<PluginInfo>, Refusal> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let (library, worker) = (self.clone(), worker.clone());
        let work = move || {
            // An error says that nobody waits any more: it took too long.
            let _ = sender.send(library.describe(&worker));
        };
        if let Err(error) = std::thread::Builder::new().name("plugin-describe".to_owned()).spawn(work) {
            let message = format!("it could not be asked what it holds: no thread can be started: {error}");
            return Err(Refusal::new(
                &self.path,
                Reason::Broken,
                message,
                "Start the worker again when this is solved",
            ));
        }
        receiver.recv_timeout(limit).unwrap_or_else(|error| {
            let (reason, message, way_out) = match error {
                RecvTimeoutError::Timeout => (
                    Reason::TimedOut,
                    format!("once loaded it did not say what it holds within {} ms", limit.as_millis()),
                    "If it only needs longer, raise plugin.probe.timeout.ms; else ask its makers".to_owned(),
                ),
                RecvTimeoutError::Disconnected => {
                    (Reason::Broken, "it ended the thread that asked what it holds".to_owned(), self.ask_the_author())
                }
            };
            Err(Refusal::new(&self.path, reason, message, way_out))
        })
    }

    fn ask_the_author(&self) -> String {
        format!("Ask the makers of {} {}", self.build.package, self.build.version)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it was built.
    pub fn build(&self) -> &Build {
        &self.build
    }

    /// Whether it was built for an earlier minor version of the contract and does without what came later.
    pub fn is_older(&self) -> bool {
        self.fit == Fit::Older
    }

    /// Calls one of the library's factories.
    pub(super) fn make<T>(
        &self,
        factory: impl FnOnce(&PluginLibraryRef) -> extern "C" fn(AbiStr<'_>) -> AbiResult<T>,
        class: &str,
    ) -> Result<T> {
        foreign::result(factory(&self.root)(AbiStr::from(class)))
    }

    /// The root module.
    pub(super) fn root(&self) -> &PluginLibraryRef {
        &self.root
    }
}

/// Opens the file for ever, with names of its own (so that two libraries never see each other's) and all of them
/// bound now (so that a missing one is an error here and not a crash later).
fn open_native(path: &Path) -> Result<&'static NativeLibrary, Refusal> {
    #[cfg(unix)]
    // SAFETY: runs the constructors of a file that the user put into the plugin path; a file not seen before was
    // loaded in a child process first.
    let opened = unsafe {
        use libloading::os::unix::{RTLD_LOCAL, RTLD_NOW};
        NativeLibrary::open(Some(path), RTLD_NOW | RTLD_LOCAL)
    };
    #[cfg(windows)]
    // SAFETY: as above.
    let opened = unsafe { NativeLibrary::new(path) };
    match opened {
        Ok(library) => Ok(Box::leak(Box::new(library))),
        Err(error) => {
            let reason = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            // The system's text begins with the path, which the refusal names already.
            let reason = reason.trim_start_matches(&format!("{}: ", path.display())).to_owned();
            let way_out = "Check that the file is complete and made for this system, and that the libraries it needs are installed";
            Err(Refusal::new(path, Reason::NotALibrary, format!("it cannot be loaded: {reason}"), way_out))
        }
    }
}

fn read_build(native: &'static NativeLibrary, path: &Path) -> Result<Build, Refusal> {
    let not_a_plugin = |message: String| {
        let way_out =
            "Remove it from the plugin path; if it is meant to be a plugin, build it with the export macro of the SDK";
        Refusal::new(path, Reason::NotAPlugin, message, way_out)
    };
    // SAFETY: the symbol is the address of a static; it is only taken as a pointer here.
    let symbol = unsafe { native.get::<*const BuildInfo>(BUILD_INFO_SYMBOL) };
    let address = match symbol {
        Ok(symbol) if !symbol.is_null() => *symbol,
        _ => {
            return Err(not_a_plugin(format!("it is not a plugin: the symbol `{BUILD_INFO_SYMBOL}` is missing")));
        }
    };
    // SAFETY: a static of this name begins with eight bytes of magic; libraries are never unloaded.
    let magic = unsafe { (&raw const (*address).magic).read_unaligned() };
    if magic != BUILD_INFO_MAGIC {
        return Err(not_a_plugin(format!("it is not a plugin: `{BUILD_INFO_SYMBOL}` is something else")));
    }
    // SAFETY: the magic is right, so the size follows it.
    let size = unsafe { (&raw const (*address).size).read() };
    if (size as usize) < BUILD_INFO_1_0 {
        return Err(not_a_plugin(format!("it is not a plugin: `{BUILD_INFO_SYMBOL}` has only {size} bytes")));
    }
    // SAFETY: for each of the reads that follow: the struct of the library is long enough to have the fields of 1.0, and
    // the static lives for ever. No reference is made to the whole, because this host's struct may be the longer one.
    let text = |field: *const StaticText| unsafe { field.read().read() };
    // SAFETY: as above.
    unsafe {
        Ok(Build {
            abi: ((&raw const (*address).abi_major).read(), (&raw const (*address).abi_minor).read()),
            sdk: text(&raw const (*address).sdk),
            rustc: text(&raw const (*address).rustc),
            target: text(&raw const (*address).target),
            package: text(&raw const (*address).package),
            version: text(&raw const (*address).version),
            capabilities: text(&raw const (*address).capabilities).split_whitespace().map(str::to_owned).collect(),
            // What is neither of the two known numbers is not known to unwind.
            aborts: (&raw const (*address).panic).read() != 1,
        })
    }
}

/// The bytes up to the last field of version 1.0. Later versions have more; libraries of 1.0 never will.
const BUILD_INFO_1_0: usize = offset_of!(BuildInfo, capabilities) + size_of::<StaticText>();

/// The target triple of this host.
const TARGET: &str = env!("FERROCONNECT_TARGET");

fn check_build(build: &Build, path: &Path) -> Result<(), Refusal> {
    let (major, minor) = build.abi;
    if major != ABI_MAJOR {
        let (newer, way_out) = if major > ABI_MAJOR {
            ("the plugin is the newer side", "Upgrade the worker, or build the plugin with an older SDK")
        } else {
            ("the worker is the newer side", "Build the plugin again with a current SDK")
        };
        let message =
            format!("its plugin ABI {major}.{minor} cannot work with this worker's {ABI_MAJOR}.{ABI_MINOR}; {newer}");
        return Err(Refusal::new(path, Reason::Contract, message, way_out));
    }
    if build.aborts {
        let message = "it was built with panic = \"abort\", so a panic in it would end the whole worker";
        let way_out = "Build it with panic = \"unwind\", the default";
        return Err(Refusal::new(path, Reason::Build, message, way_out));
    }
    if build.target != TARGET {
        let message = format!("it was built for {}, the worker for {TARGET}", build.target);
        return Err(Refusal::new(path, Reason::Build, message, format!("Build it for {TARGET}")));
    }
    Ok(())
}

fn read_header(native: &'static NativeLibrary, path: &Path) -> Result<&'static LibHeader, Refusal> {
    // SAFETY: the symbol of this name is the address of a static header, and an `AbiHeaderRef` is a pointer to one. The
    // library is never unloaded, so the header lives for ever.
    let symbol = unsafe { native.get::<AbiHeaderRef>(ROOT_MODULE_LOADER_NAME_WITH_NUL) };
    let header: AbiHeaderRef = *symbol.map_err(|_| {
        let name = ROOT_MODULE_LOADER_NAME_WITH_NUL.trim_end_matches('\0');
        let message = format!("it is not a whole plugin: the symbol `{name}` is missing");
        Refusal::new(path, Reason::NotAPlugin, message, "Build it with the export macro of the SDK")
    })?;
    header.upgrade().map_err(|error| header_refusal(path, &error))
}

fn header_refusal(path: &Path, error: &LibraryError) -> Refusal {
    tracing::debug!("{} is refused: {error}", path.display());
    let rebuild = "Build the plugin again with a released SDK";
    match error {
        LibraryError::InvalidAbiHeader(_) => {
            let message = "it was built with another release line of the container library than this worker";
            Refusal::new(path, Reason::Build, message, rebuild)
        }
        LibraryError::InvalidCAbi { .. } => {
            let message = "its compiler passes values to functions in another way than this worker's";
            Refusal::new(path, Reason::Build, message, "Build the plugin with a current stable compiler")
        }
        LibraryError::RootModule { .. } => {
            let message = "it failed while it made its table of functions";
            Refusal::new(path, Reason::Broken, message, "Ask its makers; the log has more at level DEBUG")
        }
        other => {
            let text = other.to_string();
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            Refusal::new(path, Reason::Build, format!("it does not fit this worker: {text}"), rebuild)
        }
    }
}
