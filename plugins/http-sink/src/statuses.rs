//! Which statuses say that a request is worth another attempt.

use std::str::FromStr;
use ureq::http::StatusCode;

/// Statuses that have a request tried again. None = those that may get better: 408, 429 and all from 500 on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Statuses {
    /// First and last of each range, instead of those that are meant by default.
    ranges: Option<Vec<(u16, u16)>>,
}

impl Statuses {
    pub(crate) fn contain(&self, status: StatusCode) -> bool {
        let Some(ranges) = &self.ranges else {
            return status.is_server_error()
                || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
        };
        ranges.iter().any(|(first, last)| (*first..=*last).contains(&status.as_u16()))
    }
}

impl FromStr for Statuses {
    type Err = String;

    /// Numbers and ranges such as `429,500-599` or `500-`, with both ends in them.
    fn from_str(text: &str) -> Result<Statuses, String> {
        let number = |text: &str| {
            let number = text.trim().parse().ok().filter(|number| (100..=999).contains(number));
            number.ok_or_else(|| format!("'{}' is no status", text.trim()))
        };
        let range = |part: &str| {
            let (first, last) = match part.split_once('-') {
                None => (number(part)?, number(part)?),
                Some((first, last)) if last.trim().is_empty() => (number(first)?, 999),
                Some((first, last)) => (number(first)?, number(last)?),
            };
            if first > last { Err(format!("{first} is higher than {last}")) } else { Ok((first, last)) }
        };
        Ok(Statuses { ranges: Some(text.split(',').map(range).collect::<Result<_, _>>()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contained(statuses: &Statuses) -> Vec<u16> {
        let all = [301, 400, 401, 404, 408, 422, 429, 499, 500, 501, 503, 599, 600, 999];
        all.into_iter().filter(|status| statuses.contain(StatusCode::from_u16(*status).unwrap())).collect()
    }

    #[test]
    fn ranges_have_both_ends_in_them() {
        for (text, expected) in [
            ("503", &[503][..]),
            ("400-500", &[400, 401, 404, 408, 422, 429, 499, 500]),
            ("500-599", &[500, 501, 503, 599]),
            ("408,429,500,502,503,504", &[408, 429, 500, 503]),
            (" 404 , 500 - ", &[404, 500, 501, 503, 599, 600, 999]),
        ] {
            assert_eq!(contained(&text.parse().unwrap()), expected, "{text}");
        }
        assert_eq!(contained(&Statuses::default()), [408, 429, 500, 501, 503, 599]);
    }

    #[test]
    fn what_is_no_range_is_told() {
        for (text, reason) in [
            ("", "'' is no status"),
            ("500,", "'' is no status"),
            ("-500", "'' is no status"),
            ("5xx", "'5xx' is no status"),
            ("99", "'99' is no status"),
            ("400-1000", "'1000' is no status"),
            ("500-400", "500 is higher than 400"),
        ] {
            assert_eq!(text.parse::<Statuses>().unwrap_err(), reason, "{text}");
        }
    }
}
