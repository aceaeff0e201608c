//! The state machine of a consumer group, with the clock and the topics in our hands.

mod assignors;
mod random;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    Assignor, ConsumerHeartbeat, ConsumerState, HeartbeatResult, LEAVE_EPOCH, LEAVE_STATIC_EPOCH,
    Partitions, TopicIndex, state,
};
use crate::{groups::error::GroupError, pattern::NamePattern};

const SESSION: Duration = Duration::from_secs(45);
const REBALANCE: Duration = Duration::from_secs(300);

/// Name to id and number of partitions.
type Topics = BTreeMap<String, (Uuid, i32)>;

impl TopicIndex for Topics {
    fn find(&self, name: &str) -> Option<(Uuid, i32)> {
        self.get(name).copied()
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.keys().map(String::as_str)
    }
}

fn id(topic: &str) -> Uuid {
    Uuid::from_u128(topic.bytes().fold(0, |id, byte| id << 8 | u128::from(byte)))
}

fn topics(sizes: &[(&str, i32)]) -> Topics {
    sizes.iter().map(|(name, count)| ((*name).to_owned(), (id(name), *count))).collect()
}

fn partitions(topic: &str, numbers: impl IntoIterator<Item = i32>) -> Partitions {
    numbers.into_iter().map(|number| (id(topic), number)).collect()
}

/// A first heartbeat: the member wants topic `t`.
fn joining(member: &str) -> ConsumerHeartbeat {
    ConsumerHeartbeat {
        member_id: member.to_owned(),
        member_epoch: 0,
        instance_id: None,
        rack_id: None,
        client_id: "c".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        session_timeout: SESSION,
        rebalance_timeout: Some(REBALANCE),
        topic_names: Some(["t".to_owned()].into()),
        topic_pattern: None,
        assignor: None,
        owned: Some(Partitions::new()),
    }
}

/// A later heartbeat of a member that owns these partitions and says nothing else.
fn staying(member: &str, epoch: i32, owned: Option<Partitions>) -> ConsumerHeartbeat {
    ConsumerHeartbeat {
        member_epoch: epoch,
        rebalance_timeout: None,
        topic_names: None,
        owned,
        ..joining(member)
    }
}

fn fixed(member: &str) -> ConsumerHeartbeat {
    ConsumerHeartbeat { instance_id: Some("till 1".to_owned()), ..joining(member) }
}

/// A group of which the clock stands still.
struct Group {
    state: ConsumerState,
    topics: Topics,
    now: Instant,
}

impl Group {
    fn of(topics: Topics) -> Self {
        Self { state: ConsumerState::default(), topics, now: Instant::now() }
    }

    fn beat(&mut self, heartbeat: ConsumerHeartbeat) -> Result<HeartbeatResult, GroupError> {
        self.state.heartbeat(self.now, heartbeat, &self.topics)
    }

    /// Joins, and returns epoch and assignment.
    fn join(&mut self, member: &str) -> (i32, Partitions) {
        let told = self.beat(joining(member)).unwrap();
        (told.member_epoch, told.assignment.unwrap())
    }

    fn stay(&mut self, member: &str, epoch: i32, owned: &Partitions) -> (i32, Option<Partitions>) {
        let told = self.beat(staying(member, epoch, Some(owned.clone()))).unwrap();
        (told.member_epoch, told.assignment)
    }

    fn expire(&mut self, after: Duration) {
        self.now += after;
        self.state.expire(self.now);
    }
}

#[test]
fn a_partition_is_given_on_when_it_has_been_given_up() {
    let mut group = Group::of(topics(&[("t", 4)]));
    assert_eq!(group.state.state_name(), "Empty");
    let all = partitions("t", 0..4);
    assert_eq!(group.join("a"), (1, all.clone()));
    assert_eq!(group.state.state_name(), "Stable");
    assert_eq!(group.join("b"), (2, Partitions::new()), "there is nothing free");
    assert_eq!(group.state.state_name(), "Reconciling");
    // The first is told to give up two, and keeps its epoch until it has.
    let half = partitions("t", 0..2);
    assert_eq!(group.stay("a", 1, &all), (1, Some(half.clone())));
    assert_eq!(group.stay("a", 1, &all), (1, None));
    assert_eq!(group.stay("b", 2, &Partitions::new()), (2, None));
    assert_eq!(group.stay("a", 1, &half), (2, None));
    let rest = partitions("t", 2..4);
    assert_eq!(group.stay("b", 2, &Partitions::new()), (2, Some(rest.clone())));
    assert_eq!(group.state.state_name(), "Stable");
    // Without the second, the first gets all again.
    assert_eq!(group.state.leave("b", None, LEAVE_EPOCH), Ok(()));
    assert_eq!(group.state.state_name(), "Assigning");
    assert_eq!(group.stay("a", 2, &half), (3, Some(all)));
    assert_eq!(group.stay("a", 3, &half), (3, None));
}

