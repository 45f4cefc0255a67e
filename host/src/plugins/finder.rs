//! From a plugin path to a registry: scan, try out what is new, load what fits, list what does not.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::cache::{self, Cache};
use super::digests::Digests;
use super::load::Library;
use super::probe::{self, Prober};
use super::quarantine::Refusal;
use super::registry::{Plugin, Registry};
use super::report::{LibraryReport, Outcome};
use super::scan::{self, Candidate, Scan, Scanner};
use crate::config::{ConfigDef, Mode, PluginSettings, Props, WorkerConfig, plugin_path};
use crate::error::Result;

/// How to find plugins, by a worker's properties alone: they are needed before the rest of a worker file can be read,
/// because config providers may be plugins. Variables are not replaced.
///
/// # Errors
/// One of the plugin keys has a wrong value.
pub fn plugin_settings(worker: &Props) -> Result<PluginSettings> {
    let all = WorkerConfig::definition(Mode::Standalone);
    let mut def = ConfigDef::new();
    for name in ["plugin.path", "plugin.digests", "plugin.path.symlinks.allow", "plugin.probe.timeout.ms"] {
        def.replace(all.get(name).expect("the worker's definition has all plugin keys").clone());
    }
    let parsed = def.parse(worker)?;
    Ok(PluginSettings {
        path: plugin_path(worker),
        digests: parsed.opt_str("plugin.digests").map(PathBuf::from),
        allow_symlinks: parsed.bool("plugin.path.symlinks.allow"),
        probe_timeout: parsed.millis("plugin.probe.timeout.ms"),
    })
}

/// All that was found in the plugin path. Does not change; a new library is found at the next start.
pub struct Plugins {
    registry: Arc<Registry>,
    libraries: Vec<LibraryReport>,
    refused: Vec<Refusal>,
}

impl Plugins {
    /// The plugins that can be used, those of the worker itself included.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The libraries that are loaded.
    pub fn libraries(&self) -> &[LibraryReport] {
        &self.libraries
    }

    /// The files that look like libraries and are not loaded, with the reasons.
    pub fn refused(&self) -> &[Refusal] {
        &self.refused
    }
}

/// How to go from a plugin path to plugins.
pub struct Finder {
    settings: PluginSettings,
    worker: Props,
    program: Option<PathBuf>,
    cache: Option<PathBuf>,
}

impl Finder {
    /// A finder for these settings. Libraries see the worker properties under their own prefix. What was not seen
    /// before is tried out in a child process of this program, and the outcome is kept in the user's cache directory.
    pub fn new(settings: &PluginSettings, worker: &Props) -> Finder {
        Finder {
            settings: settings.clone(),
            worker: worker.clone(),
            program: std::env::current_exe().ok(),
            cache: cache::default_file(),
        }
    }

    /// Uses another program for the child processes: one that passes `plugins inspect --probe FILE` to
    /// [`child_main`](super::probe::child_main).
    #[must_use]
    pub fn program(mut self, program: impl Into<PathBuf>) -> Finder {
        self.program = Some(program.into());
        self
    }

    /// Keeps outcomes in this file; `None` = tries everything out each time.
    #[must_use]
    pub fn cache(mut self, file: Option<PathBuf>) -> Finder {
        self.cache = file;
        self
    }

    /// Loads libraries without trying them out first. For tests and for the child itself: a library that crashes takes
    /// this process with it.
    #[must_use]
    pub fn without_probe(mut self) -> Finder {
        self.program = None;
        self
    }

    /// Finds and loads. Blocks, and runs foreign code: not for an async thread. Each file that is refused gets one
    /// line in the log.
    ///
    /// # Errors
    /// The digest list cannot be read. Bad libraries are no error.
    pub fn find(&self) -> Result<Plugins> {
        let digests = self.settings.digests.as_deref().map(Digests::read).transpose()?;
        let allow_symlinks = self.settings.allow_symlinks;
        let scanner = Scanner { elements: &self.settings.path, allow_symlinks, digests: digests.as_ref() };
        let Scan { candidates, mut refused } = scanner.scan();
        let mut plugins: Vec<Plugin> = Vec::new();
        let mut libraries = Vec::new();
        for (candidate, verdict) in self.judge(candidates) {
            match verdict.and_then(|()| self.load(&candidate)) {
                Ok((report, found)) => {
                    libraries.push(report);
                    plugins.extend(found);
                }
                Err(refusal) => refused.push(Refusal { path: candidate.path, ..refusal }),
            }
        }
        for refusal in &refused {
            tracing::warn!("Plugin library {refusal}");
        }
        Ok(Plugins { registry: Arc::new(Registry::new(plugins)), libraries, refused })
    }

    /// Says what one library holds, or why it is refused, without loading it into this process.
    pub fn inspect(&self, file: &Path) -> Outcome {
        if let Err(refusal) = scan::check_file(file) {
            return Outcome::Refused(refusal);
        }
        match self.prober() {
            Some(prober) => prober.probe(file, &self.worker),
            None => match probe::try_out(file, &self.worker) {
                Ok(report) => Outcome::Fits(report),
                Err(refusal) => Outcome::Refused(refusal),
            },
        }
    }

    fn prober(&self) -> Option<Prober> {
        let program = self.program.clone()?;
        Some(Prober { program, timeout: self.settings.probe_timeout })
    }

    fn load(&self, candidate: &Candidate) -> Result<(LibraryReport, Vec<Plugin>), Refusal> {
        let library = Library::open(&candidate.path)?;
        let infos = library.describe_within(&self.worker, self.settings.probe_timeout)?;
        let plugins = probe::plugins_of(&library, infos)?;
        Ok((LibraryReport::new(&library, &plugins), plugins))
    }

    /// Which candidates may be loaded, in their order: as remembered, or tried out now, several at a time.
    fn judge(&self, candidates: Vec<Candidate>) -> Vec<(Candidate, Result<(), Refusal>)> {
        let Some(prober) = self.prober() else {
            return candidates.into_iter().map(|candidate| (candidate, Ok(()))).collect();
        };
        let mut cache = Cache::open(self.cache.clone(), &probe::visible_props(&self.worker));
        let mut verdicts: Vec<Option<Result<(), Refusal>>> =
            candidates.iter().map(|candidate| cache.get(&candidate.real)).collect();
        let unknown: Vec<usize> = (0..candidates.len()).filter(|&place| verdicts[place].is_none()).collect();
        let tried = self.try_out(&prober, &candidates, &unknown);
        for (place, verdict) in tried {
            cache.put(&candidates[place].real, verdict.clone());
            verdicts[place] = Some(verdict);
        }
        cache.save();
        candidates.into_iter().zip(verdicts).filter_map(|(candidate, verdict)| Some((candidate, verdict?))).collect()
    }

    fn try_out(
        &self,
        prober: &Prober,
        candidates: &[Candidate],
        places: &[usize],
    ) -> Vec<(usize, Result<(), Refusal>)> {
        let next = AtomicUsize::new(0);
        let results = Mutex::new(Vec::with_capacity(places.len()));
        // A child mostly waits for the disk and the linker; two per core keep both busy.
        let threads = std::thread::available_parallelism().map_or(2, NonZero::get) * 2;
        std::thread::scope(|scope| {
            for _ in 0..threads.min(places.len()) {
                scope.spawn(|| {
                    while let Some(&place) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let verdict = match prober.probe(&candidates[place].path, &self.worker) {
                            Outcome::Fits(_) => Ok(()),
                            Outcome::Refused(refusal) => Err(refusal),
                        };
                        results.lock().push((place, verdict));
                    }
                });
            }
        });
        results.into_inner()
    }
}
