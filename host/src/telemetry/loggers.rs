//! Which loggers say how much, changeable while the worker runs (KIP-495).
//!
//! Loggers form a tree by their names; `.` and `::` both separate the parts, so `ferroconnect::worker` and
//! `ferroconnect.worker` are one logger. A logger without a level of its own has that of its nearest ancestor, in the end
//! that of `root`. Java's logger names reach the parts of this worker that do the same work (`java_names`).
//!
//! Asking for a level is cheap: what was found for a target is kept until the next change.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use jiff::Timestamp;
use parking_lot::RwLock;

use super::java_names::{self, is_below};
use super::level::LogLevel;

/// The name that REST shows for the ancestor of all loggers. The empty name means it too.
pub const ROOT: &str = "root";

/// More names than a sane process has: a plugin that makes up targets must not grow the worker.
const MAX_NAMES: usize = 10_000;

static GLOBAL: LazyLock<Loggers> = LazyLock::new(|| Loggers::new(LogLevel::Info));

/// The loggers of this process.
pub fn global() -> &'static Loggers {
    &GLOBAL
}

/// Sets `name` and everything below it to `level` in this process; see [`Loggers::set`].
pub fn set_level(name: &str, level: LogLevel) -> Vec<String> {
    let shown = if is_root(name) { ROOT } else { name };
    tracing::info!("Setting level of namespace {shown} and children to {level}");
    let changed = GLOBAL.set(name, level);
    tracing::callsite::rebuild_interest_cache();
    changed
}

/// A number that grows with each change of any level. What somebody remembered about levels is stale once it differs.
pub fn generation() -> &'static AtomicU64 {
    &GLOBAL.generation
}

/// True if this process wants messages of `target` at `level`. Meant for plugins' log calls; takes no lock if no logger
/// at all is that talkative.
pub fn enabled(level: LogLevel, target: &str) -> bool {
    GLOBAL.enabled(level, target)
}

/// What is known about one logger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoggerInfo {
    /// The level in force, its own or an ancestor's.
    pub level: LogLevel,
    /// When the level was last changed at run time, in milliseconds since 1970.
    pub last_modified: Option<i64>,
}

/// A tree of loggers with their levels. Any thread may use it.
pub struct Loggers {
    generation: AtomicU64,
    /// The most talkative level of any logger, as a number.
    max: AtomicU8,
    tree: RwLock<Tree>,
}

impl Loggers {
    /// A tree that has only the root.
    pub fn new(root: LogLevel) -> Self {
        Self {
            generation: AtomicU64::new(1),
            max: AtomicU8::new(root as u8),
            tree: RwLock::new(Tree {
                root,
                levels: BTreeMap::new(),
                known: BTreeMap::new(),
                modified: HashMap::new(),
                found: HashMap::new(),
            }),
        }
    }

    /// Puts initial levels in force, without noting them as changes made at run time.
    pub fn apply(&self, spec: &LevelSpec) {
        let mut tree = self.tree.write();
        for (name, level) in &spec.0 {
            tree.assign(name, *level);
        }
        tree.modified.clear();
        self.publish(&mut tree);
    }

    /// Sets the logger `name` and everything below it to `level`. Gives the loggers whose level became another by this,
    /// in the order of their names; a logger that was not known before counts as changed.
    pub fn set(&self, name: &str, level: LogLevel) -> Vec<String> {
        let mut tree = self.tree.write();
        let changed = tree.assign(name, level);
        self.publish(&mut tree);
        changed
    }

    /// The level of one logger, or `None` if nobody ever logged under that name or set it.
    pub fn get(&self, name: &str) -> Option<LoggerInfo> {
        let tree = self.tree.read();
        if is_root(name) {
            return Some(tree.info(ROOT));
        }
        let canonical = canonical(name);
        let known = tree.known.contains_key(&canonical) || !java_names::targets(&canonical).is_empty();
        known.then(|| tree.info(&canonical))
    }

