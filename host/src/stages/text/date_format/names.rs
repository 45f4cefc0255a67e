//! Names of months, weekdays, eras and halves of the day in English.

/// The months from January, long and short.
pub(super) const MONTHS: Names<12> = Names {
    long: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    short: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
};

/// The weekdays from Sunday, long and short.
pub(super) const WEEKDAYS: Names<7> = Names {
    long: ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
    short: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
};

/// The eras, the earlier one first. Java reads the long names, but never writes them.
pub(super) const ERAS: Names<2> = Names { long: ["Before Christ", "Anno Domini"], short: ["BC", "AD"] };

/// The halves of the day.
pub(super) const HALVES: Names<2> = Names { long: ["AM", "PM"], short: ["AM", "PM"] };

/// The long and the short names of a set of things.
#[derive(Debug)]
pub(super) struct Names<const N: usize> {
    /// The long ones.
    pub(super) long: [&'static str; N],
    /// The short ones.
    pub(super) short: [&'static str; N],
}

impl<const N: usize> Names<N> {
    /// The name to write for so many letters of a pattern.
    pub(super) fn for_width(&self, index: usize, count: usize) -> &'static str {
        if count >= 4 { self.long[index] } else { self.short[index] }
    }

    /// Finds the longest name at the beginning of the text, in whatever case: its index, and the bytes it takes.
    pub(super) fn find(&self, text: &str) -> Option<(usize, usize)> {
        let find = |names: &[&str; N]| {
            let mut found = names.iter().enumerate().filter_map(|(index, name)| Some((index, prefix(text, name)?)));
            found.next()
        };
        find(&self.long).or_else(|| find(&self.short))
    }
}

/// The bytes of the text that are equal to the name but for upper and lower case, if it begins with the name.
pub(super) fn prefix(text: &str, name: &str) -> Option<usize> {
    let mut characters = text.chars();
    for expected in name.chars() {
        if !same_letter(characters.next()?, expected) {
            return None;
        }
    }
    Some(text.len() - characters.as_str().len())
}

/// Java compares by upper case, then by the lower case of that, one character for one.
fn same_letter(a: char, b: char) -> bool {
    if a == b {
        return true;
    }
    if a.is_ascii() && b.is_ascii() {
        return a.eq_ignore_ascii_case(&b);
    }
    let (a, b) = (upper(a), upper(b));
    a == b || lower(a) == lower(b)
}

fn upper(character: char) -> char {
    let mut upper = character.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(single), None) => single,
        _ => character,
    }
}

fn lower(character: char) -> char {
    // The first of two only for the dotted capital I, whose lower case is an i in Java.
    character.to_lowercase().next().unwrap_or(character)
}
