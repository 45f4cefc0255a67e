//! Named sets of code points: predefined classes, properties, scripts and blocks.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

use super::syntax::{CharSet, Lines};

/// Why there is no set for a name.
pub(super) enum NoSet {
    /// Java does not know it either; the description of the error.
    Unknown(String),
    /// Java knows it; the part that is not supported.
    Unsupported(String),
}

/// No code point.
pub(super) fn none() -> CharSet {
    ClassUnicode::empty()
}

/// Every code point.
pub(super) fn all() -> CharSet {
    code_range(0, char::MAX.into())
}

/// The code points from `low` to `high`. Surrogates are left out: no text holds one.
pub(super) fn code_range(low: u32, high: u32) -> CharSet {
    let parts = [(low, high.min(0xD7FF)), (low.max(0xE000), high.min(char::MAX.into()))];
    ClassUnicode::new(
        parts
            .into_iter()
            .filter(|(low, high)| low <= high)
            .filter_map(|(low, high)| Some(ClassUnicodeRange::new(char::from_u32(low)?, char::from_u32(high)?))),
    )
}

fn ranges(ranges: &[(char, char)]) -> CharSet {
    ClassUnicode::new(ranges.iter().map(|(low, high)| ClassUnicodeRange::new(*low, *high)))
}

fn minus(mut set: CharSet, other: &CharSet) -> CharSet {
    set.difference(other);
    set
}

/// The union of properties that surely exist.
fn unicode(names: &[&str]) -> CharSet {
    let mut set = none();
    for name in names {
        set.union(&lookup(name).expect("a property of Unicode"));
    }
    set
}

/// A property by the name that UTS 18 gives it.
fn lookup(name: &str) -> Option<CharSet> {
    match regex_syntax::parse(&format!(r"\p{{{name}}}")).ok()?.into_kind() {
        HirKind::Class(Class::Unicode(set)) => Some(set),
        // A set of one.
        HirKind::Literal(text) => {
            let ch = std::str::from_utf8(&text.0).ok()?.chars().next()?;
            Some(ranges(&[(ch, ch)]))
        }
        _ => None,
    }
}

const TERMINATORS: &[(char, char)] = &[('\n', '\n'), ('\r', '\r'), ('\u{85}', '\u{85}'), ('\u{2028}', '\u{2029}')];
const ASCII_SPACE: &[(char, char)] = &[('\t', '\r'), (' ', ' ')];

/// `.`
pub(super) fn dot(lines: Lines) -> CharSet {
    match lines {
        Lines::Java => minus(all(), &ranges(TERMINATORS)),
        Lines::Unix => minus(all(), &ranges(&[('\n', '\n')])),
    }
}

/// `\d`
pub(super) fn digit(in_unicode: bool) -> CharSet {
    if in_unicode { unicode(&["Nd"]) } else { ranges(&[('0', '9')]) }
}

/// `\s`
pub(super) fn space(in_unicode: bool) -> CharSet {
    if in_unicode { unicode(&["White_Space"]) } else { ranges(ASCII_SPACE) }
}