    /// All known loggers in the order of their names, those that are off left out.
    pub fn list(&self) -> BTreeMap<String, LoggerInfo> {
        let tree = self.tree.read();
        let named = tree.known.iter().map(|(canonical, shown)| (shown.clone(), tree.info(canonical)));
        std::iter::once((ROOT.to_owned(), tree.info(ROOT)))
            .chain(named)
            .filter(|(_, info)| info.level != LogLevel::Off)
            .collect()
    }

    /// True if messages of `target` at `level` are wanted.
    pub fn enabled(&self, level: LogLevel, target: &str) -> bool {
        level as u8 <= self.max.load(Ordering::Relaxed) && level <= self.level_of(target)
    }

    /// The level in force for messages of `target`, which is known as a logger from now on.
    pub fn level_of(&self, target: &str) -> LogLevel {
        if let Some(level) = self.tree.read().found.get(target) {
            return *level;
        }
        self.tree.write().find(target)
    }

    /// The most talkative level of any logger.
    pub fn max_level(&self) -> LogLevel {
        LogLevel::from_number(self.max.load(Ordering::Relaxed))
    }

    /// Makes a change visible. Holding the tree's write lock keeps an old level from being remembered after it.
    fn publish(&self, tree: &mut Tree) {
        tree.found.clear();
        let max = tree.levels.values().copied().fold(tree.root, LogLevel::max);
        self.max.store(max as u8, Ordering::Relaxed);
        self.generation.fetch_add(1, Ordering::Release);
    }
}

/// Keys are canonical: parts joined by dots.
struct Tree {
    root: LogLevel,
    /// Loggers with a level of their own.
    levels: BTreeMap<String, LogLevel>,
    /// Loggers that exist, and how their name was written when first met. Root is not among them.
    known: BTreeMap<String, String>,
    modified: HashMap<String, i64>,
    /// Levels found for targets as they are written in the code, since the last change.
    found: HashMap<Box<str>, LogLevel>,
}

impl Tree {
    fn assign(&mut self, name: &str, level: LogLevel) -> Vec<String> {
        let before: HashMap<String, LogLevel> =
            self.known.keys().map(|known| (known.clone(), self.effective(known))).collect();
        let root_before = self.root;
        if is_root(name) {
            self.root = level;
            self.levels.clear();
        } else {
            let own = canonical(name);
            for target in java_names::targets_below(&own) {
                self.assign_one(target, level);
            }
            self.assign_one(name, level);
        }
        let mut changed: Vec<(String, String)> = self
            .known
            .iter()
            .filter(|(known, _)| before.get(*known) != Some(&self.effective(known)))
            .map(|(known, shown)| (known.clone(), shown.clone()))
            .collect();
        if self.root != root_before {
            changed.push((ROOT.to_owned(), ROOT.to_owned()));
        }
        let now = Timestamp::now().as_millisecond();
        let mut shown: Vec<String> = Vec::with_capacity(changed.len());
        for (known, name) in changed {
            self.modified.insert(known, now);
            shown.push(name);
        }
        shown.sort();
        shown
    }

    fn assign_one(&mut self, name: &str, level: LogLevel) {
        let canonical = canonical(name);
        self.levels.retain(|other, _| !is_below(other, canonical.as_str()));
        self.known.entry(canonical.clone()).or_insert_with(|| name.to_owned());
        self.levels.insert(canonical, level);
    }

    fn find(&mut self, target: &str) -> LogLevel {
        let canonical = canonical(target);
        let level = self.effective(&canonical);
        if self.known.len() < MAX_NAMES {
            self.known.entry(canonical).or_insert_with(|| target.to_owned());
        }
        if self.found.len() < MAX_NAMES {
            self.found.insert(target.into(), level);
        }
        level
    }

