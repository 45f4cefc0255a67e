//! Asks the herder for the connectors that the files of the directory ask for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::{Id, JoinError, JoinSet};

use super::files::Files;
use crate::config::{ConnectorFile, DirectorySettings, Props};
use crate::error::{ConnectError, ErrorKind, Result};
use crate::herder::{ConfigChange, Handle};
use crate::storage::TargetState;

/// What was refused is tried again, since what it needs, such as a database, may come later: after this time at first,
/// then after twice the time, and so on up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Keeps the connectors of a directory as its files say.
pub(super) struct Follower {
    handle: Handle,
    files: Files,
    tokio: tokio::runtime::Runtime,
    running: JoinSet<(Step, Result<Done>)>,
    /// The connectors that something is being done with, by the task that does it.
    under_way: HashMap<Id, String>,
    /// The connectors made here, as they were asked for last.
    made: BTreeMap<String, ConnectorFile>,
    failures: BTreeMap<String, Failure>,
    /// Names that more than one file has, with these files.
    clashes: BTreeSet<(String, Vec<PathBuf>)>,
}

/// One thing to ask the herder for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Create(ConnectorFile),
    Change { from: Props, to: ConnectorFile },
    Delete(ConnectorFile),
}

/// A step that did not come about.
struct Failure {
    step: Step,
    reason: String,
    /// No answer came in time, so the step may come about yet.
    unanswered: bool,
    pause: Duration,
    next: Instant,
}

impl Follower {
    /// # Errors
    /// The system has no more resources.
    pub(super) fn new(settings: &DirectorySettings, handle: Handle) -> Result<Self> {
        let (under_way, made, failures, clashes) = Default::default();
        Ok(Self {
            handle,
            files: Files::new(settings.dir.clone(), settings.interval),
            tokio: tokio::runtime::Builder::new_current_thread().enable_time().build()?,
            running: JoinSet::new(),
            under_way,
            made,
            failures,
            clashes,
        })
    }

    /// Looks at the directory and begins what has to be done, everything side by side: a connector that hangs keeps no
    /// other one waiting.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub(super) fn look(&mut self) -> Result<()> {
        for error in self.files.look()? {
            tracing::error!("Connector file is not used: {}", error.message());
        }
        for step in self.plan() {
            let name = step.name().to_owned();
            let unanswered = self.failures.get(&name).is_some_and(|failure| failure.unanswered);
            let handle = self.handle.clone();
            let task = async move {
                let result = run(&handle, &step, unanswered).await;
                (step, result)
            };
            let id = self.running.spawn_on(task, self.tokio.handle()).id();
            self.under_way.insert(id, name);
        }
        Ok(())
    }

    /// Blocks until nothing is under way; each request to the herder is answered or timed out some time.
    pub(super) fn finish(&mut self) {
        while let Some(ended) = self.tokio.block_on(self.running.join_next_with_id()) {
            self.note(ended);
        }
    }

    /// Blocks until it is time for the next look. False if `stop` comes first.
    pub(super) fn wait(&mut self, interval: Duration, stop: &mut oneshot::Receiver<()>) -> bool {
        let next_look = tokio::time::Instant::now() + interval;
        loop {
            let Self { tokio, running, .. } = self;
            let ended = tokio.block_on(async {
                tokio::select! {
                    _ = &mut *stop => Err(false),
                    () = tokio::time::sleep_until(next_look) => Err(true),
                    Some(ended) = running.join_next_with_id() => Ok(ended),
                }
            });
            match ended {
                Ok(ended) => self.note(ended),
                Err(look) => return look,
            }
        }
    }

    /// What differs between the files and the connectors made here, without what was refused a short while ago.
    fn plan(&mut self) -> Vec<Step> {
        let connectors = self.files.connectors();
        let mut clashes = BTreeSet::new();
        let mut steps = Vec::new();
        for (name, files) in &connectors {
            let [file] = files.as_slice() else {
                clashes.insert(((*name).to_owned(), files.iter().map(|file| file.path.clone()).collect()));
                continue;
            };
            match self.made.get(*name) {
                None => steps.push(Step::Create((*file).clone())),
                Some(made) if made.config != file.config => {
                    steps.push(Step::Change { from: made.config.clone(), to: (*file).clone() });
                }
                Some(_) => {}
            }
        }
        let gone = self.made.values().filter(|made| !connectors.contains_key(made.name.as_str()));
        steps.extend(gone.cloned().map(Step::Delete));
        for (name, files) in clashes.difference(&self.clashes) {
            let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            tracing::error!(
                "Connector files are not used, because they have the same name={name}: {}. Give each connector one file",
                files.join(", ")
            );
        }
        self.clashes = clashes;
        // What nobody asks for any more has not failed.
        self.failures.retain(|_, failure| steps.contains(&failure.step));
        let now = Instant::now();
        let is_due = |name: &str| self.failures.get(name).is_none_or(|failure| failure.next <= now);
        steps.retain(|step| is_due(step.name()) && !self.under_way.values().any(|name| name == step.name()));
        steps
    }

    fn note(&mut self, ended: Result<(Id, (Step, Result<Done>)), JoinError>) {
        let (step, result) = match ended {
            Ok((id, ended)) => {
                self.under_way.remove(&id);
                ended
            }
            Err(error) => {
                let name = self.under_way.remove(&error.id()).unwrap_or_default();
                tracing::error!("Connector {name} could not be brought to what its file says: {error}");
                return;
            }
        };
        let name = step.name().to_owned();
        match result {
            Ok(done) => {
                self.failures.remove(&name);
                match &step {
                    Step::Create(file) | Step::Change { to: file, .. } => {
                        self.made.insert(name.clone(), file.clone());
                    }
                    Step::Delete(_) => drop(self.made.remove(&name)),
                }
                done.tell(&step);
            }
            Err(error) => self.note_failure(name, step, &error),
        }
    }

    fn note_failure(&mut self, name: String, step: Step, error: &ConnectError) {
        let before = self.failures.remove(&name);
        let reason = error.message().to_owned();
        if before.as_ref().is_none_or(|before| before.reason != reason) {
            tracing::error!("{} {name} from {} failed: {reason}", step.verb(), step.file().path.display());
        }
        let pause = before.map_or(FIRST_PAUSE, |before| (before.pause * 2).min(LONGEST_PAUSE));
        let unanswered = is_unanswered(error);
        self.failures.insert(name, Failure { step, reason, unanswered, pause, next: Instant::now() + pause });
    }
}

