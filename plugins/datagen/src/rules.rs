//! The rules beside a type in an Avro schema (`arg.properties`): what its made-up values are to be like.

use serde_json::{Map, Value as Json};
use std::fmt::Display;

/// The place in the schema and what is wrong there.
pub(crate) type Problem = String;

/// The longest text, bytes, array or map that a rule may ask for. More would take the memory of the whole worker.
pub(crate) const LONGEST: usize = 1_000_000;

/// Where rules stand in a type.
const PROPERTY: &str = "arg.properties";

/// The rules of one type, with its place in the schema for error messages.
#[derive(Debug, Clone)]
pub(crate) struct Rules<'a> {
    place: String,
    rules: Option<&'a Map<String, Json>>,
}

/// How many, from `least` to one below `below`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Length {
    pub(crate) least: usize,
    pub(crate) below: usize,
}

/// Numbers that follow each other: from `initial` in steps, back to `start` on reaching `restart`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Iteration<T> {
    pub(crate) start: T,
    pub(crate) restart: T,
    pub(crate) step: T,
    pub(crate) initial: T,
}

impl<'a> Rules<'a> {
    /// The rules of a type in the schema.
    pub(crate) fn of(schema: &'a Json, place: &str) -> Result<Rules<'a>, Problem> {
        Rules { place: place.to_owned(), rules: None }.inner(schema.get(PROPERTY), PROPERTY)
    }

    /// The rules for the keys of a map.
    pub(crate) fn keys(&self) -> Result<Rules<'a>, Problem> {
        self.inner(self.get("keys"), "keys")
    }

    fn inner(&self, found: Option<&'a Json>, name: &str) -> Result<Rules<'a>, Problem> {
        let rules = match found {
            None => None,
            Some(Json::Object(rules)) => Some(rules),
            Some(other) => return Err(self.wrong(&format!("'{name}' is {other}, which is no object"))),
        };
        Ok(Rules { place: self.place.clone(), rules })
    }

    /// A rule as it stands.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Json> {
        self.rules?.get(name)
    }