    /// A Java name shows the level of the part that does its work here.
    fn effective(&self, canonical: &str) -> LogLevel {
        if let Some(target) = java_names::targets(canonical).first() {
            return self.effective(&self::canonical(target));
        }
        let mut name = canonical;
        loop {
            if let Some(level) = self.levels.get(name) {
                return *level;
            }
            match name.rfind('.') {
                Some(end) => name = &name[..end],
                None => return self.root,
            }
        }
    }

    fn info(&self, canonical: &str) -> LoggerInfo {
        LoggerInfo {
            level: if canonical == ROOT { self.root } else { self.effective(canonical) },
            last_modified: self.modified.get(canonical).copied(),
        }
    }
}

fn is_root(name: &str) -> bool {
    name.is_empty() || name.eq_ignore_ascii_case(ROOT)
}

fn canonical(name: &str) -> String {
    name.replace("::", ".")
}

/// Levels to begin with, such as `info,ferroconnect::kafka=debug`: a level alone is the root's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LevelSpec(Vec<(String, LogLevel)>);

/// The environment variable that holds the initial levels.
pub const LEVELS_VARIABLE: &str = "FERROCONNECT_LOG";

impl LevelSpec {
    /// Reads the variable [`LEVELS_VARIABLE`]; unset or empty gives no levels.
    pub fn from_env() -> Result<Self, BadLevels> {
        match std::env::var(LEVELS_VARIABLE) {
            Ok(text) => text.parse(),
            Err(std::env::VarError::NotPresent) => Ok(Self::default()),
            Err(std::env::VarError::NotUnicode(text)) => Err(BadLevels { item: text.to_string_lossy().into_owned() }),
        }
    }
}

impl FromStr for LevelSpec {
    type Err = BadLevels;

    fn from_str(text: &str) -> Result<Self, BadLevels> {
        let items = text.split(',').map(str::trim).filter(|s| !s.is_empty());
        let mut levels = Vec::new();
        for item in items {
            let (name, level) = item.rsplit_once('=').unwrap_or((ROOT, item));
            let level = level.trim().parse().map_err(|_| BadLevels { item: item.to_owned() })?;
            levels.push((name.trim().to_owned(), level));
        }
        // A level for an ancestor would wipe out those below it, so ancestors go first.
        levels.sort_by_key(|(name, _)| (!is_root(name), canonical(name).len()));
        Ok(Self(levels))
    }
}

/// A part of the initial levels that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLevels {
    item: String,
}

impl BadLevels {
    /// What is wrong, without the place where it stands.
    pub fn reason(&self) -> String {
        format!(
            "`{}` is not understood; write LEVEL or LOGGER=LEVEL, separated by commas, with a level of OFF, ERROR, \
             WARN, INFO, DEBUG or TRACE",
            self.item
        )
    }
}

impl fmt::Display for BadLevels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment variable {LEVELS_VARIABLE}: {}", self.reason())
    }
}

