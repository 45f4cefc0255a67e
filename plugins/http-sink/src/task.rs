//! The way of records to the server.

use crate::client::{Answer, Client, Outcome};
use crate::oauth;
use crate::options::{Authorization, Nulls, Options, Refused};
use crate::progress::Progress;
use crate::request::{self, Next, Request};
use ferroconnect_plugin_sdk::json::Writer;
use ferroconnect_plugin_sdk::{Error, ErrorKind, Record, Result, SinkContext, TopicPartition, info, warn};
use std::time::{Duration, Instant};
use ureq::http::header::AUTHORIZATION;
use ureq::http::{HeaderValue, Method, StatusCode};

/// No pause of this connector's own is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// After this time no further request is begun before the worker was back at its consumer: well below the usual
/// `max.poll.interval.ms` (five minutes), after which the group takes the partitions away.
const LONGEST_PUT: Duration = Duration::from_secs(60);

/// A task that was started.
pub(crate) struct HttpSinkTask {
    context: SinkContext,
    options: Options,
    client: Client,
    writer: Writer,
    /// The access token, as long as it is taken for valid.
    token: Option<HeaderValue>,
    progress: Progress,
    longest_put: Duration,
}

impl HttpSinkTask {
    pub(crate) fn new(context: SinkContext, options: Options) -> HttpSinkTask {
        let client = Client::new(&options.connection);
        context.stop().on_stop(client.breaker());
        let writer = Writer::new(options.body.format);
        let progress = Progress::default();
        HttpSinkTask { context, options, client, writer, token: None, progress, longest_put: LONGEST_PUT }
    }

    /// The batch that was to come again comes without the records of these partitions.
    pub(crate) fn forget(&mut self, partitions: &[TopicPartition]) {
        self.progress.forget(partitions);
    }

    /// Sends records in their order.
    ///
    /// # Errors
    /// A retriable one when a request should be tried again, or when the batch takes long: what arrived is remembered,
    /// the rest is sent when the batch comes again. Otherwise the server, or this connector, will not have a record.
    pub(crate) fn put(&mut self, records: &[Record]) -> Result<()> {
        let begin = Instant::now();
        let all = self.progress.left(records);
        let mut left = all.as_slice();
        while let Some(&first) = left.first() {
            let most = if self.progress.alone > 0 { 1 } else { self.options.body.most };
            let done = match request::next(&self.options, &mut self.writer, left, most) {
                Next::Skip => {
                    self.note_skipped(first);
                    Ok(1)
                }
                Next::Refuse(error) => self.refuse(first, error).map(|()| 1),
                Next::Send(request) => {
                    let answer = send(&self.client, &self.options, &mut self.token, &request);
                    let (sent, deletes) = (&left[..request.records], *request.method == Method::DELETE);
                    answer.and_then(|answer| self.judge(answer, sent, deletes))
                }
            };
            let done = done.map(|done| {
                left = &left[done..];
                self.progress.advance(done);
            });
            let arrived = &all[..all.len() - left.len()];
            if let Err(error) = done.and_then(|()| self.stay_in_group(begin, arrived, left)) {
                self.progress.keep(arrived, left.first().copied());
                return Err(error);
            }
        }
        self.progress = Progress::default();
        Ok(())
    }

    /// Has the rest of a batch that takes long given again at once, so that the worker polls its consumer in between.
    fn stay_in_group(&self, begin: Instant, arrived: &[&Record], left: &[&Record]) -> Result<()> {
        // Without records to remember the next call would come no further than this one.
        if left.is_empty() || arrived.is_empty() || begin.elapsed() < self.longest_put {
            return Ok(());
        }
        self.context.retry_after(Duration::ZERO);
        let (done, rest) = (arrived.len(), left.len());
        Err(Error::retriable(format!(
            "The server is slow: {done} records have been sent within {} s; going on with the {rest} left after a poll",
            begin.elapsed().as_secs()
        )))
    }

    /// Says how many of the records that were sent are done.
    fn judge(&mut self, answer: Answer, sent: &[&Record], deletes: bool) -> Result<usize> {
        let count = sent.len();
        if self.context.stop().is_stopped() && answer.outcome != Outcome::Accepted {
            return Err(Error::new(ErrorKind::STOPPING, "The task was stopped during a request"));
        }
        let gone = deletes && answer.status.is_some_and(is_gone);
        match answer.outcome {
            Outcome::Accepted => Ok(count),
            // The answer to the one before got lost, but not what it did.
            _ if gone && self.progress.was_sent => Ok(count),
            Outcome::Later { after } => {
                // Where there was nothing to delete the request has done nothing.
                self.progress.was_sent |= !gone;
                Err(self.later(answer.message, after))
            }
            Outcome::Refused { status } if is_about_setup(status) => Err(Error::fatal(answer.message)),
            Outcome::Refused { .. } if count > 1 && self.leaves_out() => {
                info!("{}; its {count} records are sent one by one, to find those that are refused", answer.message);
                self.progress.alone = count;
                Ok(0)
            }
            Outcome::Refused { .. } if count > 1 => {
                let (first, last) = (place(sent[0]), place(sent[count - 1]));
                Err(Error::fatal(format!("{} (records from {first} to {last})", answer.message)))
            }
            Outcome::Refused { .. } => self.refuse(sent[0], Error::data(answer.message)).map(|()| 1),
        }
    }

    /// The error that has the batch given again after a pause; a fatal one when that was tried often enough.
    fn later(&mut self, message: String, after: Option<Duration>) -> Error {
        let retry = &self.options.retry;
        let attempts = self.progress.attempts;
        let pause = if attempts < retry.most {
            self.progress.attempts += 1;
            after.unwrap_or_else(|| pause(retry.pause, attempts))
        } else if let Some(anew) = retry.anew {
            self.progress.attempts = 0;
            after.unwrap_or_default().max(anew)
        } else {
            return Error::fatal(format!("{message}; sending failed {} times and no retries remain", attempts + 1));
        };
        self.context.retry_after(pause);
        Error::retriable(format!("{message}; trying again in {} ms", pause.as_millis()))
    }

