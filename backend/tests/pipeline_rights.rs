//! Rights on a secured cluster that are taken away while the pipeline runs, and given back.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::{
    Running, apache::ApacheKafka, assert_offsets_are_covered_once, assert_rows_are_stored_once,
    broker::Broker, generated, kafka::send, manifests, status, stored_lines, tillstream, wait_for,
};
use tillstream_shared::api::Component;

const LINES: u64 = 20_000;

#[test]
fn rights_that_are_taken_away_are_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let kafka = ApacheKafka::start_with(&["--sasl", "plain", "--acl"]);
    // The topic of this one is another; it only knows the way to the super user.
    let mut onlooker = Broker::at(&kafka.super_user_address());
    onlooker.topic = "retail_stream".to_owned();
    let dead_letter_topic = onlooker.dead_letter_topic();
    let user = "User:tillstream";
    let allowed = ["--add", "--allow-principal", user, "--operation", "All"];
    let denied = |action: &'static str, operation: &'static str, topic: &str| {
        let mut arguments = vec![action, "--deny-principal", user, "--operation", operation];
        arguments.extend(["--topic", topic, "--force"]);
        kafka.acl(&arguments);
    };
    for topic in [&onlooker.topic, &dead_letter_topic] {
        kafka.acl(&[&allowed[..], &["--topic", topic]].concat());
    }

    let properties = kafka.client_properties();
    let mut up = tillstream(&["up", "--listen", "127.0.0.1:0", "--brokers", &kafka.address]);
    up.args(["--batch-interval", "0.2", "--rate", "1000", "--partitions", "3"]);
    up.args(["--input", &format!("generate:{LINES}:4"), "--kafka-config"]).arg(properties);
    let mut up = Running::start(up.arg("--data-dir").arg(data), "Page:");
    let stored = || stored_lines(data);
    let waiting = |component| status(&up.announced).component(component)?.waiting.clone();
    let goes_on = |component| {
        wait_for("it to go on", || waiting(component).is_none().then_some(()));
    };
    wait_for("lines", || (stored() > 0).then_some(()));

    denied("--add", "Write", &onlooker.topic);
    let text = wait_for("the producer", || {
        waiting(Component::Producer).filter(|text| text.contains("no right to write to"))
    });
    assert!(text.contains(&onlooker.topic) && text.contains(" since 20"), "{text}");
    assert_eq!(waiting(Component::Consumer), None);
    denied("--remove", "Write", &onlooker.topic);
    goes_on(Component::Producer);

    denied("--add", "Write", &dead_letter_topic);
    send(&onlooker, &[b"no line"]);
    let text = wait_for("the consumer", || waiting(Component::Consumer));
    assert!(text.contains(&dead_letter_topic) && text.contains("authorization"), "{text}");
    denied("--remove", "Write", &dead_letter_topic);
    goes_on(Component::Consumer);

    let before = stored();
    denied("--add", "Read", &onlooker.topic);
    let text = wait_for("the consumer", || {
        waiting(Component::Consumer).filter(|text| text.contains("cannot be read"))
    });
    assert!(text.contains("authorization"), "{text}");
    denied("--remove", "Read", &onlooker.topic);
    wait_for("all lines", || (stored() == LINES).then_some(()));
    assert!(before < LINES, "the rights were taken away too late");
    goes_on(Component::Consumer);
    assert!(up.is_running());
    up.interrupt();

    assert_rows_are_stored_once(data, &generated(LINES, 4));
    let manifests = manifests(data);
    assert_offsets_are_covered_once(&manifests);
    let ends = onlooker.cluster().connect().unwrap().current_ends().unwrap();
    assert_eq!(ends.values().sum::<i64>(), LINES as i64 + 1, "nothing is in the topic twice");
    assert_eq!(manifests.iter().map(|manifest| manifest.dead_letters).sum::<u64>(), 1);
}
