use std::time::Duration;

use crate::config::Props;
use crate::error::{ConnectError, ErrorKind};
use crate::herder::testing::{TestRuntime, config, standalone};
use crate::herder::{ConfigChange, ConnectorOffset, Handle, Health, OffsetsRequest, Put, RestartRequest};
use crate::storage::{ConnectorState, TargetState, TaskId, TaskState};

const SOURCE: &str = "TestSource";
const SINK: &str = "TestSink";

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

async fn create(handle: &Handle, config: Props) -> crate::error::Result<Put> {
    let name = config.get("name").unwrap().to_owned();
    handle.configure(&name, ConfigChange::Create { config, initial: None }).await
}

async fn states(handle: &Handle, name: &str) -> (ConnectorState, Vec<TaskState>) {
    let report = handle.status(name).await.unwrap();
    (report.connector.state, report.tasks.iter().map(|(_, status)| status.state).collect())
}

/// Asks again until the states are as wanted, for changes that are answered before they take effect.
async fn await_states(handle: &Handle, name: &str, connector: ConnectorState, tasks: &[TaskState]) {
    let wanted = (connector, tasks.to_vec());
    let reached = async {
        while states(handle, name).await != wanted {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(10), reached).await.is_err() {
        panic!("wanted {wanted:?}, but it is {:?}", states(handle, name).await);
    }
}

#[test]
fn a_connector_has_its_tasks_when_it_has_been_created() {
    let (handle, runtime) = standalone();
    run(async {
        let put = create(&handle, config("a", SOURCE, [("tasks.max", "2")])).await.unwrap();
        assert!(put.created);
        assert_eq!(put.info.tasks, [TaskId::new("a", 0), TaskId::new("a", 1)]);
        assert_eq!(states(&handle, "a").await, (ConnectorState::Running, vec![TaskState::Running; 2]));
        assert_eq!(runtime.take_calls(), ["start a STARTED", "start-task a-0 STARTED", "start-task a-1 STARTED"]);

        let error = create(&handle, config("a", SOURCE, [])).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::AlreadyExists, "Connector a already exists"));
        assert!(runtime.take_calls().is_empty(), "a refused creation leaves the connector alone");
        assert_eq!(handle.connectors().await.unwrap(), ["a"]);
    });
}

#[test]
fn invalid_configs_are_refused_and_leave_no_trace() {
    let (handle, runtime) = standalone();
    run(async {
        let error = create(&handle, config("", SOURCE, [])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest);
        assert!(error.message().contains("the following 1 error(s)"), "{error}");
        let error = create(&handle, Props::from([("name", "a")])).await.unwrap_err();
        assert_eq!(error.message(), "Connector config {name=a} contains no connector type");
        assert!(handle.connectors().await.unwrap().is_empty());
        assert!(runtime.take_calls().is_empty());
    });
}

#[test]
fn a_connector_that_does_not_start_is_kept_with_its_failure() {
    let (handle, _runtime) = standalone();
    run(async {
        let error = create(&handle, config("a", SOURCE, [("behaviour", "fail")])).await.unwrap_err();
        assert_eq!(error.message(), "does not start");
        assert_eq!(states(&handle, "a").await, (ConnectorState::Failed, vec![]));
        let put = handle.configure("a", ConfigChange::Put(config("a", SOURCE, []))).await.unwrap();
        assert!(!put.created);
        assert_eq!(states(&handle, "a").await.0, ConnectorState::Running);
    });
}

#[test]
fn a_task_that_does_not_start_fails_alone() {
    let (handle, _runtime) = standalone();
    run(async {
        create(&handle, config("a", SOURCE, [("behaviour", "fail-tasks")])).await.unwrap();
        assert_eq!(states(&handle, "a").await, (ConnectorState::Running, vec![TaskState::Failed]));
        let error = handle.restart_task(TaskId::new("a", 0)).await.unwrap_err();
        assert_eq!(error.message(), "Failed to start task: a-0");
    });
}

