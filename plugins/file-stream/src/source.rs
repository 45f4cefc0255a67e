//! Lines of a file to a topic.

use crate::config::{self, ChangeDetection, SourceOptions};
use crate::input::{Available, Input};
use crate::lines::{Line, Lines};
use crate::offsets;
use ferroconnect_plugin_sdk::{
    Batch, Config, ConnectorContext, Data, Description, Error, OffsetMap, Plugin, Result, Schema, SchemaBuilder,
    Shared, SourceConnector, SourceContext, SourceOffsetChange, SourceRecord, SourceTask, Support, Text, debug, info,
    warn,
};
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a poll waits for input.
const WAIT: Duration = Duration::from_secs(1);
/// The first pause between two looks at the input; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// The connector: always one task.
#[derive(Debug, Default)]
pub struct FileStreamSource {
    config: Config,
}

impl Plugin for FileStreamSource {
    fn describe() -> Description {
        Description::new("org.apache.kafka.connect.file.FileStreamSourceConnector", crate::VERSION)
            .alias("FileStreamSourceConnector")
            .alias("FileStreamSource")
            .task_class("org.apache.kafka.connect.file.FileStreamSourceTask")
            .doc("Writes each line of a file, or of standard input, to a topic, and goes on as the file grows.")
            .config(config::source_def())
    }
}

impl SourceConnector for FileStreamSource {
    type Task = FileStreamSourceTask;

    fn start(&mut self, _: ConnectorContext, config: Config) -> Result<()> {
        let options = SourceOptions::parse(&config)?;
        info!("Starting file source connector reading from {}", options.input_name());
        self.config = config;
        Ok(())
    }

    fn task_configs(&mut self, _: usize) -> Result<Vec<Config>> {
        // A file has one order, so there is one reader.
        Ok(vec![self.config.clone()])
    }

    fn alter_offsets(&mut self, config: &Config, change: &SourceOffsetChange) -> Result<bool> {
        offsets::check_altered(config, change)?;
        Ok(true)
    }

    fn exactly_once_support(&self, config: &Config) -> Result<Support> {
        Ok(if config::file_of(config).is_some() { Support::SUPPORTED } else { Support::UNSUPPORTED })
    }
}

/// The task.
#[derive(Default)]
pub struct FileStreamSourceTask {
    reader: Option<Reader>,
}

impl SourceTask for FileStreamSourceTask {
    fn start(&mut self, context: SourceContext, config: Config) -> Result<()> {
        self.reader = Some(Reader::new(context, SourceOptions::parse(&config)?)?);
        Ok(())
    }

    fn poll(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        self.reader.as_mut().ok_or_else(|| Error::fatal("poll was called before start"))?.poll(batch)
    }

    fn stop(&mut self) -> Result<()> {
        self.reader = None;
        Ok(())
    }
}

/// A file that is followed as it grows.
struct Reader {
    context: SourceContext,
    options: SourceOptions,
    topic: Text,
    schema: Shared<Schema>,
    // None for standard input, whose positions are not kept.
    partition: Option<Shared<OffsetMap>>,
    // None until the file is there.
    input: Option<Input>,
    lines: Lines,
    // The number of bytes before the first one that was not handed out.
    position: u64,
    pause: Duration,
    warned_missing: bool,
    warned_short: bool,
}

impl Reader {
    fn new(context: SourceContext, options: SourceOptions) -> Result<Reader> {
        let input = match options.file {
            Some(_) => None,
            None => Some(Input::stdin()?),
        };
        Ok(Reader {
            context,
            topic: options.topic.as_str().into(),
            schema: SchemaBuilder::string().build(),
            partition: options.file.as_deref().map(offsets::partition).map(Shared::new),
            options,
            input,
            lines: Lines::default(),
            position: 0,
            pause: FIRST_PAUSE,
            warned_missing: false,
            warned_short: false,
        })
    }

