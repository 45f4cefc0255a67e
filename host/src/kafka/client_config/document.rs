//! `docs/client-properties.md`, made from the table.

use std::fmt::Write as _;

use super::Role;
use super::defaults::{
    dead_letter_producer_defaults, sink_consumer_defaults, source_producer_defaults, task_admin_defaults,
};
use super::table::{Property, Rule, TABLE};

const HEAD: &str = "\
# Client properties

Properties of Kafka's Java clients, and what becomes of them here. They are written with the
prefixes of Kafka Connect: `producer.`, `consumer.` and `admin.` in the worker file,
`producer.override.`, `consumer.override.` and `admin.override.` in a connector's configuration.

- A property **without a counterpart** is accepted. One warning says what that means, unless the
  value asks for what happens anyway.
- A name that is not in this table is handed to librdkafka as it is, so all of its
  [own settings](https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md) can be
  used. If librdkafka does not know the name or refuses the value, the client is refused with key
  and value.
- Numbers that librdkafka wants in narrower bounds than Java are brought to the bound, with a
  warning.
- Secrets (`sasl.jaas.config`, passwords, keys) never appear in messages or logs.

P is the producer, C the consumer, A the admin client.

This page is made from the program's own table; `UPDATE_DOCS=1 cargo test -p ferroconnect
client_properties_document` writes it anew.

| Property | Clients | Setting of librdkafka | Remarks |
| --- | --- | --- | --- |
";

const DEFAULTS: &str = "
## Defaults

What tasks' clients begin with where it is not librdkafka's own default; `X` is the connector, `N`
the task. Everything can be overridden, save `enable.auto.commit` and `enable.auto.offset.store` of
sink tasks.

| Client | Setting | Value |
| --- | --- | --- |
";

const LIMITS: &str = "
The queues are bounded so that a busy task takes some 15 MB with small records. Who sets
`buffer.memory` gets room for more records too.

## Limits

- A record whose timestamp is 0 (the first millisecond of 1970) gets the time of sending: librdkafka
  cannot tell 0 from none.
- A record for a topic that does not exist, where brokers do not create topics, fails after
  `topic.metadata.propagation.max.ms` (30 s). Java waits for `max.block.ms`.
";

/// The page as Markdown.
pub fn properties_markdown() -> String {
    let mut page = HEAD.to_owned();
    for property in TABLE {
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} |",
            property.name,
            clients(property.roles),
            target(property),
            property.note.replace('|', "\\|")
        );
    }
    page.push_str(DEFAULTS);
    for (client, defaults) in [
        ("source task", source_producer_defaults("X", 0)),
        ("sink task", sink_consumer_defaults("X", 0)),
        ("dead-letter topic", dead_letter_producer_defaults("X", 0)),
        ("admin client of a task", task_admin_defaults("X", 0)),
    ] {
        for (key, value) in defaults.settings.iter().filter(|(_, value)| !value.is_empty()) {
            let value = value.strip_suffix("-X-0").map_or(value.clone(), |base| format!("{base}-X-N"));
            let _ = writeln!(page, "| {client} | {key} | {value} |");
        }
    }
    page.push_str(LIMITS);
    page
}

fn clients(roles: &[Role]) -> String {
    let letter = |role: &Role| match role {
        Role::Producer => "P",
        Role::Consumer => "C",
        Role::Admin => "A",
    };
    roles.iter().map(letter).collect::<Vec<_>>().join(" ")
}

fn target(property: &Property) -> String {
    match property.rule {
        Rule::Same => property.name.to_owned(),
        Rule::Number(names, min, max) => format!("{} ({min} to {max})", names.join(", ")),
        Rule::Convert(names, _) => names.join(", "),
        Rule::Combined(text) => text.to_owned(),
        Rule::Own => "– (done by the worker)".to_owned(),
        Rule::Nothing(_) => "– (without counterpart)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_properties_document_is_up_to_date() {
        let test = "client_properties_document";
        crate::docs_page::assert_up_to_date("client-properties.md", &properties_markdown(), test);
    }
}
