//! How long the texts are that a part of a pattern matches, as far as Java finds out.

use super::syntax::{Mode, Node, Repeat};

/// What Java takes for the greatest number of repetitions.
const UNBOUNDED: u64 = 0x7FFF_FFFF;

/// Bounds of a length, in code points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Width {
    /// The least.
    pub(super) min: u64,
    /// The most; absent where there is none, or where Java does not see it.
    pub(super) max: Option<u64>,
    /// Whether there is only one way to match; Java gives up on repeated groups that have more.
    single_way: bool,
}

impl Width {
    const ZERO: Self = Self { min: 0, max: Some(0), single_way: true };

    /// The width of a node.
    pub(super) fn of(node: &Node) -> Self {
        match node {
            Node::Empty | Node::Assertion(_) | Node::Look { .. } => Self::ZERO,
            Node::Set(_) => Self { min: 1, max: Some(1), single_way: true },
            Node::LineEnding => Self { min: 1, max: Some(2), single_way: true },
            Node::Grapheme => Self { min: 1, max: None, single_way: true },
            Node::BackReference { .. } => Self { min: 0, max: None, single_way: true },
            Node::Capture(body) | Node::Atomic(body) => Self::of(body),
            Node::Concat(nodes) => nodes.iter().map(Self::of).fold(Self::ZERO, Self::followed_by),
            Node::Alternation(nodes) => {
                let either = nodes.iter().map(Self::of).reduce(Self::or).unwrap_or(Self::ZERO);
                Self { single_way: false, ..either }
            }
            Node::Repeat(repeat) => Self::of_repeat(repeat),
        }
    }

    fn of_repeat(repeat: &Repeat) -> Self {
        let body = Self::of(&repeat.body);
        let once = repeat.max == Some(1) || repeat.mode == Mode::Possessive;
        let max = match (body.max, repeat.max) {
            (Some(0), _) => Some(0),
            (Some(body_max), Some(times)) if once || body.single_way => Some(body_max.saturating_mul(times.into())),
            // Java 17 counts this as if there were a bound.
            (Some(1), None) if matches!(*repeat.body, Node::Set(_)) && repeat.mode == Mode::Greedy => Some(UNBOUNDED),
            _ => None,
        };
        Self {
            min: body.min.saturating_mul(repeat.min.into()),
            max,
            single_way: body.single_way && repeat.max == Some(repeat.min),
        }
    }

    fn followed_by(self, next: Self) -> Self {
        Self {
            min: self.min.saturating_add(next.min),
            max: self.max.zip(next.max).map(|(one, other)| one.saturating_add(other)),
            single_way: self.single_way && next.single_way,
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            min: self.min.min(other.min),
            max: self.max.zip(other.max).map(|(one, other)| one.max(other)),
            single_way: false,
        }
    }
}