    /// Gives the lines at hand, at most a batch; waits for a while if there are none.
    fn poll(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        if self.input.is_none() && !self.open()? {
            self.context.stop().wait_or_stop(WAIT);
            return Ok(());
        }
        let mut waited = Duration::ZERO;
        while !self.context.stop().is_stopped() {
            self.give_lines(batch);
            if batch.len() >= self.options.batch_size {
                break;
            }
            if self.read()? {
                continue;
            }
            if !batch.is_empty() {
                break;
            }
            if waited >= WAIT {
                return self.follow_replacement(batch);
            }
            self.context.stop().wait_or_stop(self.pause);
            waited += self.pause;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    fn give_lines(&mut self, batch: &mut Batch<'_>) {
        let room = self.options.batch_size - batch.len();
        // Most lines are longer than 32 bytes; if they are not, the batch grows by itself.
        batch.reserve(room.min(self.lines.bytes_at_hand() / 32));
        let now = milliseconds_since_1970();
        for _ in 0..room {
            let Some(line) = self.lines.next_line() else { break };
            self.give(line, now, batch);
        }
    }

    fn give(&mut self, line: Line, now: i64, batch: &mut Batch<'_>) {
        self.position += line.taken;
        let value = Data::new(self.schema.clone(), line.text);
        let record = SourceRecord::new(self.topic.clone(), value).timestamp(now);
        batch.push(match &self.partition {
            Some(partition) => record.position(partition, offsets::offset(self.position)),
            None => record,
        });
    }

    /// Reads what is there without waiting. False = nothing.
    fn read(&mut self) -> Result<bool> {
        let Some(input) = &mut self.input else { return Ok(false) };
        let position = self.position + self.lines.bytes_held_back() as u64;
        let available = input.available(position).map_err(|error| failed("look at", &self.options, error))?;
        let read = match available {
            Available::Bytes(bytes) => {
                self.warned_short = false;
                self.lines.read_from(input, bytes).map_err(|error| failed("read", &self.options, error))?
            }
            Available::Nothing => 0,
            Available::Shorter(length) => return self.shorter(length, position),
        };
        if read > 0 {
            self.pause = FIRST_PAUSE;
        }
        Ok(read > 0)
    }

    /// The file has fewer bytes than were read of it, or than the stored position says.
    fn shorter(&mut self, length: u64, position: u64) -> Result<bool> {
        let file = self.options.input_name();
        if self.options.detection == ChangeDetection::None {
            if !self.warned_short {
                warn!(
                    "File {file} has {length} bytes, fewer than the position {position}: nothing is read until it has \
                     more. Reset the connector's offsets or set {}=truncate to read it from its start.",
                    config::CHANGE_DETECTION
                );
            }
            self.warned_short = true;
            return Ok(false);
        }
        warn!("File {file} has {length} bytes, fewer than the position {position}: reading it from its start.");
        self.restart_at(0)?;
        Ok(length > 0)
    }

    fn restart_at(&mut self, position: u64) -> Result<()> {
        self.lines = Lines::default();
        self.position = position;
        if let Some(input) = &mut self.input {
            input.seek(position).map_err(|error| failed("set the position of", &self.options, error))?;
        }
        Ok(())
    }

    /// Opens the file at the stored position. False = there is no file yet.
    fn open(&mut self) -> Result<bool> {
        let Some(file) = self.options.file.as_deref() else { return Ok(true) };
        let input = match Input::open(file) {
            Ok(input) => input,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = "for FileStreamSourceTask, sleeping to wait for it to be created";
                if self.warned_missing {
                    debug!("Couldn't find file {file} {text}");
                } else {
                    warn!("Couldn't find file {file} {text}");
                }
                self.warned_missing = true;
                return Ok(false);
            }
            Err(error) => return Err(failed("open", &self.options, error)),
        };
        let stored = self.context.offset(&offsets::partition(file))?;
        let position = offsets::stored_position(stored.as_ref())?;
        let has_positions = input.has_positions();
        self.input = Some(input);
        match &stored {
            Some(_) if has_positions => {
                info!("Restored position {position} of file {file}");
                self.restart_at(position)?;
            }
            Some(_) => warn!("The stored position {position} of {file} is ignored: it is not a regular file"),
            None => info!("Reading file {file} from its start"),
        }
        Ok(true)
    }

    /// Goes over to a new file under the same name. To be called when the old one has not grown for a while, so that
    /// a writer that still has it open can finish.
    fn follow_replacement(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        let (Some(input), Some(file)) = (&self.input, self.options.file.clone()) else { return Ok(()) };
        if self.options.detection != ChangeDetection::Replace
            || !input.was_replaced(&file).map_err(|error| failed("look at", &self.options, error))?
        {
            return Ok(());
        }
        // Nothing more is coming, so the end of the file ends its last line.
        if let Some(line) = self.lines.finish() {
            self.give(line, milliseconds_since_1970(), batch);
        }
        info!("File {file} was replaced after {} bytes: reading the new one from its start", self.position);
        self.input = Some(Input::open(&file).map_err(|error| failed("open", &self.options, error))?);
        self.restart_at(0)
    }
}

fn failed(what: &str, options: &SourceOptions, error: io::Error) -> Error {
    Error::fatal(format!("Couldn't {what} {} for FileStreamSourceTask", options.input_name())).caused_by(error)
}

fn milliseconds_since_1970() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
