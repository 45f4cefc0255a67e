//! Every type of column of three databases, copied to another database and back, through JSON with schemas and through
//! Avro: each value is the same in the end, or stands in `docs/jdbc-types.md`, which says no more than is so.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod cases;
mod place;

use cases::{Case, Form, REFUSED, Refuser};
use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::wait::{PATIENCE, until_some};
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use ferroconnect_e2e::{repository, unique};
use ferroconnect_test_registry::Registry;
use place::{Database, Place};
use std::collections::{BTreeMap, BTreeSet};

const SOURCE: &str = "io.confluent.connect.jdbc.JdbcSourceConnector";
const SINK: &str = "io.confluent.connect.jdbc.JdbcSinkConnector";

/// Names and classes of the converters.
const FORMATS: [(&str, &str); 2] =
    [("json", "org.apache.kafka.connect.json.JsonConverter"), ("avro", "io.confluent.connect.avro.AvroConverter")];

/// The table that is copied.
const ORIGINAL: &str = "matrix";

fn page() -> String {
    std::fs::read_to_string(repository().join("docs/jdbc-types.md")).expect("the page is there")
}

/// The lines of the page's table that has so many columns, each beginning with the name of a database.
fn told(page: &str, columns: usize) -> BTreeSet<String> {
    let is_row =
        |line: &&str| Database::ALL.iter().any(|database| line.starts_with(&format!("| {} |", database.name())));
    page.lines().filter(is_row).filter(|line| line.matches(" | ").count() == columns - 1).map(str::to_owned).collect()
}

fn assert_told(found: &BTreeSet<String>, columns: usize) {
    let (page, join) = (page(), |lines: Vec<&String>| lines.into_iter().cloned().collect::<Vec<_>>().join("\n"));
    let told = told(&page, columns);
    let (missing, gone) = (join(found.difference(&told).collect()), join(told.difference(found).collect()));
    assert!(missing.is_empty(), "docs/jdbc-types.md does not say:\n{missing}\nand says what is not so:\n{gone}");
    assert!(gone.is_empty(), "docs/jdbc-types.md says what is not so:\n{gone}");
}

/// For each type a column that takes no NULL and one that does, with each literal in both, and NULL.
fn fill(place: &Place) {
    let cases = cases::of(place.database);
    let column = |(at, (kind, ..)): (usize, &Case)| format!("c{at} {kind} NOT NULL, n{at} {kind} NULL");
    let columns: Vec<String> = cases.iter().enumerate().map(column).collect();
    place.run(&format!("CREATE TABLE {ORIGINAL} (id INTEGER NOT NULL PRIMARY KEY, {})", columns.join(", ")));
    let most = rows(place.database) - 1;
    for row in 0..=most {
        let cell = |(.., literals): &Case| {
            let literal = literals[row % literals.len()];
            format!("{literal}, {}", if row == most { "NULL" } else { literal })
        };
        let cells: Vec<String> = cases.iter().map(cell).collect();
        place.run(&format!("INSERT INTO {ORIGINAL} VALUES ({row}, {})", cells.join(", ")));
    }
}

/// How many rows the original has: one for each literal of the type with the most, and one with NULL.
fn rows(database: Database) -> usize {
    cases::of(database).iter().map(|(.., literals)| literals.len()).max().unwrap() + 1
}

fn others(database: Database) -> impl Iterator<Item = Database> {
    Database::ALL.into_iter().filter(move |other| *other != database)
}

/// The table with the first copy of what is in a database, and that with the copy that came back by way of another.
fn copied(from: Database, format: &str) -> String {
    format!("from_{}_{format}", from.tag())
}

fn returned(via: Database, format: &str) -> String {
    format!("via_{}_{format}", via.tag())
}

