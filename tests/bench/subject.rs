//! Who is measured.

use ferroconnect_e2e::worker::Subject;

/// A competitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// Our worker. It runs twice a round, as A and B: what differs between the two is noise.
    Ours(Side),
    /// The Java worker. Runs as A and B where ours is left out.
    Java(Side),
    /// A librdkafka loop.
    Raw,
    /// A librdkafka producer loop with the idempotent producer.
    RawIdempotent,
}

/// One half of an A/A pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The first run of a round.
    A,
    /// The second run of a round.
    B,
}

impl Who {
    /// Name in the tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours(Side::A) => "Ferroconnect (A)",
            Self::Ours(Side::B) => "Ferroconnect (B)",
            Self::Java(Side::A) => "Java worker",
            Self::Java(Side::B) => "Java worker (B)",
            Self::Raw => "raw librdkafka loop",
            Self::RawIdempotent => "raw librdkafka loop, idempotent",
        }
    }

    /// The worker to start; `None` for the raw loops.
    pub(crate) fn worker(self) -> Option<Subject> {
        match self {
            Self::Ours(_) => Some(Subject::Ferroconnect),
            Self::Java(_) => Some(Subject::Java),
            Self::Raw | Self::RawIdempotent => None,
        }
    }
}
