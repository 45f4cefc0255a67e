//! The connections that are being served: how many there may be, how long each may keep us waiting, and which one goes when
//! a new one needs its place.
//!
//! A connection is either in the hands of its client (idle, sending a request, taking an answer) or the worker is at work
//! on its request. In its client's hands it has a time limit; and when all places are taken, the one that has been in its
//! client's hands for longest is closed for the next one. So clients that are slow or silent, on purpose or not, cannot
//! lock others out, while no request that the worker has got is ever cut off.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// How long a connection may stay idle, as in Kafka Connect. Taking a part of an answer is a sign of life.
const IDLE_LIMIT: Duration = Duration::from_secs(90);

/// How long a client may take to send the headers of a request, from their first byte.
const HEAD_LIMIT: Duration = Duration::from_secs(15);

/// How often time limits are looked at.
const REVIEW: Duration = Duration::from_secs(1);

/// How long a client may at least keep us waiting. One that opens many connections at once sends its requests before.
const SAFE: Duration = Duration::from_secs(5);

/// The time for a look at what a client has sent just before its connection is closed; a busy worker may be behind.
const LAST_LOOK: Duration = Duration::from_millis(10);

/// The pause before another connection is looked for that could go.
const PRESSURE_PAUSE: Duration = Duration::from_millis(100);

/// All connections of a server. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    capacity: usize,
    places: Arc<Semaphore>,
    /// By a number that grows with each connection.
    open: Arc<Mutex<BTreeMap<u64, Arc<Connection>>>>,
}

impl Connections {
    /// Room for so many.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, places: Arc::new(Semaphore::new(capacity)), open: Arc::default() }
    }

    /// Waits for a place. Where there is none, makes one as soon as a connection may be closed for it.
    pub(super) async fn place(&self) -> OwnedSemaphorePermit {
        loop {
            if self.places.available_permits() == 0 {
                self.close_longest_waiting(Instant::now());
            }
            let free = Arc::clone(&self.places).acquire_owned();
            if let Ok(place) = tokio::time::timeout(PRESSURE_PAUSE, free).await {
                return place.expect("the semaphore is never closed");
            }
        }
    }

    /// Registers a connection that has just been accepted.
    pub(super) fn register(&self, place: OwnedSemaphorePermit) -> Registered {
        let connection = Arc::new(Connection {
            state: Mutex::new(State { phase: Phase::New, since: Instant::now() }),
            close: Notify::new(),
        });
        let mut open = self.open.lock();
        let number = open.last_key_value().map_or(0, |(last, _)| last + 1);
        open.insert(number, Arc::clone(&connection));
        Registered { connection, number, all: self.clone(), _place: place }
    }

    /// Closes connections whose time is up, until it is dropped.
    pub(super) async fn review(self) {
        loop {
            tokio::time::sleep(REVIEW).await;
            let now = Instant::now();
            self.open.lock().values().filter(|connection| connection.is_overdue(now)).for_each(|late| late.close());
        }
    }

    /// Waits until there is no connection left.
    pub(super) async fn none_left(&self) {
        let all = u32::try_from(self.capacity).expect("there are not that many connections");
        // An error would mean that the semaphore is closed, which nobody does.
        let _ = self.places.acquire_many(all).await;
    }

    fn close_longest_waiting(&self, now: Instant) {
        let open = self.open.lock();
        let waiting = open.values().filter_map(|connection| Some((connection.waiting_since()?, connection)));
        if let Some((since, longest)) = waiting.min_by_key(|(since, _)| *since)
            && now.saturating_duration_since(since) >= SAFE
        {
            longest.close();
        }
    }
}

/// A connection with its place; both are given back when this is dropped.
#[derive(Debug)]
pub(super) struct Registered {
    pub(super) connection: Arc<Connection>,
    number: u64,
    all: Connections,
    _place: OwnedSemaphorePermit,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.all.open.lock().remove(&self.number);
    }
}

/// What a connection is at.
#[derive(Debug)]
pub(super) struct Connection {
    state: Mutex<State>,
    close: Notify,
}

#[derive(Debug, Clone, Copy)]
struct State {
    phase: Phase,
    since: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nobody has looked yet at what the client has sent.
    New,
    /// Between two requests; the last answer may still be under way to the client.
    Idle,
    /// The client sends the headers of a request.
    Head,
    /// The client sends the body of a request. Whoever reads it sets the time limit.
    Body,
    /// The worker has all of the request.
    Work,
}

impl Connection {
    /// Returns when the connection is to be closed. Whoever awaits it goes on serving the connection meanwhile.
    pub(super) async fn closed(&self) {
        loop {
            self.close.notified().await;
            let asked = self.waiting_since();
            tokio::time::sleep(LAST_LOOK).await;
            if asked.is_some() && self.waiting_since() == asked {
                return;
            }
        }
    }

    /// The headers of a request are there. Gives its body, which tells when all of it is there.
    pub(super) fn request(self: &Arc<Self>, body: Body) -> Body {
        if body.is_end_stream() {
            self.enter(Phase::Work);
            return body;
        }
        self.enter(Phase::Body);
        Body::new(Awaited { body, connection: Arc::clone(self) })
    }

    /// The answer is made.
    pub(super) fn answered(&self) {
        self.enter(Phase::Idle);
    }

    fn close(&self) {
        self.close.notify_one();
    }

    fn enter(&self, phase: Phase) {
        *self.state.lock() = State { phase, since: Instant::now() };
    }

