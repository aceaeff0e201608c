use std::sync::Mutex;

use super::*;

/// What happened, in order.
type Log = Arc<Mutex<Vec<String>>>;

fn supervisor(progress: &Arc<Progress>) -> Supervisor {
    let short = Duration::from_millis(50);
    let timeouts = StopTimeouts { regular: short, after_failure: short, last: short };
    Supervisor::new(progress.clone(), timeouts)
}

/// A component that ends when asked, and says so.
fn obedient(supervisor: &mut Supervisor, component: Component, log: &Log) {
    let log = log.clone();
    supervisor.spawn(component, |shutdown| async move {
        shutdown.cancelled().await;
        log.lock().unwrap().push(component.to_string());
        Ok(())
    });
}

fn failing(supervisor: &mut Supervisor, component: Component) {
    supervisor.spawn_blocking(component, |_| Err("the disk is full".into()));
}

fn stage_and_reason(progress: &Progress, component: Component) -> (Stage, Option<String>) {
    let status = progress.status();
    let component = status.component(component).unwrap();
    (component.stage, component.reason.clone())
}

#[tokio::test]
async fn components_are_stopped_in_order() {
    let (progress, log) = (Arc::default(), Log::default());
    let mut supervisor = supervisor(&progress);
    for component in STOP_ORDER.into_iter().rev() {
        obedient(&mut supervisor, component, &log);
    }
    let shutdown = Shutdown::default();
    shutdown.request();
    assert_eq!(supervisor.run(&shutdown, None).await.unwrap(), End::Interrupted);
    assert_eq!(*log.lock().unwrap(), STOP_ORDER.map(|component| component.to_string()));
    for component in STOP_ORDER {
        assert_eq!(stage_and_reason(&progress, component), (Stage::Done, None));
    }
}

#[tokio::test]
async fn an_error_stops_the_others_and_is_shown() {
    let (progress, log) = (Arc::default(), Log::default());
    let mut supervisor = supervisor(&progress);
    obedient(&mut supervisor, Component::Broker, &log);
    obedient(&mut supervisor, Component::Consumer, &log);
    failing(&mut supervisor, Component::Trainer);
    let shutdown = Shutdown::default();
    let error = supervisor.run(&shutdown, None).await.unwrap_err();
    assert_eq!(error.to_string(), "the trainer failed: the disk is full");
    assert!(shutdown.requested());
    assert_eq!(*log.lock().unwrap(), ["consumer", "broker"]);
    let failed = (Stage::Failed, Some("the disk is full".to_owned()));
    assert_eq!(stage_and_reason(&progress, Component::Trainer), failed);
    assert_eq!(progress.status().notices, ["the trainer failed: the disk is full"]);
}

#[tokio::test]
async fn a_panic_is_an_error() {
    for blocking in [false, true] {
        let progress = Arc::default();
        let mut supervisor = supervisor(&progress);
        if blocking {
            supervisor.spawn_blocking(Component::Trainer, |_| panic!("index {}", 7));
        } else {
            supervisor.spawn(Component::Trainer, |_| async { panic!("index {}", 7) });
        }
        obedient(&mut supervisor, Component::Serving, &Log::default());
        let error = supervisor.run(&Shutdown::default(), None).await.unwrap_err();
        assert_eq!(error.to_string(), "the trainer failed: it panicked: index 7");
        assert_eq!(stage_and_reason(&progress, Component::Trainer).0, Stage::Failed);
        assert_eq!(stage_and_reason(&progress, Component::Serving).0, Stage::Done);
    }
}

#[tokio::test]
async fn the_end_of_the_last_component_is_the_end() {
    let (progress, log) = (Arc::default(), Log::default());
    let mut supervisor = supervisor(&progress);
    obedient(&mut supervisor, Component::Serving, &log);
    supervisor.spawn(Component::Producer, |_| async { Ok(()) });
    supervisor.spawn_blocking(Component::Trainer, |_| Ok(()));
    let end = supervisor.run(&Shutdown::default(), Some(Component::Trainer)).await.unwrap();
    assert_eq!(end, End::Complete);
    assert_eq!(*log.lock().unwrap(), ["serving"]);
}

#[tokio::test]
async fn what_does_not_stop_is_given_up() {
    let (progress, log) = (Arc::default(), Log::default());
    let mut supervisor = supervisor(&progress);
    let deaf = Shutdown::default();
    let until = deaf.clone();
    supervisor.spawn_blocking(Component::Consumer, move |_| {
        while !until.wait(Duration::from_secs(60)) {}
        Ok(())
    });
    obedient(&mut supervisor, Component::Broker, &log);
    let shutdown = Shutdown::default();
    shutdown.request();
    let error = supervisor.run(&shutdown, None).await.unwrap_err().to_string();
    assert!(error.contains("consumer") && !error.contains("broker"), "{error}");
    assert_eq!(*log.lock().unwrap(), ["broker"], "the others are asked all the same");
    deaf.request();
}