impl Step {
    fn file(&self) -> &ConnectorFile {
        match self {
            Self::Create(file) | Self::Change { to: file, .. } | Self::Delete(file) => file,
        }
    }

    fn name(&self) -> &str {
        &self.file().name
    }

    fn verb(&self) -> &'static str {
        match self {
            Self::Create(_) => "Creating connector",
            Self::Change { .. } => "Changing connector",
            Self::Delete(_) => "Deleting connector",
        }
    }
}

/// How a step came about.
#[derive(Debug, Default)]
struct Done {
    /// Somebody else has changed or deleted the connector since the directory's last change to it.
    overruled: bool,
    /// The connector is there, but does not start.
    not_started: Option<ConnectError>,
}

impl Done {
    fn tell(&self, step: &Step) {
        let (name, path) = (step.name(), step.file().path.display());
        match (step, self.overruled) {
            (Step::Change { .. }, true) => tracing::warn!(
                "Connector {name} was changed by other means since it was made from {path}; the file has changed too, and counts"
            ),
            (Step::Delete(_), true) => {
                tracing::info!("Connector {name}, whose file {path} is gone, was deleted already")
            }
            _ => {}
        }
        match step {
            Step::Create(_) => tracing::info!("Created connector {name} from {path}"),
            Step::Change { .. } => tracing::info!("Changed connector {name} as {path} says"),
            Step::Delete(_) if self.overruled => {}
            Step::Delete(_) => tracing::info!("Deleted connector {name}, because {path} is gone"),
        }
        if let Some(error) = &self.not_started {
            tracing::error!("Connector {name} of {path} does not start: {}", error.message());
        }
    }
}

/// `unanswered`: the same was asked before, and nobody knows whether it came about.
async fn run(handle: &Handle, step: &Step, unanswered: bool) -> Result<Done> {
    match step {
        Step::Create(file) | Step::Change { to: file, .. } if unanswered && has_config(handle, file).await => {
            Ok(Done::default())
        }
        Step::Create(file) => {
            let change = ConfigChange::Create {
                config: file.config.clone(),
                initial: file.initial_state.map(TargetState::from),
            };
            match handle.configure(&file.name, change).await {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(not_ours(file)),
                result => there_in_any_case(handle, file, result.map(drop)).await,
            }
        }
        Step::Change { from, to } => {
            let now = handle.connector(&to.name).await.ok();
            let overruled = now.is_none_or(|now| now.config != *from && now.config != to.config);
            let result = handle.configure(&to.name, ConfigChange::Put(to.config.clone())).await;
            let done = there_in_any_case(handle, to, result.map(drop)).await?;
            Ok(Done { overruled, ..done })
        }
        Step::Delete(file) => match handle.delete(&file.name).await {
            Ok(()) => Ok(Done::default()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Done { overruled: true, not_started: None }),
            Err(error) => Err(error),
        },
    }
}

fn not_ours(file: &ConnectorFile) -> ConnectError {
    ConnectError::already_exists(format!(
        "Connector {} already exists and was not made from this directory. Delete it, or rename the one in the file",
        file.name
    ))
}

/// A connector whose config was taken but which does not start is there, with a status that says why.
async fn there_in_any_case(handle: &Handle, file: &ConnectorFile, result: Result<()>) -> Result<Done> {
    match result {
        Ok(()) => Ok(Done::default()),
        Err(error) if !is_unanswered(&error) && has_config(handle, file).await => {
            Ok(Done { overruled: false, not_started: Some(error) })
        }
        Err(error) => Err(error),
    }
}

async fn has_config(handle: &Handle, file: &ConnectorFile) -> bool {
    handle.connector(&file.name).await.is_ok_and(|connector| connector.config == file.config)
}

fn is_unanswered(error: &ConnectError) -> bool {
    error.kind() == ErrorKind::Rest(500)
}

#[cfg(test)]
mod tests;