    /// A rule that is text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, Problem> {
        match self.get(name) {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(&format!("'{name}' is {other}, which is no text"))),
        }
    }

    /// An error about this type.
    pub(crate) fn wrong(&self, what: &str) -> Problem {
        format!("{}: {what}", self.place)
    }

    /// A probability.
    pub(crate) fn odds(&self) -> Result<Option<f64>, Problem> {
        match self.get("odds").map(|odds| odds.as_f64().filter(|odds| (0.0..=1.0).contains(odds))) {
            None => Ok(None),
            Some(Some(odds)) => Ok(Some(odds)),
            Some(None) => Err(self.wrong("'odds' is not a number from 0 to 1")),
        }
    }

    /// The length of text, bytes, an array or a map; 8 to 15 unless it says otherwise.
    pub(crate) fn length(&self) -> Result<Length, Problem> {
        Ok(self.given_length()?.unwrap_or(Length { least: 8, below: 16 }))
    }

    /// The length, if one is given. Without a maximum there is room for eight more than the minimum.
    pub(crate) fn given_length(&self) -> Result<Option<Length>, Problem> {
        let Some(length) = self.get("length") else { return Ok(None) };
        let size = |value: &Json| value.as_u64().and_then(|size| usize::try_from(size).ok());
        let bounds = match length {
            Json::Object(bounds) => {
                let bound = |name| bounds.get(name).map(|value| size(value).ok_or(())).transpose();
                bound("min").and_then(|min| Ok((min, bound("max")?)))
            }
            fixed => size(fixed).and_then(|fixed| Some((Some(fixed), Some(fixed.checked_add(1)?)))).ok_or(()),
        };
        let Ok((min, max)) = bounds else {
            return Err(self.wrong(&format!("'length' is {length}; a number from 0 on, or min and max, is wanted")));
        };
        if min.is_none() && max.is_none() {
            return Err(self.wrong("'length' has neither min nor max"));
        }
        let least = min.unwrap_or(0);
        if least > LONGEST || max.is_some_and(|max| max > LONGEST + 1) {
            return Err(self.wrong(&format!("'length' is {length}; {LONGEST} is the longest that can be made")));
        }
        let below = max.unwrap_or((least + 8).min(LONGEST + 1));
        if least >= below {
            return Err(self.wrong(&format!("'length': min ({least}) is not below max ({below})")));
        }
        Ok(Some(Length { least, below }))
    }

    /// A range of numbers, the minimum in it and the maximum not; `lowest` and `highest` where it names none.
    pub(crate) fn range<T>(&self, read: impl Fn(&Json) -> Option<T>, all: (T, T)) -> Result<Option<(T, T)>, Problem>
    where
        T: PartialOrd + Display + Copy,
    {
        let Some(range) = self.get("range") else { return Ok(None) };
        let Json::Object(range) = range else {
            return Err(self.wrong(&format!("'range' is {range}; an object with min or max is wanted")));
        };
        let bound = |name| self.number("range", range, name, &read);
        let (min, max) = (bound("min")?, bound("max")?);
        if min.is_none() && max.is_none() {
            return Err(self.wrong("'range' has neither min nor max"));
        }
        let (min, max) = (min.unwrap_or(all.0), max.unwrap_or(all.1));
        if min >= max {
            return Err(self.wrong(&format!("'range': min ({min}) is not below max ({max})")));
        }
        Ok(Some((min, max)))
    }

    fn number<T>(
        &self,
        rule: &str,
        object: &Map<String, Json>,
        name: &str,
        read: impl Fn(&Json) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(value) = object.get(name) else { return Ok(None) };
        let wrong = || self.wrong(&format!("'{name}' of '{rule}' is {value}, which this type cannot hold"));
        read(value).map(Some).ok_or_else(wrong)
    }

    /// An iteration over numbers. It cannot stand beside other rules. `all` = the lowest and highest number there is.
    pub(crate) fn iteration<T>(
        &self,
        read: impl Fn(&Json) -> Option<T>,
        all: (T, T),
        [zero, one, minus_one]: [T; 3],
    ) -> Result<Option<Iteration<T>>, Problem>
    where
        T: PartialOrd + Display + Copy,
    {
        let Some(object) = self.iteration_object()? else { return Ok(None) };
        let field = |name| self.number("iteration", object, name, &read);
        let start = field("start")?.ok_or_else(|| self.wrong("'iteration' has no start"))?;
        let (restart, step) = (field("restart")?, field("step")?);
        let up = step.map_or(restart.is_none_or(|restart| restart > start), |step| step > zero);
        let restart = restart.unwrap_or(if up { all.1 } else { all.0 });
        let step = step.unwrap_or(if up { one } else { minus_one });
        let reaches = if up { restart > start } else { restart < start };
        if step == zero || !reaches {
            return Err(self.wrong(&format!("'iteration' never gets from {start} to {restart} by steps of {step}")));
        }
        let initial = field("initial")?.unwrap_or(start);
        let inside = if up { start <= initial && initial < restart } else { restart < initial && initial <= start };
        if !inside {
            return Err(self.wrong(&format!("'initial' of 'iteration', {initial}, is not from {start} to {restart}")));
        }
        Ok(Some(Iteration { start, restart, step, initial }))
    }

    /// What a boolean that alternates begins with.
    pub(crate) fn alternating(&self) -> Result<Option<bool>, Problem> {
        let Some(object) = self.iteration_object()? else { return Ok(None) };
        match object.get("start") {
            Some(Json::Bool(start)) if object.len() == 1 => Ok(Some(*start)),
            _ => Err(self.wrong("'iteration' of a boolean has a start, true or false, and nothing else")),
        }
    }

    fn iteration_object(&self) -> Result<Option<&'a Map<String, Json>>, Problem> {
        match self.get("iteration") {
            None => Ok(None),
            Some(Json::Object(object)) => {
                let others = ["length", "regex", "options", "range"];
                match others.into_iter().find(|other| self.get(other).is_some()) {
                    Some(other) => Err(self.wrong(&format!("'iteration' and '{other}' exclude each other"))),
                    None => Ok(Some(object)),
                }
            }
            Some(other) => Err(self.wrong(&format!("'iteration' is {other}, which is no object"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with<T>(rules: &Json, check: impl FnOnce(&Rules<'_>) -> T) -> T {
        let schema = json!({"type": "int", "arg.properties": rules});
        check(&Rules::of(&schema, "r.f").unwrap())
    }

    fn iteration(rules: &Json) -> Result<Option<Iteration<i64>>, Problem> {
        with(rules, |rules| rules.iteration(Json::as_i64, (i64::MIN, i64::MAX), [0, 1, -1]))
    }

    #[test]
    fn lengths_are_numbers_or_bounds() {
        let length = |rules: &Json| with(rules, |rules| rules.length());
        let of = |least, below| Ok(Length { least, below });
        assert_eq!(length(&json!({})), of(8, 16));
        assert_eq!(length(&json!({"length": 3})), of(3, 4));
        assert_eq!(length(&json!({"length": {"min": 2, "max": 5}})), of(2, 5));
        assert_eq!(length(&json!({"length": {"min": 20}})), of(20, 28));
        assert_eq!(length(&json!({"length": {"max": 2}})), of(0, 2));
        assert_eq!(length(&json!({"length": LONGEST})), of(LONGEST, LONGEST + 1));
        assert_eq!(length(&json!({"length": {"max": LONGEST + 1}})), of(0, LONGEST + 1));
        assert_eq!(length(&json!({"length": {"min": LONGEST}})), of(LONGEST, LONGEST + 1));
        for wrong in [
            json!(-1),
            json!("3"),
            json!({}),
            json!({"min": 3, "max": 3}),
            json!({"max": 1.5}),
            json!(1u64 << 50),
            json!(u64::MAX),
            json!({"min": LONGEST + 1}),
            json!({"max": LONGEST + 2}),
            json!({"min": u64::MAX}),
        ] {
            let error = length(&json!({"length": wrong})).unwrap_err();
            assert!(error.starts_with("r.f: 'length'"), "{error}");
        }
    }

    #[test]
    fn iterations_find_their_direction() {
        let of = |start, restart, step, initial| Ok(Some(Iteration { start, restart, step, initial }));
        assert_eq!(iteration(&json!({"iteration": {"start": 5}})), of(5, i64::MAX, 1, 5));
        assert_eq!(iteration(&json!({"iteration": {"start": 5, "step": -2}})), of(5, i64::MIN, -2, 5));
        assert_eq!(iteration(&json!({"iteration": {"start": 5, "restart": 0}})), of(5, 0, -1, 5));
        let rules = json!({"iteration": {"start": 0, "restart": 9, "step": 3, "initial": 6}});
        assert_eq!(iteration(&rules), of(0, 9, 3, 6));
        for (wrong, part) in [
            (json!({"iteration": {}}), "no start"),
            (json!({"iteration": {"start": 1, "restart": 1}}), "never gets from 1 to 1"),
            (json!({"iteration": {"start": 1, "restart": 9, "step": -1}}), "never gets"),
            (json!({"iteration": {"start": 1, "step": 0}}), "steps of 0"),
            (json!({"iteration": {"start": 1.5}}), "'start' of 'iteration' is 1.5"),
            (json!({"iteration": {"start": 1, "initial": 0}}), "'initial'"),
            (json!({"iteration": {"start": 1}, "range": {"min": 0}}), "exclude each other"),
            (json!({"iteration": 7}), "no object"),
        ] {
            let error = iteration(&wrong).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn ranges_fill_in_what_is_left_out() {
        let range = |rules: &Json| with(rules, |rules| rules.range(Json::as_i64, (-100, 100)));
        assert_eq!(range(&json!({})), Ok(None));
        assert_eq!(range(&json!({"range": {"min": 1, "max": 3}})), Ok(Some((1, 3))));
        assert_eq!(range(&json!({"range": {"max": 3}})), Ok(Some((-100, 3))));
        for wrong in [json!({}), json!({"min": 3, "max": 3}), json!({"min": "a"}), json!(5)] {
            assert!(range(&json!({"range": wrong})).is_err(), "{wrong}");
        }
    }
}