    /// Whether the task may go on after a record that is refused, so that it is worth looking for.
    fn leaves_out(&self) -> bool {
        self.context.can_report() || self.options.refused != Refused::Fail
    }

    /// Gives a record up: it is reported. Where reports go nowhere, or would fail a task that is to leave the record out, it
    /// is left out or fails the task, as is wanted.
    fn refuse(&self, record: &Record, error: Error) -> Result<()> {
        let reports = self.options.tolerant || self.options.refused == Refused::Fail;
        if reports && self.context.can_report() {
            return self.context.report(record.clone(), error).map(drop);
        }
        let message = format!("{} (record {})", error.message(), place(record));
        match self.options.refused {
            Refused::Fail => return Err(error.context(message)),
            Refused::Log => warn!("{message}; the record is left out"),
            Refused::Ignore => {}
        }
        Ok(())
    }

    fn note_skipped(&self, record: &Record) {
        if self.options.nulls == Nulls::Log {
            warn!("The record {} has no value and is left out", place(record));
        }
    }
}

/// Sends a request, with an access token where one is needed. A token that lapsed is renewed once.
fn send(client: &Client, options: &Options, token: &mut Option<HeaderValue>, request: &Request<'_>) -> Result<Answer> {
    let ask = |authorization: Option<&HeaderValue>| {
        let mut headers = options.headers.clone();
        headers.extend(authorization.map(|value| (AUTHORIZATION, value.clone())));
        client.send(request.method, &request.url, &headers, &request.body, &options.retry.on)
    };
    let oauth = match &options.authorization {
        Authorization::None => return Ok(ask(None)),
        Authorization::Static(value) => return Ok(ask(Some(value))),
        Authorization::OAuth2(oauth) => oauth,
    };
    let known = token.take();
    let is_known = known.is_some();
    let fresh = match known {
        Some(known) => known,
        None => match oauth::fetch(client, oauth)? {
            Ok(fresh) => fresh,
            Err(answer) => return Ok(answer),
        },
    };
    let answer = ask(Some(&fresh));
    // Also where this status is tried again: with the same token that would never do.
    let has_lapsed = answer.outcome != Outcome::Accepted
        && answer.status.is_some_and(|status| oauth.renew_on.contains(&status.as_u16()));
    if !has_lapsed {
        *token = Some(fresh);
        return Ok(answer);
    }
    // A token that was never good is not fetched again and again.
    if is_known { send(client, options, token, request) } else { Ok(answer) }
}

/// Whether the answer is about who asks and where, and would be the same for every record.
fn is_about_setup(status: StatusCode) -> bool {
    status.is_redirection() || matches!(status, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED)
}

fn is_gone(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}

/// The pause after so many attempts: twice as long each time, with chance in it, so that many tasks do not come back
/// at the same moment.
fn pause(first: Duration, attempts: u32) -> Duration {
    let longest = LONGEST_PAUSE.max(first);
    let pause = first.saturating_mul(1 << attempts.min(20)).min(longest);
    pause.mul_f64(0.75 + 0.25 * fastrand::f64())
}

fn place(record: &Record) -> String {
    let origin = &record.origin;
    format!("{}-{}@{}", origin.topic, origin.partition, origin.offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::confluent::Confluent;
    use crate::connector::Dialect as _;
    use ferroconnect_plugin_sdk::testkit::{self, SinkHarness, sink_record};
    use ferroconnect_plugin_sdk::{Config, Data};

    const CLASS: &str = "io.confluent.connect.http.HttpSinkConnector";

    #[test]
    fn pauses_grow_to_a_limit() {
        let first = Duration::from_secs(3);
        for (attempts, longest) in [(0, 3), (1, 6), (2, 12), (5, 60), (40, 60)] {
            let longest = Duration::from_secs(longest);
            for _ in 0..50 {
                let pause = pause(first, attempts);
                assert!(pause <= longest && pause >= longest.mul_f64(0.75), "{attempts}: {pause:?}");
            }
        }
        assert_eq!(pause(Duration::ZERO, 3), Duration::ZERO);
        assert!(pause(Duration::from_secs(300), 0) > LONGEST_PAUSE);
    }

    #[test]
    fn a_batch_that_takes_long_is_given_back_in_between() {
        use crate as this;
        let mut config = Config::default();
        // Records that are left out need no server.
        config.set("http.api.url", "http://localhost:1/").set("behavior.on.null.values", "log");
        config
            .set("request.method", "POST")
            .set("batch.max.size", 1)
            .set("batch.json.as.array", false)
            .set("http.proxy.port", -1);
        for key in ["max.retries", "retry.backoff.ms", "http.request.timeout.ms", "http.connect.timeout.ms"] {
            config.set(key, 1);
        }
        let options = Confluent::options(&config).unwrap();
        let worker = SinkHarness::new(&testkit::library!(this), CLASS, config);
        let mut task = HttpSinkTask::new(worker.context(), options);
        task.longest_put = Duration::ZERO;
        let records: Vec<_> = (0..3).map(|offset| sink_record("t", 0, offset, Data::NULL)).collect();
        for left in [2, 1] {
            let error = task.put(&records).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RETRIABLE);
            assert!(error.message().contains(&format!("the {left} left")), "{error}");
            assert_eq!(worker.take_requests().retry_after, Some(Duration::ZERO));
        }
        task.put(&records).unwrap();
    }
}
