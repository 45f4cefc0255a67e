use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::kafka::EmbeddedBroker;
use crate::kafka::client_config::{Layer, Role, defaults};

pub(crate) fn admin(bootstrap: &str) -> Admin {
    let user = BTreeMap::from([("bootstrap.servers".to_owned(), bootstrap.to_owned())]);
    let defaults = defaults::worker_admin_defaults("test-admin");
    let settings = ClientSettings::resolve(Role::Admin, &defaults, &[Layer::new("", &user)]).expect("valid settings");
    Admin::new(&settings).expect("settings fit together")
}

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn the_cluster_and_its_topics_are_described() {
    let broker = EmbeddedBroker::start().expect("starts");
    broker.create_topic("t", 3).expect("new");
    let admin = admin(broker.bootstrap_servers());
    assert!(admin.cluster_id(PATIENCE).expect("answers").is_some());
    let brokers = admin.brokers(PATIENCE).expect("answers");
    assert_eq!(brokers.len(), 1);
    assert_eq!(brokers[0].address, broker.bootstrap_servers());
    let topic = admin.topic("t", PATIENCE).expect("answers").expect("exists");
    assert_eq!((topic.partitions, topic.replicas), (3, 1));
    assert_eq!(admin.topics(PATIENCE).expect("answers"), [topic]);
}

#[test]
fn an_unreachable_broker_is_named() {
    let admin = admin("127.0.0.1:1");
    let error = admin.brokers(Duration::from_millis(500)).expect_err("nobody there");
    assert!(error.text().contains("127.0.0.1:1"), "{error}");
}