/// `\w`
pub(super) fn word(in_unicode: bool) -> CharSet {
    if in_unicode {
        unicode(&["Alphabetic", "M", "Nd", "Pc", "Join_Control"])
    } else {
        ranges(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')])
    }
}

/// `\h`
pub(super) fn horizontal_space() -> CharSet {
    let mut set = unicode(&["Zs"]);
    set.union(&ranges(&[('\t', '\t'), ('\u{180E}', '\u{180E}')]));
    set
}

/// `\v`
pub(super) fn vertical_space() -> CharSet {
    ranges(&[('\n', '\r'), ('\u{85}', '\u{85}'), ('\u{2028}', '\u{2029}')])
}

/// Letters and digits, as the default `\b` knows them.
pub(super) fn letter_or_digit() -> CharSet {
    unicode(&["L", "Nd"])
}

/// The set that `\p{name}` stands for.
pub(super) fn property(name: &str, unicode_class: bool, ignore_case: bool) -> Result<CharSet, NoSet> {
    let found = if let Some((key, value)) = name.split_once('=') {
        let set = match key.to_ascii_lowercase().as_str() {
            "sc" | "script" => script(value),
            "blk" | "block" => block(value),
            "gc" | "general_category" => java_property(value, ignore_case)?,
            _ => None,
        };
        return set
            .ok_or_else(|| NoSet::Unknown(format!("Unknown Unicode property {{name=<{key}>, value=<{value}>}}")));
    } else if let Some(name) = name.strip_prefix("In") {
        block(name)
    } else if let Some(name) = name.strip_prefix("Is") {
        match binary_property(name, ignore_case).or_else(|| posix_in_unicode(name, ignore_case)) {
            Some(set) => Some(set),
            None => java_property(name, ignore_case)?.or_else(|| script(name)),
        }
    } else {
        match unicode_class.then(|| posix_in_unicode(name, ignore_case)).flatten() {
            Some(set) => Some(set),
            None => java_property(name, ignore_case)?,
        }
    };
    found.ok_or_else(|| NoSet::Unknown(format!("Unknown character property name {{{name}}}")))
}

fn cased(one: &str, ignore_case: bool) -> CharSet {
    if ignore_case { unicode(&["Lowercase", "Uppercase", "Lt"]) } else { unicode(&[one]) }
}

/// Properties of Unicode by the names that Java gives them behind `Is`, in any case.
fn binary_property(name: &str, ignore_case: bool) -> Option<CharSet> {
    Some(match name.to_ascii_uppercase().as_str() {
        "ALPHABETIC" => unicode(&["Alphabetic"]),
        "ASSIGNED" => minus(all(), &unicode(&["Cn"])),
        "CONTROL" => unicode(&["Cc"]),
        "EMOJI" => unicode(&["Emoji"]),
        "EMOJI_PRESENTATION" => unicode(&["Emoji_Presentation"]),
        "EMOJI_MODIFIER" => unicode(&["Emoji_Modifier"]),
        "EMOJI_MODIFIER_BASE" => unicode(&["Emoji_Modifier_Base"]),
        "EMOJI_COMPONENT" => unicode(&["Emoji_Component"]),
        "EXTENDED_PICTOGRAPHIC" => unicode(&["Extended_Pictographic"]),
        "HEXDIGIT" | "HEX_DIGIT" => unicode(&["Nd", "Hex_Digit"]),
        "IDEOGRAPHIC" => unicode(&["Ideographic"]),
        "JOINCONTROL" | "JOIN_CONTROL" => unicode(&["Join_Control"]),
        "LETTER" => unicode(&["L"]),
        "LOWERCASE" => cased("Lowercase", ignore_case),
        "NONCHARACTERCODEPOINT" | "NONCHARACTER_CODE_POINT" => unicode(&["Noncharacter_Code_Point"]),
        "TITLECASE" => cased("Lt", ignore_case),
        "PUNCTUATION" => unicode(&["P"]),
        "UPPERCASE" => cased("Uppercase", ignore_case),
        "WHITESPACE" | "WHITE_SPACE" => unicode(&["White_Space"]),
        "WORD" => word(true),
        _ => return None,
    })
}

/// The classes of POSIX as UTS 18 widens them.
fn posix_in_unicode(name: &str, ignore_case: bool) -> Option<CharSet> {
    Some(match name.to_ascii_uppercase().as_str() {
        "ALPHA" => unicode(&["Alphabetic"]),
        "LOWER" => cased("Lowercase", ignore_case),
        "UPPER" => cased("Uppercase", ignore_case),
        "SPACE" => unicode(&["White_Space"]),
        "PUNCT" => unicode(&["P"]),
        "XDIGIT" => unicode(&["Nd", "Hex_Digit"]),
        "ALNUM" => unicode(&["Alphabetic", "Nd"]),
        "CNTRL" => unicode(&["Cc"]),
        "DIGIT" => unicode(&["Nd"]),
        "BLANK" => blank(),
        "GRAPH" => graph(),
        "PRINT" => {
            let mut set = graph();
            set.union(&blank());
            minus(set, &unicode(&["Cc"]))
        }
        _ => return None,
    })
}

fn blank() -> CharSet {
    let mut set = unicode(&["Zs"]);
    set.union(&ranges(&[('\t', '\t')]));
    set
}

fn graph() -> CharSet {
    minus(all(), &unicode(&["Z", "Cc", "Cn"]))
}

/// General categories, the classes of POSIX in ASCII, and tests of `java.lang.Character`.
fn java_property(name: &str, ignore_case: bool) -> Result<Option<CharSet>, NoSet> {
    if name == "javaMirrored" {
        return Err(NoSet::Unsupported(format!(r"\p{{{name}}}")));
    }
    Ok(match name {
        "Lu" | "Ll" | "Lt" if ignore_case => Some(unicode(&["LC"])),
        // Surrogates.
        "Cs" => Some(none()),
        "Cn" | "Lu" | "Ll" | "Lt" | "Lm" | "Lo" | "Mn" | "Me" | "Mc" | "Nd" | "Nl" | "No" | "Zs" | "Zl" | "Zp"
        | "Cc" | "Cf" | "Co" | "Pd" | "Ps" | "Pe" | "Pc" | "Po" | "Sm" | "Sc" | "Sk" | "So" | "Pi" | "Pf" | "L"
        | "M" | "N" | "Z" | "C" | "P" | "S" | "LC" => Some(unicode(&[name])),
        "LD" => Some(letter_or_digit()),
        "L1" => Some(code_range(0, 0xFF)),
        "all" => Some(all()),
        _ => posix_in_ascii(name, ignore_case).or_else(|| character_test(name, ignore_case)),
    })
}

fn posix_in_ascii(name: &str, ignore_case: bool) -> Option<CharSet> {
    Some(match name {
        "ASCII" => code_range(0, 0x7F),
        "Alnum" => ranges(&[('0', '9'), ('A', 'Z'), ('a', 'z')]),
        "Alpha" => ranges(&[('A', 'Z'), ('a', 'z')]),
        "Lower" | "Upper" if ignore_case => ranges(&[('A', 'Z'), ('a', 'z')]),
        "Lower" => ranges(&[('a', 'z')]),
        "Upper" => ranges(&[('A', 'Z')]),
        "Blank" => ranges(&[('\t', '\t'), (' ', ' ')]),
        "Cntrl" => ranges(&[('\0', '\x1F'), ('\x7F', '\x7F')]),
        "Digit" => digit(false),
        "Graph" => ranges(&[('!', '~')]),
        "Print" => ranges(&[(' ', '~')]),
        "Punct" => ranges(&[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
        "Space" => space(false),
        "XDigit" => ranges(&[('0', '9'), ('A', 'F'), ('a', 'f')]),
        _ => return None,
    })
}

/// `\p{javaLowerCase}` and its like: what the method of `Character` says.
fn character_test(name: &str, ignore_case: bool) -> Option<CharSet> {
    Some(match name.strip_prefix("java")? {
        "LowerCase" => cased("Lowercase", ignore_case),
        "UpperCase" => cased("Uppercase", ignore_case),
        "TitleCase" => cased("Lt", ignore_case),
        "Alphabetic" => unicode(&["Alphabetic"]),
        "Ideographic" => unicode(&["Ideographic"]),
        "Digit" => unicode(&["Nd"]),
        "Defined" => minus(all(), &unicode(&["Cn"])),
        "Letter" => unicode(&["L"]),
        "LetterOrDigit" => letter_or_digit(),
        "JavaIdentifierStart" => unicode(&["L", "Nl", "Sc", "Pc"]),
        "JavaIdentifierPart" => {
            let mut set = unicode(&["L", "Nl", "Sc", "Pc", "Nd", "Mc", "Mn"]);
            set.union(&ignorable());
            set
        }
        "UnicodeIdentifierStart" => unicode(&["L", "Nl", "ID_Start"]),
        "UnicodeIdentifierPart" => {
            let mut set = unicode(&["L", "Nl", "ID_Continue"]);
            set.union(&ignorable());
            set
        }
        "IdentifierIgnorable" => ignorable(),
        "SpaceChar" => unicode(&["Z"]),
        "Whitespace" => {
            let no_break = ranges(&[('\u{A0}', '\u{A0}'), ('\u{2007}', '\u{2007}'), ('\u{202F}', '\u{202F}')]);
            let mut set = minus(unicode(&["Z"]), &no_break);
            set.union(&ranges(&[('\t', '\r'), ('\x1C', '\x1F')]));
            set
        }
        "ISOControl" => unicode(&["Cc"]),
        _ => return None,
    })
}

fn ignorable() -> CharSet {
    let mut set = unicode(&["Cf"]);
    set.union(&ranges(&[('\0', '\x08'), ('\x0E', '\x1B'), ('\x7F', '\u{9F}')]));
    set
}

/// A script by its name or its code of four letters, in any case.
fn script(name: &str) -> Option<CharSet> {
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain { lookup(&format!("Script={name}")) } else { None }
}

/// A block by its name, with blanks, without, or with underscores; in any case.
fn block(name: &str) -> Option<CharSet> {
    let wanted = name.to_ascii_uppercase();
    let fits =
        |known: &str| wanted == known || wanted == known.replace(' ', "") || wanted == known.replace([' ', '-'], "_");
    include_str!("blocks.txt").lines().find_map(|line| {
        let (range, names) = line.split_once(' ')?;
        let (low, high) = range.split_once('-')?;
        let bounds = u32::from_str_radix(low, 16).ok().zip(u32::from_str_radix(high, 16).ok());
        names.split(';').any(fits).then_some(bounds).flatten().map(|(low, high)| code_range(low, high))
    })
}
