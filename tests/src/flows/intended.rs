//! Answers that differ from the recorded ones on purpose. Each entry is told in `docs/differences.md` too.

use serde_json::Value;

/// A step that our worker answers otherwise.
#[derive(Debug)]
pub struct Intended {
    /// The flow's name.
    pub flow: &'static str,
    /// Number of the step in its flow, from 0.
    pub step: usize,
    /// How it differs.
    pub how: How,
    /// What users are told of it, word for word from `docs/differences.md`.
    pub told: &'static str,
}

/// How an answer differs; everything else in it has to be as recorded.
#[derive(Debug)]
pub enum How {
    /// In its status, and in its message where the recording leaves that open.
    Status(u16),
    /// It is 404 with this message, not a failure.
    NotFound(&'static str),
    /// A plugin has this key beyond those of the recorded one.
    AddedKey(&'static str),
}

const NOT_FOUND: &str = "Restarting an unknown connector, or a task of one, answers 404";
const BAD_BODY: &str = "Malformed request bodies answer 400";
const DETECTION: &str = "`file.change.detection` can start over";
const FSYNC: &str = "(`fsync=false` turns it off)";

/// All of them.
pub const INTENDED: [Intended; 16] = [
    bad_body("create: bad requests", 0),
    bad_body("create: bad requests", 1),
    bad_body("create: bad requests", 2),
    bad_body("create: bad requests", 3),
    bad_body("create: bad requests", 6),
    bad_body("create: bad requests", 7),
    bad_body("create: bad requests", 8),
    bad_body("create: bad requests", 10),
    bad_body("source offsets", 8),
    not_found("source life cycle", 45),
    not_found("source life cycle", 47),
    added_key(2, "file.change.detection", DETECTION),
    added_key(3, "fsync", FSYNC),
    added_key(11, "file.change.detection", DETECTION),
    added_key(12, "file.change.detection", DETECTION),
    added_key(13, "fsync", FSYNC),
];

const fn bad_body(flow: &'static str, step: usize) -> Intended {
    Intended { flow, step, how: How::Status(400), told: BAD_BODY }
}

const fn not_found(flow: &'static str, step: usize) -> Intended {
    Intended { flow, step, how: How::NotFound("Connector ${name} not found"), told: NOT_FOUND }
}

const fn added_key(step: usize, key: &'static str, told: &'static str) -> Intended {
    Intended { flow: "plugins", step, how: How::AddedKey(key), told }
}

impl Intended {
    /// Takes what is different out of our answer, so that the rest can be compared.
    ///
    /// # Errors
    /// The answer does not differ in this way: the entry is out of date.
    pub(super) fn undo(&self, recorded: &Value, answer: &mut Value) -> Result<(), String> {
        match self.how {
            How::Status(status) if answer["status"] == status => {
                answer["status"] = recorded["status"].clone();
                answer["body"]["error_code"] = recorded["body"]["error_code"].clone();
                Ok(())
            }
            How::Status(status) => Err(format!("status: want {status} on purpose, got {}", answer["status"])),
            How::NotFound(message) => {
                let wanted = serde_json::json!({"error_code": 404, "message": message});
                if (&answer["status"], &answer["body"]) != (&Value::from(404), &wanted) {
                    return Err(format!("want 404 `{message}` on purpose, got {answer}"));
                }
                answer["status"] = recorded["status"].clone();
                answer["body"] = recorded["body"].clone();
                Ok(())
            }
            How::AddedKey(key) => {
                let body = &mut answer["body"];
                let keys = if body.is_array() { body } else { &mut body["configs"] };
                let keys = keys.as_array_mut().ok_or("the answer has no list of keys")?;
                let before = keys.len();
                keys.retain(|info| ![&info["name"], &info["definition"]["name"]].iter().any(|name| *name == key));
                if keys.len() + 1 == before { Ok(()) } else { Err(format!("{key}: want it once on purpose")) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_are_told_to_users() {
        INTENDED.iter().for_each(|intended| crate::assert_told(intended.told));
    }

    #[test]
    fn an_entry_that_does_not_apply_is_told() {
        let recorded = json!({"status": 500, "body": {"error_code": 500}});
        let mut fine = json!({"status": 400, "body": {"error_code": 400}});
        assert_eq!(bad_body("f", 0).undo(&recorded, &mut fine), Ok(()));
        assert_eq!(fine, recorded);
        assert!(bad_body("f", 0).undo(&recorded, &mut json!({"status": 500})).is_err());
        let key = added_key(0, "k", "");
        let mut listed = json!({"body": {"configs": [{"definition": {"name": "a"}}, {"definition": {"name": "k"}}]}});
        assert_eq!(key.undo(&recorded, &mut listed), Ok(()));
        assert_eq!(listed["body"]["configs"].as_array().map(Vec::len), Some(1));
        assert!(key.undo(&recorded, &mut listed).is_err(), "it is gone");
    }
}