    /// Bytes have come from the client.
    fn received(&self) {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::New | Phase::Idle) {
            *state = State { phase: Phase::Head, since: Instant::now() };
        }
    }

    /// There is nothing from the client: it is its turn.
    pub(super) fn silent(&self) {
        let mut state = self.state.lock();
        if state.phase == Phase::New {
            *state = State { phase: Phase::Idle, since: Instant::now() };
        }
    }

    /// The client has taken bytes.
    fn sent(&self) {
        let mut state = self.state.lock();
        if state.phase == Phase::Idle {
            state.since = Instant::now();
        }
    }

    fn is_overdue(&self, now: Instant) -> bool {
        let State { phase, since } = *self.state.lock();
        let limit = match phase {
            Phase::New | Phase::Idle => IDLE_LIMIT,
            Phase::Head => HEAD_LIMIT,
            Phase::Body | Phase::Work => return false,
        };
        now.saturating_duration_since(since) >= limit
    }

    /// Since when it is the client that we wait for; `None` while it is not.
    fn waiting_since(&self) -> Option<Instant> {
        let State { phase, since } = *self.state.lock();
        matches!(phase, Phase::Idle | Phase::Head | Phase::Body).then_some(since)
    }
}

/// A body that tells its connection when all of it is there.
struct Awaited {
    body: Body,
    connection: Arc<Connection>,
}

impl HttpBody for Awaited {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.connection.enter(Phase::Work);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that tells its connection of the client's signs of life.
pub(super) struct Watched<S> {
    pub(super) stream: S,
    pub(super) connection: Arc<Connection>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if polled.is_pending() {
            self.connection.silent();
        } else if buffer.filled().len() > before {
            self.connection.received();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.note(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S> Watched<S> {
    fn note(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(polled, Poll::Ready(Ok(1..))) {
            self.connection.sent();
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server's connections, each with its place.
    fn full(count: usize) -> (Connections, Vec<Registered>) {
        let all = Connections::new(count);
        let places = (0..count).map(|_| Arc::clone(&all.places).try_acquire_owned().unwrap());
        let registered = places.map(|place| all.register(place));
        let silent = registered.inspect(|registered| registered.connection.silent()).collect();
        (all, silent)
    }

    fn is_told_to_close(registered: &Registered) -> bool {
        use std::future::Future as _;
        let mut told = std::pin::pin!(registered.connection.close.notified());
        told.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())).is_ready()
    }

    #[test]
    fn the_one_that_waits_longest_for_its_client_goes_and_work_is_never_cut_off() {
        let (all, open) = full(3);
        let now = Instant::now();
        open[0].connection.enter(Phase::Work);
        all.close_longest_waiting(now + SAFE / 2);
        assert!(!open.iter().any(is_told_to_close), "all are too young");
        open[1].connection.state.lock().since = now + Duration::from_secs(1);
        open[2].connection.state.lock().since = now;
        all.close_longest_waiting(now + Duration::from_secs(60));
        let told: Vec<_> = open.iter().map(is_told_to_close).collect();
        assert_eq!(told, [false, false, true]);
    }

    #[tokio::test]
    async fn a_closed_connection_gives_its_place_to_the_next() {
        let (all, mut open) = full(1);
        assert!(tokio::time::timeout(2 * PRESSURE_PAUSE, all.place()).await.is_err());
        open[0].connection.state.lock().since = Instant::now().checked_sub(SAFE).unwrap();
        let old = open.pop().unwrap();
        let serving = tokio::spawn(async move {
            old.connection.closed().await;
            drop(old);
        });
        drop(all.place().await);
        serving.await.unwrap();
        all.none_left().await;
        assert!(all.open.lock().is_empty());
    }

    #[tokio::test]
    async fn what_came_at_the_last_moment_saves_a_connection() {
        let (_all, open) = full(1);
        let connection = Arc::clone(&open[0].connection);
        connection.close();
        let closed = tokio::spawn(async move { connection.closed().await });
        tokio::task::yield_now().await;
        open[0].connection.received();
        tokio::time::sleep(3 * LAST_LOOK).await;
        assert!(!closed.is_finished(), "it sends");
        open[0].connection.close();
        closed.await.unwrap();
    }

    #[test]
    fn a_connection_that_nobody_has_looked_at_stays() {
        let all = Connections::new(1);
        let registered = all.register(Arc::clone(&all.places).try_acquire_owned().unwrap());
        all.close_longest_waiting(Instant::now() + 2 * SAFE);
        assert!(!is_told_to_close(&registered), "its request may be there");
    }

    #[test]
    fn each_phase_has_its_limit() {
        let (_all, open) = full(1);
        let connection = &open[0].connection;
        let overdue_after = |limit: Duration| {
            let since = connection.state.lock().since;
            connection.is_overdue(since + limit) && !connection.is_overdue(since + limit - Duration::from_millis(1))
        };
        assert!(overdue_after(IDLE_LIMIT));
        connection.received();
        assert!(overdue_after(HEAD_LIMIT));
        let first = connection.state.lock().since;
        connection.received();
        connection.sent();
        assert_eq!(connection.state.lock().since, first, "more bytes of a request win no time");
        assert!(connection.request(Body::empty()).is_end_stream());
        assert!(!connection.is_overdue(Instant::now() + IDLE_LIMIT));
        connection.received();
        assert_eq!(connection.state.lock().phase, Phase::Work, "the next request waits");
        connection.answered();
        let answered = connection.state.lock().since;
        connection.sent();
        assert!(connection.state.lock().since >= answered);
        assert!(overdue_after(IDLE_LIMIT));
    }

    #[tokio::test]
    async fn work_begins_when_the_body_is_there() {
        let (_all, open) = full(1);
        let connection = &open[0].connection;
        let phase = || connection.state.lock().phase;
        let body = connection.request(Body::from("abc"));
        assert_eq!(phase(), Phase::Body);
        assert_eq!(axum::body::to_bytes(body, 10).await.unwrap(), "abc");
        assert_eq!(phase(), Phase::Work);
    }
}
