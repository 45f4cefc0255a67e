//! The hosts of a URL, tried in their order.

use super::{DbError, DbErrorKind, DbResult};
use crate::url::{Host, JdbcUrl};
use std::time::Duration;

/// How long a connection that is being made may take to find out that the task should end.
pub(super) const LOOK_FOR_STOP: Duration = Duration::from_millis(50);

/// What comes of the first host that lets us. A host that is merely away is passed over; an error that no other host can
/// mend (login, database, a wrong parameter) ends it.
pub(super) fn first_that_works<T>(url: &JdbcUrl, mut connect: impl FnMut(&Host) -> DbResult<T>) -> DbResult<T> {
    let local = [Host { name: "localhost".to_owned(), port: None }];
    let hosts = if url.hosts.is_empty() { &local[..] } else { &url.hosts };
    let mut last = None;
    for host in hosts {
        match connect(host).map_err(|error| error.context(host)) {
            Err(error) if error.may_work_later() => last = Some(error),
            done => return done,
        }
    }
    Err(last.expect("there is a host"))
}

/// The error of a connection that was not waited for.
pub(crate) fn told_to_stop() -> DbError {
    DbError::new(DbErrorKind::Interrupted, "Connecting ended because the task should")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hosts that were tried, and what came of it.
    fn tried(url: &str, answers: &[Result<(), DbErrorKind>]) -> (Vec<String>, Result<(), DbErrorKind>) {
        let url = JdbcUrl::parse(url, None).unwrap();
        let mut tried = Vec::new();
        let end = first_that_works(&url, |host| {
            tried.push(host.name.clone());
            answers[tried.len() - 1].map_err(|kind| DbError::new(kind, "no"))
        });
        (tried, end.map_err(|error| error.kind()))
    }

    #[test]
    fn hosts_that_are_away_are_passed_over() {
        let (away, wrong) = (Err(DbErrorKind::Connection), Err(DbErrorKind::Permanent));
        let both = "jdbc:mysql://a,b/db";
        assert_eq!(tried(both, &[Ok(())]), (vec!["a".to_owned()], Ok(())));
        assert_eq!(tried(both, &[away, Ok(())]), (vec!["a".to_owned(), "b".to_owned()], Ok(())));
        assert_eq!(tried(both, &[away, away]).1, away);
        assert_eq!(tried(both, &[wrong, Ok(())]), (vec!["a".to_owned()], wrong));
        assert_eq!(tried("jdbc:postgresql:db", &[Ok(())]).0, ["localhost"]);
    }
}