#[test]
fn initial_states_are_kept() {
    let (handle, runtime) = standalone();
    run(async {
        let change = |name, initial| ConfigChange::Create { config: config(name, SOURCE, []), initial: Some(initial) };
        let stopped = handle.configure("s", change("s", TargetState::Stopped)).await.unwrap();
        assert!(stopped.info.tasks.is_empty());
        assert_eq!(states(&handle, "s").await, (ConnectorState::Stopped, vec![]));
        handle.configure("p", change("p", TargetState::Paused)).await.unwrap();
        assert_eq!(states(&handle, "p").await, (ConnectorState::Paused, vec![]));
        assert_eq!(runtime.take_calls(), ["start s STOPPED", "start p PAUSED"]);
        // A new config does not start it.
        handle.configure("s", ConfigChange::Put(config("s", SOURCE, [("x", "1")]))).await.unwrap();
        assert_eq!(states(&handle, "s").await.0, ConnectorState::Stopped);
    });
}

#[test]
fn new_configs_replace_tasks_and_patches_remove_keys() {
    let (handle, runtime) = standalone();
    run(async {
        create(&handle, config("a", SINK, [("note", "x")])).await.unwrap();
        runtime.take_calls();
        let mut patch = Props::from([("tasks.max", "2")]);
        patch.set_nullable("note", None);
        let put = handle.configure("a", ConfigChange::Patch(patch)).await.unwrap();
        assert_eq!(put.info.tasks.len(), 2);
        assert!(!put.info.config.contains_key("note"));
        let calls = runtime.take_calls();
        assert_eq!(calls[..3], ["stop a", "start a STARTED", "stop-tasks a-0"]);
        assert_eq!(calls.len(), 5);
        let error = handle.configure("b", ConfigChange::Patch(Props::new())).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, "Connector b not found"));
    });
}

#[test]
fn pause_resume_and_stop_reach_the_runtime() {
    let (handle, runtime) = standalone();
    run(async {
        create(&handle, config("a", SOURCE, [])).await.unwrap();
        handle.set_target_state("a", TargetState::Paused).await.unwrap();
        await_states(&handle, "a", ConnectorState::Paused, &[TaskState::Paused]).await;
        handle.set_target_state("a", TargetState::Started).await.unwrap();
        await_states(&handle, "a", ConnectorState::Running, &[TaskState::Running]).await;
        handle.stop("a").await.unwrap();
        await_states(&handle, "a", ConnectorState::Stopped, &[]).await;
        assert!(handle.tasks("a").await.unwrap().is_empty());
        assert_eq!(runtime.running_tasks(), 0);
        handle.set_target_state("a", TargetState::Started).await.unwrap();
        await_states(&handle, "a", ConnectorState::Running, &[TaskState::Running]).await;

        let error = handle.set_target_state("b", TargetState::Paused).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, "Unknown connector b"));
        let error = handle.stop("b").await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::IllegalState, "No connector `b` configured"));
    });
}

#[test]
fn the_same_target_twice_changes_nothing() {
    let (handle, runtime) = standalone();
    run(async {
        create(&handle, config("a", SOURCE, [])).await.unwrap();
        runtime.take_calls();
        handle.set_target_state("a", TargetState::Started).await.unwrap();
        handle.restart_task(TaskId::new("a", 0)).await.unwrap();
        assert_eq!(runtime.take_calls(), ["stop-tasks a-0", "start-task a-0 STARTED"]);
    });
}

#[test]
fn restarts_reach_what_their_flags_say() {
    let (handle, runtime) = standalone();
    run(async {
        create(&handle, config("a", SOURCE, [("tasks.max", "2")])).await.unwrap();
        runtime.take_calls();
        handle.restart_connector("a").await.unwrap();
        assert_eq!(runtime.take_calls(), ["stop a", "start a STARTED"], "unchanged tasks go on");

        let all = RestartRequest { only_failed: false, include_tasks: true };
        let plan = handle.restart("a", all).await.unwrap();
        assert_eq!(plan.connector.state, ConnectorState::Restarting);
        assert!(plan.tasks.iter().all(|(_, task)| task.state == TaskState::Restarting));
        assert_eq!(plan.tasks[0].1.version.as_deref(), Some("1.0"));
        await_states(&handle, "a", ConnectorState::Running, &[TaskState::Running; 2]).await;

        runtime.fail_task(&TaskId::new("a", 1), ConnectError::connect("boom"));
        runtime.take_calls();
        let failed = RestartRequest { only_failed: true, include_tasks: true };
        handle.restart("a", failed).await.unwrap();
        await_states(&handle, "a", ConnectorState::Running, &[TaskState::Running; 2]).await;
        assert_eq!(runtime.take_calls(), ["stop-tasks a-1", "start-task a-1 STARTED"]);

        let error = handle.restart("b", all).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, "Unknown connector: b"));
        let error = handle.restart_task(TaskId::new("a", 9)).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, "Task a-9 not found"));
    });
}