/// In each database and for each format a source of the original and of the copies of others, and a sink for copies of
/// others and for what comes back.
fn connect(setup: &mut WorkerSetup, place: &Place, (format, class): (&str, &str), registry: &str, run: &str) {
    let here = place.database;
    let prefix = |database: Database| format!("{run}-{format}-{}-", database.tag());
    let mut connector = |side: &str, config: &[(&str, &str)]| {
        let convert = [("value.converter", class), ("value.converter.schema.registry.url", registry)];
        let place = [("connection.url", place.url.as_str()), ("tasks.max", "1")];
        setup.connector(&format!("{run}-{side}-{format}-{}", here.tag()), &[&convert[..], &place[..], config].concat());
    };
    let tables: Vec<String> =
        std::iter::once(ORIGINAL.to_owned()).chain(others(here).map(|other| copied(other, format))).collect();
    tables.iter().for_each(|table| Kafka::shared().create_topic(&format!("{}{table}", prefix(here)), 1));
    connector(
        "source",
        &[
            ("connector.class", SOURCE),
            ("table.whitelist", &tables.join(",")),
            ("mode", "incrementing"),
            ("incrementing.column.name", "id"),
            ("topic.prefix", &prefix(here)),
            ("poll.interval.ms", "200"),
            ("table.poll.interval.ms", "300"),
        ],
    );
    let mut targets = Vec::new();
    for other in others(here) {
        targets.push((format!("{}{ORIGINAL}", prefix(other)), copied(other, format)));
        targets.push((format!("{}{}", prefix(other), copied(here, format)), returned(other, format)));
    }
    let topics: Vec<&str> = targets.iter().map(|(topic, _)| topic.as_str()).collect();
    let mapping: Vec<String> = targets.iter().map(|(topic, table)| format!("{topic}:{table}")).collect();
    connector(
        "sink",
        &[
            ("connector.class", SINK),
            ("topics", &topics.join(",")),
            ("topics.to.tables.mapping", &mapping.join(",")),
            ("auto.create", "true"),
            ("retry.backoff.ms", "200"),
        ],
    );
}

/// Waits for all rows of a table; ends at once when a task has failed.
fn await_rows(worker: &Worker, place: &Place, table: &str, wanted: usize) {
    until_some(&format!("{table} in {}", place.database.name()), PATIENCE, || {
        let status = worker.rest.get("/connectors?expand=status").text;
        assert!(!status.contains("\"FAILED\""), "a task has failed: {status}");
        let found = place.count(table);
        assert!(found <= wanted, "{table} in {} has {found} rows", place.database.name());
        if found == wanted { Ok(()) } else { Err(format!("{found} of {wanted} rows")) }
    });
}

/// What is otherwise in a table that came back: by type and literal.
fn differences(place: &Place, table: &str) -> BTreeMap<(usize, String), String> {
    let cases = cases::of(place.database);
    let came_back = place.columns(table);
    let mut found = BTreeMap::new();
    let mut shared = Vec::new();
    for (at, (_, form, _)) in cases.iter().enumerate() {
        for column in [format!("c{at}"), format!("n{at}")] {
            if came_back.contains(&column) {
                shared.push((at, (column, *form)));
            } else {
                found.insert((at, "any".to_owned()), "left out".to_owned());
            }
        }
    }
    let columns: Vec<(String, Form)> = shared.iter().map(|(_, column)| column.clone()).collect();
    let (original, copy) = (place.content(ORIGINAL, &columns), place.content(table, &columns));
    assert_eq!((original.len(), copy.len()), (rows(place.database), rows(place.database)));
    for (row, (original, copy)) in original.iter().zip(&copy).enumerate() {
        for (((at, _), original), copy) in shared.iter().zip(original).zip(copy).filter(|((_, a), b)| a != b) {
            let literals = cases[*at].2;
            let literal = original.as_ref().map_or("NULL", |_| literals[row % literals.len()]);
            found.insert((*at, literal.to_owned()), copy.clone().unwrap_or_else(|| "NULL".to_owned()));
        }
    }
    found
}