impl std::error::Error for BadLevels {}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(spec: &str) -> Loggers {
        let loggers = Loggers::new(LogLevel::Info);
        loggers.apply(&spec.parse().unwrap());
        loggers
    }

    #[test]
    fn a_logger_has_the_level_of_its_nearest_ancestor() {
        let loggers = levels("ferroconnect::worker=debug,warn,ferroconnect=error");
        assert_eq!(loggers.level_of("other"), LogLevel::Warn);
        assert_eq!(loggers.level_of("ferroconnect::rest"), LogLevel::Error);
        assert_eq!(loggers.level_of("ferroconnect::worker::a"), LogLevel::Debug);
        assert_eq!(loggers.level_of("ferroconnect.worker.a"), LogLevel::Debug);
        assert_eq!(loggers.level_of("ferroconnect::workers"), LogLevel::Error, "a longer word is another logger");
    }

    #[test]
    fn a_change_reaches_everything_below_and_is_reported_once() {
        let loggers = levels("info,a::b::c=trace");
        loggers.level_of("a::b");
        loggers.level_of("a::d");
        let generation = loggers.generation.load(Ordering::Relaxed);
        assert_eq!(loggers.set("a.b", LogLevel::Debug), ["a::b", "a::b::c"], "both below, shown as first met");
        assert!(loggers.generation.load(Ordering::Relaxed) > generation);
        assert_eq!(loggers.level_of("a::b::c"), LogLevel::Debug);
        assert_eq!(loggers.level_of("a::d"), LogLevel::Info);
        assert!(loggers.get("a::b").unwrap().last_modified.is_some());
        assert_eq!(loggers.get("a::d").unwrap().last_modified, None);
        assert!(loggers.set("a.b", LogLevel::Debug).is_empty());
    }

    #[test]
    fn a_new_logger_counts_as_changed_even_at_the_level_it_had() {
        let loggers = levels("info");
        assert_eq!(loggers.set("brand.new", LogLevel::Info), ["brand.new"]);
        assert!(loggers.set("brand.new", LogLevel::Info).is_empty());
    }

    #[test]
    fn root_goes_by_two_names_and_reaches_all() {
        let loggers = levels("info,a=debug");
        assert_eq!(loggers.set("Root", LogLevel::Warn), ["a", "root"]);
        assert_eq!(loggers.get("").unwrap().level, LogLevel::Warn);
        assert_eq!(loggers.level_of("a::b"), LogLevel::Warn);
        assert!(loggers.set("root", LogLevel::Warn).is_empty());
    }

    #[test]
    fn unknown_loggers_are_not_found_and_silent_ones_not_listed() {
        let loggers = levels("info");
        assert_eq!(loggers.get("no.such.logger"), None);
        loggers.set("quiet", LogLevel::Off);
        loggers.level_of("heard");
        let names: Vec<_> = loggers.list().into_keys().collect();
        assert_eq!(names, ["heard", "root"]);
        assert_eq!(loggers.get("quiet").unwrap().level, LogLevel::Off);
        assert!(!loggers.enabled(LogLevel::Error, "quiet::one"));
    }

    #[test]
    fn java_names_reach_the_part_that_does_the_work() {
        let loggers = levels("info");
        loggers.level_of("ferroconnect::worker::source_loop");
        let changed = loggers.set("org.apache.kafka.connect.runtime", LogLevel::Debug);
        assert!(changed.contains(&"org.apache.kafka.connect.runtime".to_owned()));
        assert!(changed.contains(&"ferroconnect::worker::source_loop".to_owned()));
        assert!(loggers.enabled(LogLevel::Debug, "ferroconnect::rest::server"));
        assert!(!loggers.enabled(LogLevel::Debug, "ferroconnect::kafka"));
        assert_eq!(
            loggers.get("org.apache.kafka.connect.runtime.rest").unwrap().level,
            LogLevel::Debug,
            "a Java name is known without having been set"
        );
        assert!(loggers.set("org.apache.kafka.connect.runtime", LogLevel::Debug).is_empty());
    }

    #[test]
    fn made_up_targets_do_not_pile_up() {
        let loggers = levels("info");
        for n in 0..MAX_NAMES + 10 {
            assert!(!loggers.enabled(LogLevel::Debug, &format!("t{n}")));
            assert!(loggers.enabled(LogLevel::Info, &format!("t{n}")));
        }
        assert!(loggers.list().len() <= MAX_NAMES + 1);
        assert!(loggers.tree.read().found.len() <= MAX_NAMES);
    }

    #[test]
    fn bad_initial_levels_are_named() {
        let error = "info,ferroconnect=loud".parse::<LevelSpec>().unwrap_err();
        let text = error.to_string();
        assert!(text.contains("FERROCONNECT_LOG") && text.contains("`ferroconnect=loud`"), "{text}");
        assert_eq!(" ".parse::<LevelSpec>().unwrap(), LevelSpec::default(), "blank means nothing");
    }
}