#[test]
fn a_connector_may_ask_for_other_tasks() {
    let (handle, runtime) = standalone();
    run(async {
        create(&handle, config("a", SOURCE, [])).await.unwrap();
        runtime.reconfigure("a", "tasks.max", "3");
        await_states(&handle, "a", ConnectorState::Running, &[TaskState::Running; 3]).await;
        // The connector's own idea of its config is not the user's.
        assert_eq!(handle.connector("a").await.unwrap().config.get("tasks.max"), None);
    });
}

#[test]
fn deleted_connectors_leave_nothing_behind() {
    let (handle, runtime) = standalone();
    run(async {
        create(&handle, config("a", SOURCE, [("topic", "t")])).await.unwrap();
        assert_eq!(handle.topics("a").await.unwrap(), ["t"]);
        handle.delete("a").await.unwrap();
        assert!(handle.connectors().await.unwrap().is_empty());
        assert!(handle.topics("a").await.unwrap().is_empty());
        assert_eq!(runtime.running_tasks(), 0);
        for error in [
            handle.delete("a").await.unwrap_err(),
            handle.connector("a").await.unwrap_err(),
            handle.tasks("a").await.unwrap_err(),
            handle.offsets("a").await.unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, "Connector a not found"));
        }
        let error = handle.status("a").await.unwrap_err();
        assert_eq!(error.message(), "No status found for connector a");
        let error = handle.task_status(TaskId::new("a", 0)).await.unwrap_err();
        assert_eq!(error.message(), "No status found for task a-0");
    });
}

#[test]
fn offsets_change_only_while_stopped() {
    let (handle, runtime) = standalone();
    let entry = |json: serde_json::Value| ConnectorOffset {
        partition: json["partition"].as_object().cloned(),
        offset: json["offset"].as_object().cloned(),
    };
    run(async {
        create(&handle, config("a", SOURCE, [])).await.unwrap();
        let error = handle.change_offsets("a", OffsetsRequest::Reset).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest);
        assert!(error.message().contains("'/connectors/a/stop' endpoint"), "{error}");
        handle.stop("a").await.unwrap();
        let offset = entry(serde_json::json!({"partition": {"f": "x"}, "offset": {"position": 4}}));
        let message = handle.change_offsets("a", OffsetsRequest::Alter(vec![offset.clone()])).await.unwrap();
        assert_eq!(message, "The offsets for this connector have been altered successfully");
        assert_eq!(handle.offsets("a").await.unwrap(), [offset]);
        let message = handle.change_offsets("a", OffsetsRequest::Reset).await.unwrap();
        assert!(message.starts_with("The Connect framework-managed offsets for this connector have been reset"));

        let change = ConfigChange::Create { config: config("s", SINK, []), initial: Some(TargetState::Stopped) };
        handle.configure("s", change).await.unwrap();
        let error = handle.change_offsets("s", OffsetsRequest::Alter(vec![entry(serde_json::json!({}))])).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::BadRequest);
        runtime.take_calls();
        let offset =
            entry(serde_json::json!({"partition": {"kafka_topic": "t", "kafka_partition": "1"}, "offset": null}));
        handle.change_offsets("s", OffsetsRequest::Alter(vec![offset])).await.unwrap();
        let want = "offsets s AlterSink([SinkOffset { topic: \"t\", partition: 1, offset: None }])";
        assert_eq!(runtime.take_calls(), [want]);
    });
}