/// The lines that the page is to have for a database.
fn lines_of(place: &Place) -> BTreeSet<String> {
    let mut ways: BTreeMap<(usize, String, String), Vec<&str>> = BTreeMap::new();
    for via in others(place.database) {
        let [json, avro] = FORMATS.map(|(format, _)| differences(place, &returned(via, format)));
        assert_eq!(json, avro, "{} by way of {}: JSON and Avro", place.database.name(), via.name());
        for ((at, literal), copy) in json {
            ways.entry((at, literal, copy)).or_default().push(via.name());
        }
    }
    let line = |((at, literal, copy), ways): ((usize, String, String), Vec<&str>)| {
        let quoted = |text: String| if text == "any" || text == "left out" { text } else { format!("`{text}`") };
        let (kind, name) = (cases::of(place.database)[at].0, place.database.name());
        format!("| {name} | `{kind}` | {} | {} | {} |", quoted(literal), ways.join(", "), quoted(copy))
    };
    ways.into_iter().map(line).collect()
}

#[test]
fn what_comes_back_is_the_same_or_told() {
    let registry = Registry::start();
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, Kafka::shared());
    let places = Database::ALL.map(|database| Place::new(database, "types", setup.dir()));
    let run = unique("types");
    for place in &places {
        fill(place);
        for format in FORMATS {
            connect(&mut setup, place, format, &registry.url(), &run);
        }
    }
    let worker = setup.start();
    let mut found = BTreeSet::new();
    for place in &places {
        for via in others(place.database) {
            for (format, _) in FORMATS {
                await_rows(&worker, place, &returned(via, format), rows(place.database));
            }
        }
        found.extend(lines_of(place));
    }
    assert_told(&found, 5);
    let page = page();
    for database in Database::ALL {
        for (kind, ..) in cases::of(database) {
            assert!(
                page.contains(&format!("`{kind}`")),
                "docs/jdbc-types.md does not name {kind} of {}",
                database.name()
            );
        }
    }
}

#[test]
fn what_no_copy_can_hold_fails_a_task_that_names_the_column() {
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, Kafka::shared());
    // JSON has no NaN and no infinity; as in Kafka Connect they are read as 0.
    let registry = Registry::start();
    setup.set("value.converter", FORMATS[1].1).set("value.converter.schema.registry.url", &registry.url());
    let places = Database::ALL.map(|database| Place::new(database, "refused", setup.dir()));
    let place = |database: Database| places.iter().find(|place| place.database == database).unwrap();
    let run = unique("refused");
    for (at, (database, kind, literal, refuser)) in REFUSED.iter().enumerate() {
        let (table, from) = (format!("t{at}"), place(*database));
        from.run(&format!("CREATE TABLE {table} (id INTEGER NOT NULL PRIMARY KEY, odd {kind})"));
        from.run(&format!("INSERT INTO {table} VALUES (1, {literal})"));
        let topic = format!("{run}-{table}");
        setup.connector(
            &format!("{run}-source-{at}"),
            &[
                ("connector.class", SOURCE),
                ("connection.url", &from.url),
                ("table.whitelist", &table),
                ("mode", "incrementing"),
                ("incrementing.column.name", "id"),
                ("topic.prefix", &format!("{run}-")),
            ],
        );
        if let Refuser::SinkTo(target) = refuser {
            Kafka::shared().create_topic(&topic, 1);
            setup.connector(
                &format!("{run}-sink-{at}"),
                &[
                    ("connector.class", SINK),
                    ("connection.url", &place(*target).url),
                    ("topics", &topic),
                    ("table.name.format", &format!("copy_{table}")),
                    ("auto.create", "true"),
                    ("max.retries", "0"),
                ],
            );
        }
    }
    let worker = setup.start();
    let mut found = BTreeSet::new();
    for (at, (database, kind, literal, refuser)) in REFUSED.iter().enumerate() {
        let (side, who) = match refuser {
            Refuser::Source => ("source", "the source".to_owned()),
            Refuser::SinkTo(target) => ("sink", format!("the sink to {}", target.name())),
        };
        let status = worker.rest.await_task(&format!("{run}-{side}-{at}"), 0, "FAILED");
        let trace = status["tasks"][0]["trace"].as_str().unwrap().to_owned();
        if *refuser == Refuser::Source {
            assert!(trace.contains("odd"), "{kind} of {literal}: {trace}");
        }
        found.insert(format!("| {} | `{kind}` | `{literal}` | {who} |", database.name()));
    }
    assert_told(&found, 4);
}