#[test]
fn other_epochs_are_fenced_and_a_lost_answer_is_not() {
    let mut group = Group::of(topics(&[("t", 2)]));
    let (epoch, all) = group.join("a");
    let fenced = Err(GroupError::FencedMemberEpoch);
    assert_eq!(group.beat(staying("a", epoch + 1, Some(all.clone()))), fenced);
    assert_eq!(group.beat(staying("a", 5, None)), fenced);
    // It did not hear that it joined.
    assert_eq!(group.join("a"), (epoch, all.clone()));
    let more = topics(&[("t", 3)]);
    group.topics = more;
    let (next, grown) = group.stay("a", epoch, &all);
    assert_eq!((next, grown), (epoch + 1, Some(partitions("t", 0..3))));
    assert_eq!(group.stay("a", epoch, &all).0, next, "it did not hear of its new epoch");
    assert_eq!(group.beat(staying("a", epoch, None)), fenced);
    assert_eq!(group.beat(staying("a", epoch, Some(partitions("t", 0..9)))), fenced);
    assert_eq!(group.beat(staying("x", 1, None)), Err(GroupError::UnknownMemberId));
    assert_eq!(group.state.validate_epoch("a", next), Ok(()));
    assert_eq!(group.state.validate_epoch("a", epoch), Err(GroupError::StaleMemberEpoch));
    assert_eq!(group.state.validate_epoch("x", next), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_full_heartbeat_is_told_the_assignment_again() {
    let mut group = Group::of(topics(&[("t", 2)]));
    let (epoch, all) = group.join("a");
    let full = ConsumerHeartbeat { member_epoch: epoch, owned: Some(all.clone()), ..joining("a") };
    let told = group.beat(full).unwrap();
    assert_eq!(told, HeartbeatResult { member_epoch: epoch, assignment: Some(all) });
}

#[test]
fn the_silent_and_those_that_do_not_give_up_are_removed() {
    let mut group = Group::of(topics(&[("t", 2)]));
    let (_, all) = group.join("a");
    group.join("b");
    assert_eq!(group.stay("a", 1, &all).0, 1);
    for _ in 0..REBALANCE.as_secs() / 30 - 1 {
        group.expire(Duration::from_secs(30));
        assert_eq!(group.stay("a", 1, &all).0, 1, "it has not given up anything");
        group.stay("b", 2, &Partitions::new());
    }
    group.expire(Duration::from_secs(30));
    let gone = group.beat(staying("a", 1, Some(all.clone())));
    assert_eq!(gone, Err(GroupError::UnknownMemberId));
    assert_eq!(group.stay("b", 2, &Partitions::new()), (3, Some(all)));
    assert_eq!(group.state.next_deadline(), Some(group.now + SESSION));
    group.expire(SESSION - Duration::from_millis(1));
    assert_eq!(group.state.state_name(), "Stable");
    group.expire(Duration::from_millis(1));
    assert_eq!(group.state.state_name(), "Empty");
    assert_eq!(group.state.next_deadline(), None);
}

#[test]
fn topics_that_come_grow_and_go_are_followed() {
    let mut group = Group::of(Topics::new());
    assert_eq!(group.join("a"), (1, Partitions::new()));
    assert_eq!(group.stay("a", 1, &Partitions::new()), (1, None));
    group.topics = topics(&[("t", 1), ("other", 3)]);
    let one = partitions("t", 0..1);
    assert_eq!(group.stay("a", 1, &Partitions::new()), (2, Some(one.clone())));
    group.topics = topics(&[("t", 2), ("other", 4)]);
    assert_eq!(group.stay("a", 2, &one), (3, Some(partitions("t", 0..2))));
    // Another topic of the same name is another topic.
    group.topics.insert("t".to_owned(), (id("new"), 1));
    assert_eq!(group.stay("a", 3, &partitions("t", 0..2)), (3, Some(Partitions::new())));
    assert_eq!(group.stay("a", 3, &Partitions::new()), (4, Some(partitions("new", 0..1))));
    group.topics.clear();
    assert_eq!(group.stay("a", 4, &Partitions::new()), (5, Some(Partitions::new())));
}

#[test]
fn patterns_and_changed_subscriptions_count() {
    let mut group = Group::of(topics(&[("sales-1", 1), ("t", 1)]));
    let pattern = |text: &str| Some(Some(NamePattern::new(text).unwrap()));
    let by_pattern =
        ConsumerHeartbeat { topic_names: None, topic_pattern: pattern("sales-.*"), ..joining("a") };
    let first = partitions("sales-1", 0..1);
    assert_eq!(group.beat(by_pattern).unwrap().assignment, Some(first.clone()));
    group.topics.insert("sales-2".to_owned(), (id("sales-2"), 1));
    let both = &first | &partitions("sales-2", 0..1);
    assert_eq!(group.stay("a", 1, &first), (2, Some(both.clone())));
    let changed = ConsumerHeartbeat {
        topic_pattern: Some(None),
        topic_names: Some(["t".to_owned(), "sales-2".to_owned()].into()),
        ..staying("a", 2, Some(both))
    };
    let kept = partitions("sales-2", 0..1);
    assert_eq!(group.beat(changed).unwrap().assignment, Some(kept.clone()));
    let (epoch, assigned) = group.stay("a", 2, &kept);
    assert_eq!((epoch, assigned), (3, Some(&kept | &partitions("t", 0..1))));
    assert_eq!(group.state.subscribed_topics().collect::<Vec<_>>(), ["sales-2", "t"]);
}

#[test]
fn a_static_member_that_will_be_back_keeps_its_place() {
    let mut group = Group::of(topics(&[("t", 2)]));
    let told = group.beat(fixed("a")).unwrap();
    group.join("b");
    let half = partitions("t", 0..1);
    assert_eq!(group.stay("a", told.member_epoch, &half).0, 2);
    assert_eq!(group.stay("b", 2, &Partitions::new()).1, Some(partitions("t", 1..2)));
    assert_eq!(group.beat(fixed("new")), Err(GroupError::UnreleasedInstanceId));
    assert_eq!(group.state.leave("x", Some("till 1"), -2), Err(GroupError::FencedInstanceId));
    assert_eq!(group.state.leave("a", Some("till 1"), LEAVE_STATIC_EPOCH), Ok(()));
    assert_eq!(group.stay("b", 2, &partitions("t", 1..2)), (2, None), "nothing is shared out");
    let back = group.beat(fixed("new")).unwrap();
    assert_eq!((back.member_epoch, back.assignment), (2, Some(half.clone())));
    let old = ConsumerHeartbeat { member_epoch: 2, ..fixed("a") };
    assert_eq!(group.beat(old), Err(GroupError::FencedInstanceId));
    // It comes back under the same name too, or not at all.
    assert_eq!(group.state.leave("new", Some("till 1"), LEAVE_STATIC_EPOCH), Ok(()));
    assert_eq!(group.beat(fixed("new")).unwrap().assignment, Some(half));
    assert_eq!(group.state.leave("new", Some("till 1"), LEAVE_STATIC_EPOCH), Ok(()));
    group.expire(SESSION / 2);
    group.stay("b", 2, &partitions("t", 1..2));
    group.expire(SESSION / 2);
    assert_eq!(group.stay("b", 2, &partitions("t", 1..2)), (3, Some(partitions("t", 0..2))));
}

#[test]
fn the_assignor_that_most_ask_for_is_used() {
    let mut group = Group::of(topics(&[("t", 4)]));
    assert_eq!(group.state.assignor(), Assignor::Uniform);
    let range = |id: &str| ConsumerHeartbeat { assignor: Some(Assignor::Range), ..joining(id) };
    group.beat(range("a")).unwrap();
    group.beat(joining("b")).unwrap();
    assert_eq!(group.state.assignor(), Assignor::Range);
    let uniform = |id: &str| ConsumerHeartbeat { assignor: Some(Assignor::Uniform), ..joining(id) };
    group.beat(uniform("c")).unwrap();
    assert_eq!(group.state.assignor(), Assignor::Uniform);
    group.beat(range("d")).unwrap();
    assert_eq!(group.state.assignor(), Assignor::Range);
}

#[test]
fn epochs_go_on_from_those_of_the_classic_protocol() {
    let mut group = Group::of(topics(&[("t", 1)]));
    group.state = state::ConsumerState::after(7);
    assert_eq!(group.join("a").0, 8);
}