#[test]
fn a_connector_that_hangs_holds_up_nobody_else_and_can_be_deleted() {
    for behaviour in ["hang", "hang-tasks"] {
        let (handle, runtime) = standalone();
        run(async {
            let hanging = tokio::spawn({
                let handle = handle.clone();
                async move { create(&handle, config("a", SOURCE, [("behaviour", behaviour)])).await }
            });
            tokio::task::yield_now().await;
            runtime.wait_until_hanging("a");
            create(&handle, config("b", SOURCE, [])).await.unwrap();
            assert_eq!(handle.connectors().await.unwrap(), ["a", "b"]);
            assert_eq!(handle.connector("a").await.unwrap().config.get("behaviour"), Some(behaviour));
            assert!(handle.validate(config("c", SOURCE, [])).await.is_ok(), "its class is not blocked either");
            handle.delete("a").await.unwrap();
            assert_eq!(hanging.await.unwrap().unwrap_err().message(), "Gave up waiting for a");
            assert_eq!(handle.connectors().await.unwrap(), ["b"]);
        });
    }
}

#[test]
fn requests_that_take_too_long_say_what_is_going_on() {
    let (handle, runtime) = standalone();
    let hasty = handle.clone().with_request_timeout(Duration::from_millis(50));
    run(async {
        let error = create(&hasty, config("a", SOURCE, [("behaviour", "hang")])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rest(500));
        let begin = "Request timed out. The worker is currently starting the connector, which began at ";
        assert!(error.message().starts_with(begin), "{error}");
        runtime.wait_until_hanging("a");
        let error = hasty.restart_task(TaskId::new("a", 0)).await.unwrap_err();
        assert!(error.message().contains("finishing earlier work (connector a)"), "{error}");
    });
    handle.shutdown();
}

#[test]
fn health_follows_the_start() {
    let (handle, _runtime) = standalone();
    run(async {
        let Health::Starting(Some(stage)) = handle.health().await else { panic!("not ready yet") };
        assert!(stage.starts_with("The worker is currently awaiting startup"), "{stage}");
        handle.set_ready();
        assert_eq!(handle.health().await, Health::Healthy);
    });
    handle.shutdown();
    assert!(matches!(run(handle.health()), Health::Unhealthy(_)));
}

#[test]
fn a_stop_ends_tasks_connectors_and_waiting_requests() {
    let (handle, runtime) = standalone();
    run(async {
        create(&handle, config("a", SOURCE, [])).await.unwrap();
        create(&handle, config("b", SINK, [])).await.unwrap();
    });
    let hanging = std::thread::spawn({
        let handle = handle.clone();
        move || handle.configure_blocking("c", ConfigChange::Put(config("c", SOURCE, [("behaviour", "hang")])))
    });
    runtime.wait_until_hanging("c");
    runtime.take_calls();
    handle.shutdown();
    assert!(hanging.join().unwrap().is_err());
    let mut calls = runtime.take_calls();
    calls.sort();
    assert_eq!(calls, ["abandon c", "stop a", "stop b", "stop c", "stop-tasks a-0 b-0"]);
    let error = run(handle.connectors()).unwrap_err();
    assert_eq!(error.message(), "Worker is shutting down");
}

/// Waits until the runtime was asked for something; answers all it was asked for until then.
async fn await_call(runtime: &TestRuntime, wanted: &str) -> Vec<String> {
    let mut calls = Vec::new();
    let called = async {
        while !calls.iter().any(|call| call == wanted) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            calls.extend(runtime.take_calls());
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(10), called).await;
    assert!(in_time.is_ok(), "no {wanted} in {calls:?}");
    calls
}

#[test]
fn connectors_whose_values_lapse_are_started_anew() {
    let (handle, runtime) = standalone();
    run(async {
        create(&handle, config("a", SOURCE, [("ttl.ms", "1")])).await.unwrap();
        create(&handle, config("b", SOURCE, [])).await.unwrap();
        runtime.take_calls();
        // The tasks have what they need already.
        let calls = await_call(&runtime, "start a STARTED").await;
        assert_eq!(calls, ["stop a", "start a STARTED"]);
        // A value has changed, so they are replaced.
        runtime.change_values();
        await_call(&runtime, "start-task a-0 STARTED").await;
        // A config without a provider, and a connector that is gone, have no clock any more.
        handle.configure("a", ConfigChange::Put(config("a", SOURCE, []))).await.unwrap();
        create(&handle, config("gone", SOURCE, [("ttl.ms", "1")])).await.unwrap();
        handle.delete("gone").await.unwrap();
        create(&handle, config("last", SOURCE, [("ttl.ms", "900")])).await.unwrap();
        runtime.take_calls();
        let calls = await_call(&runtime, "start last STARTED").await;
        assert!(calls.iter().all(|call| call.contains("last")), "{calls:?}");
    });
}

