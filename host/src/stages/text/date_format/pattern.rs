//! Patterns, compiled into pieces.

use std::fmt;

/// Why a pattern is not one. The message is Java's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternError {
    /// A letter without meaning; letters that stand for themselves have to be quoted.
    IllegalCharacter(char),
    /// A quote that is opened and never closed.
    UnterminatedQuote,
    /// More than three `X`; so many they are.
    IsoZoneLength(usize),
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PatternError::IllegalCharacter(letter) => write!(f, "Illegal pattern character '{letter}'"),
            PatternError::UnterminatedQuote => f.write_str("Unterminated quote"),
            PatternError::IsoZoneLength(length) => write!(f, "invalid ISO 8601 format: length={length}"),
        }
    }
}

impl std::error::Error for PatternError {}

/// What a letter of a pattern stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Letter {
    /// `G`: AD, BC.
    Era,
    /// `y`: the year of the era.
    Year,
    /// `Y`: the year the week belongs to.
    WeekYear,
    /// `M`, `L`: a number, or a name from three letters on.
    Month,
    /// `w`.
    WeekOfYear,
    /// `W`.
    WeekOfMonth,
    /// `D`.
    DayOfYear,
    /// `d`.
    DayOfMonth,
    /// `F`: 2 for the second Wednesday of a month.
    WeekdayInMonth,
    /// `E`: a name.
    WeekdayName,
    /// `u`: 1 for Monday to 7 for Sunday.
    WeekdayNumber,
    /// `a`: AM, PM.
    AmPm,
    /// `H`: 0 to 23.
    Hour0To23,
    /// `k`: 1 to 24.
    Hour1To24,
    /// `K`: 0 to 11.
    Hour0To11,
    /// `h`: 1 to 12.
    Hour1To12,
    /// `m`.
    Minute,
    /// `s`.
    Second,
    /// `S`.
    Millisecond,
    /// `z`: a name.
    ZoneName,
    /// `Z`: `+0200`.
    ZoneOffset,
    /// `X`: `Z`, `+02`, `+0200`, `+02:00`.
    ZoneIso,
}

impl Letter {
    fn of(character: char) -> Option<Letter> {
        Some(match character {
            'G' => Letter::Era,
            'y' => Letter::Year,
            'Y' => Letter::WeekYear,
            'M' | 'L' => Letter::Month,
            'w' => Letter::WeekOfYear,
            'W' => Letter::WeekOfMonth,
            'D' => Letter::DayOfYear,
            'd' => Letter::DayOfMonth,
            'F' => Letter::WeekdayInMonth,
            'E' => Letter::WeekdayName,
            'u' => Letter::WeekdayNumber,
            'a' => Letter::AmPm,
            'H' => Letter::Hour0To23,
            'k' => Letter::Hour1To24,
            'K' => Letter::Hour0To11,
            'h' => Letter::Hour1To12,
            'm' => Letter::Minute,
            's' => Letter::Second,
            'S' => Letter::Millisecond,
            'z' => Letter::ZoneName,
            'Z' => Letter::ZoneOffset,
            'X' => Letter::ZoneIso,
            _ => return None,
        })
    }
}

/// A run of one letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    /// What it stands for.
    pub letter: Letter,
    /// How often the letter is repeated.
    pub count: usize,
    /// Whether another number follows at once: then this one ends after `count` digits.
    pub abutting: bool,
}

impl Field {
    /// Whether it is written in digits.
    fn is_number(self) -> bool {
        use Letter::{AmPm, Era, Month, WeekdayName, ZoneIso, ZoneName, ZoneOffset};
        match self.letter {
            Month => self.count <= 2,
            Era | WeekdayName | AmPm | ZoneName | ZoneOffset | ZoneIso => false,
            _ => true,
        }
    }
}

/// One part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text that stands for itself.
    Literal(String),
    /// A field.
    Field(Field),
}

/// Takes a pattern apart.
pub(super) fn compile(pattern: &str) -> Result<Vec<Piece>, PatternError> {
    let mut compiler = Compiler::default();
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\'' if characters.next_if_eq(&'\'').is_some() => compiler.literal('\'')?,
            '\'' => {
                compiler.end_run()?;
                compiler.quoted = !compiler.quoted;
            }
            _ if character.is_ascii_alphabetic() && !compiler.quoted => compiler.letter(character)?,
            _ => compiler.literal(character)?,
        }
    }
    if compiler.quoted {
        return Err(PatternError::UnterminatedQuote);
    }
    compiler.end_run()?;
    Ok(compiler.pieces)
}

#[derive(Default)]
struct Compiler {
    pieces: Vec<Piece>,
    /// The letter that is being counted.
    run: Option<(char, Field)>,
    quoted: bool,
}

impl Compiler {
    fn letter(&mut self, character: char) -> Result<(), PatternError> {
        let letter = Letter::of(character).ok_or(PatternError::IllegalCharacter(character))?;
        match &mut self.run {
            Some((running, field)) if *running == character => field.count += 1,
            _ => {
                self.end_run()?;
                self.run = Some((character, Field { letter, count: 1, abutting: false }));
            }
        }
        Ok(())
    }

    fn literal(&mut self, character: char) -> Result<(), PatternError> {
        self.end_run()?;
        match self.pieces.last_mut() {
            Some(Piece::Literal(text)) => text.push(character),
            _ => self.pieces.push(Piece::Literal(character.into())),
        }
        Ok(())
    }

    fn end_run(&mut self) -> Result<(), PatternError> {
        let Some((_, field)) = self.run.take() else { return Ok(()) };
        if field.letter == Letter::ZoneIso && field.count > 3 {
            return Err(PatternError::IsoZoneLength(field.count));
        }
        if let Some(Piece::Field(before)) = self.pieces.last_mut() {
            before.abutting = field.is_number();
        }
        self.pieces.push(Piece::Field(field));
        Ok(())
    }
}
