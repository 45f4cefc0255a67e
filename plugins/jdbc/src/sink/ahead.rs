//! One batch is written while the worker makes the next one ready.

use crate::sink::failure::Failure;
use crate::sink::writer::Writer;
use crate::watched::Watched;
use ferroconnect_plugin_sdk::{Error, Record, Result, SinkContext};
use std::result::Result as StdResult;
use std::sync::mpsc::{Receiver, Sender, channel};

/// The writer, which is here or on a thread of its own with the records that it writes.
pub(crate) struct Ahead {
    context: SinkContext,
    place: Place,
    /// Started when it is needed first.
    thread: Option<WritingThread>,
}

enum Place {
    Here(Box<Writer>),
    Away,
    /// The thread that had it is gone.
    Lost,
}

/// What goes to the thread.
struct Job {
    writer: Box<Writer>,
    records: Vec<Record>,
}

/// What comes back.
struct Done {
    writer: Box<Writer>,
    /// The records and why they could not be written; none where they are.
    failed: Option<(Vec<Record>, Failure)>,
}

struct WritingThread {
    jobs: Sender<Job>,
    done: Receiver<Done>,
    thread: Watched,
}

impl Ahead {
    pub(crate) fn new(context: SinkContext, writer: Writer) -> Ahead {
        Ahead { context, place: Place::Here(Box::new(writer)), thread: None }
    }

    /// The writer, which [`Ahead::settle`] has brought back.
    ///
    /// # Errors
    /// Where the thread that had it panicked.
    pub(crate) fn writer(&mut self) -> Result<&mut Writer> {
        match &mut self.place {
            Place::Here(writer) => Ok(writer),
            Place::Away | Place::Lost => Err(lost()),
        }
    }

    /// Writes these records, and does not wait for it. What was begun before has been settled.
    pub(crate) fn begin(&mut self, records: Vec<Record>) -> Result<()> {
        if self.thread.is_none() {
            self.thread = Some(WritingThread::start(&self.context, Writer::write)?);
        }
        if let (Place::Here(writer), Some(thread)) = (std::mem::replace(&mut self.place, Place::Lost), &self.thread) {
            thread.jobs.send(Job { writer, records }).map_err(|_| lost())?;
            self.place = Place::Away;
            return Ok(());
        }
        Err(lost())
    }

    /// Waits for what is being written. The records that could not be, and why.
    pub(crate) fn settle(&mut self) -> Result<Option<(Vec<Record>, Failure)>> {
        let thread = match (&self.place, &self.thread) {
            (Place::Here(_), _) => return Ok(None),
            (Place::Away, Some(thread)) => thread,
            // Of what it had nobody knows whether it was written, now and whenever this is asked.
            (Place::Away, None) | (Place::Lost, _) => return Err(lost()),
        };
        let Ok(Done { writer, failed }) = thread.done.recv() else {
            self.place = Place::Lost;
            return Err(lost());
        };
        self.place = Place::Here(writer);
        Ok(failed)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if let Some(WritingThread { jobs, done, thread }) = self.thread.take() {
            drop(jobs);
            drop(done);
            thread.end();
        }
    }
}

impl WritingThread {
    /// With [`Writer::write`], or what a test has in its place.
    fn start(
        context: &SinkContext,
        write: fn(&mut Writer, &[&Record]) -> StdResult<(), Failure>,
    ) -> Result<WritingThread> {
        let (jobs, to_do) = channel::<Job>();
        let (says, done) = channel();
        let of_thread = context.clone();
        let body = move || {
            for Job { mut writer, records } in to_do {
                let outcome = write(&mut writer, &records.iter().collect::<Vec<_>>());
                let failed = outcome.err().map(|failure| (records, failure));
                if failed.is_some() {
                    // So that the task looks at it soon, also where no further records come.
                    of_thread.request_commit();
                }
                if says.send(Done { writer, failed }).is_err() {
                    return;
                }
            }
        };
        let thread = Watched::start("jdbc-writer", |name, body| context.spawn(name, body), body)?;
        Ok(WritingThread { jobs, done, thread })
    }
}

fn lost() -> Error {
    Error::fatal("The thread that writes rows has ended; the log says why")
}

#[cfg(test)]
impl Ahead {
    /// One whose thread panics as soon as it has something to write.
    pub(super) fn panicking(context: SinkContext, writer: Writer) -> Ahead {
        let thread = WritingThread::start(&context, |_, _| panic!("it cannot write")).expect("a thread can be started");
        let mut ahead = Ahead::new(context, writer);
        ahead.thread = Some(thread);
        ahead
    }
}