/// Asks for automatic restarts after a wait that is over at once.
const AT_ONCE: [(&str, &str); 3] = [
    ("restart.automatic.enable", "true"),
    ("restart.automatic.backoff.ms", "1"),
    ("restart.automatic.max.attempts", "2"),
];
/// Asks for automatic restarts that do not come within the test.
const LATER: [(&str, &str); 2] = [("restart.automatic.enable", "true"), ("restart.automatic.backoff.ms", "3600000")];

#[test]
fn what_fails_is_started_anew_if_that_may_help() {
    let (handle, runtime) = standalone();
    let boom = || ConnectError::connect("boom");
    run(async {
        create(&handle, config("a", SOURCE, AT_ONCE)).await.unwrap();
        runtime.take_calls();
        runtime.fail_task(&TaskId::new("a", 0), boom());
        assert_eq!(await_call(&runtime, "start-task a-0 STARTED").await, ["stop-tasks a-0", "start-task a-0 STARTED"]);
        runtime.fail_connector("a", boom());
        assert_eq!(await_call(&runtime, "start a STARTED").await, ["stop a", "start a STARTED"]);
        await_states(&handle, "a", ConnectorState::Running, &[TaskState::Running]).await;
        // What no restart can help, and what did not ask for it, is left alone.
        runtime.fail_task(&TaskId::new("a", 0), ConnectError::config("wrong"));
        create(&handle, config("b", SOURCE, [])).await.unwrap();
        runtime.fail_connector("b", boom());
        // One that does not start is tried as often as it may be.
        let failing = config("c", SOURCE, AT_ONCE).with("behaviour", "fail");
        assert_eq!(create(&handle, failing).await.unwrap_err().message(), "does not start");
        runtime.take_calls();
        await_call(&runtime, "start c STARTED").await;
        let calls = await_call(&runtime, "start c STARTED").await;
        assert!(calls.iter().all(|call| call.ends_with("c") || call.ends_with("c STARTED")), "{calls:?}");
        assert_eq!(states(&handle, "a").await, (ConnectorState::Running, vec![TaskState::Failed]));
        assert_eq!(states(&handle, "b").await.0, ConnectorState::Failed);
    });
}

#[test]
fn a_restart_to_come_is_told_and_given_up_when_a_person_steps_in() {
    let (handle, runtime) = standalone();
    let id = TaskId::new("a", 0);
    let announced = async || {
        let trace = handle.task_status(TaskId::new("a", 0)).await.unwrap().trace;
        let both = handle.status("a").await.unwrap().tasks[0].1.trace == trace;
        both && trace.is_some_and(|trace| trace.contains("boom\nNext automatic restart 1 of 10 at 20"))
    };
    run(async {
        create(&handle, config("a", SOURCE, LATER)).await.unwrap();
        for step in 0..6 {
            runtime.fail_task(&id, ConnectError::connect("boom"));
            assert!(announced().await, "before step {step}");
            match step {
                0 => handle.restart_task(id.clone()).await.unwrap(),
                1 => {
                    // The same config again leaves tasks alone.
                    handle.configure("a", ConfigChange::Put(config("a", SOURCE, LATER))).await.unwrap();
                    assert!(announced().await);
                    let other = config("a", SOURCE, LATER).with("note", "x");
                    handle.configure("a", ConfigChange::Put(other)).await.unwrap();
                }
                2 => {
                    drop(handle.restart("a", RestartRequest { only_failed: true, include_tasks: true }).await.unwrap())
                }
                3 => {
                    // A restart of the connector alone leaves the task's to come.
                    handle.restart_connector("a").await.unwrap();
                    assert!(announced().await);
                    handle.set_target_state("a", TargetState::Paused).await.unwrap();
                    await_states(&handle, "a", ConnectorState::Paused, &[TaskState::Paused]).await;
                    // Nothing is restarted that is not to run.
                    runtime.fail_task(&id, ConnectError::connect("boom"));
                    assert!(!announced().await);
                    handle.set_target_state("a", TargetState::Started).await.unwrap();
                }
                4 => {
                    handle.stop("a").await.unwrap();
                    handle.set_target_state("a", TargetState::Started).await.unwrap();
                }
                _ => {
                    handle.delete("a").await.unwrap();
                    create(&handle, config("a", SOURCE, LATER)).await.unwrap();
                }
            }
            await_states(&handle, "a", ConnectorState::Running, &[TaskState::Running]).await;
            runtime.show_failed(&id, &ConnectError::connect("boom"));
            assert!(!announced().await, "after step {step}");
        }
    });
}

/// What a person may ask of a connector.
#[derive(Debug, Clone, Copy)]
enum Wish {
    Pause,
    Resume,
    Stop,
    RestartConnector,
    RestartAll,
    RestartTask,
    Configure,
    Reconfigure,
}

impl Wish {
    const ALL: [Wish; 8] = [
        Wish::Pause,
        Wish::Resume,
        Wish::Stop,
        Wish::RestartConnector,
        Wish::RestartAll,
        Wish::RestartTask,
        Wish::Configure,
        Wish::Reconfigure,
    ];

    /// Asks without looking at the answer: a task may be gone by then.
    async fn ask(self, handle: &Handle, runtime: &TestRuntime, number: usize) {
        match self {
            Wish::Pause => drop(handle.set_target_state("a", TargetState::Paused).await),
            Wish::Resume => drop(handle.set_target_state("a", TargetState::Started).await),
            Wish::Stop => drop(handle.stop("a").await),
            Wish::RestartConnector => drop(handle.restart_connector("a").await),
            Wish::RestartAll => {
                drop(handle.restart("a", RestartRequest { only_failed: false, include_tasks: true }).await);
            }
            Wish::RestartTask => drop(handle.restart_task(TaskId::new("a", 0)).await),
            Wish::Configure => {
                let other = config("a", SOURCE, []).with("number", number.to_string());
                drop(handle.configure("a", ConfigChange::Put(other)).await);
            }
            Wish::Reconfigure => runtime.ask_for_tasks("a"),
        }
    }

    fn target(self) -> Option<TargetState> {
        match self {
            Wish::Pause => Some(TargetState::Paused),
            Wish::Resume => Some(TargetState::Started),
            Wish::Stop => Some(TargetState::Stopped),
            _ => None,
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(48))]

    /// Wishes that come faster than they can be met end in the state that was asked for last.
    #[test]
    fn the_last_wish_counts(numbers in proptest::collection::vec(0..Wish::ALL.len(), 1..10)) {
        let (handle, runtime) = standalone();
        run(async {
            create(&handle, config("a", SOURCE, [])).await.unwrap();
            let wishes: Vec<Wish> = numbers.iter().map(|number| Wish::ALL[*number]).collect();
            let asked: Vec<_> = (0..)
                .zip(&wishes)
                .map(|(number, wish)| wish.ask(&handle, &runtime, number))
                .collect();
            futures_util::future::join_all(asked).await;
            let target = wishes.iter().rev().find_map(|wish| wish.target()).unwrap_or(TargetState::Started);
            let tasks = match target {
                TargetState::Started => vec![TaskState::Running],
                TargetState::Stopped => vec![],
                // Tasks are only made while the connector runs.
                TargetState::Paused => settled_tasks(&handle, &runtime).await,
            };
            await_states(&handle, "a", target.connector_state(), &tasks).await;
            assert_eq!(runtime.target("a"), Some(target), "{wishes:?}");
        });
        handle.shutdown();
    }
}

/// The tasks of a paused connector once all commands are through, none of which run.
async fn settled_tasks(handle: &Handle, runtime: &TestRuntime) -> Vec<TaskState> {
    // Goes behind all that is under way, and is refused as the connector is not stopped.
    drop(handle.change_offsets("a", OffsetsRequest::Reset).await);
    let (_, tasks) = states(handle, "a").await;
    assert!(tasks.iter().all(|state| *state == TaskState::Paused), "{tasks:?}");
    assert_eq!(runtime.running_tasks(), tasks.len());
    tasks
}
