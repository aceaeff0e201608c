//! The group's state machine, with the clock in our hands.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::oneshot::{self, Receiver};

use super::{
    member::{JoinRequest, JoinResponse, Phase, SyncRequest, SyncResponse},
    state::ClassicState,
};
use crate::groups::error::GroupError;

const SESSION: Duration = Duration::from_secs(10);
const REBALANCE: Duration = Duration::from_secs(60);

fn member(id: &str) -> JoinRequest {
    JoinRequest {
        member_id: id.to_owned(),
        group_instance_id: None,
        client_id: "c".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        session_timeout: SESSION,
        rebalance_timeout: REBALANCE,
        protocol_type: "consumer".to_owned(),
        protocols: protocols(&["range", "sticky"]),
        require_known_member_id: false,
    }
}

fn protocols(names: &[&str]) -> Vec<(String, Bytes)> {
    names.iter().map(|name| ((*name).to_owned(), Bytes::from((*name).to_owned()))).collect()
}

fn join(
    group: &mut ClassicState,
    now: Instant,
    joining: JoinRequest,
) -> Receiver<Result<JoinResponse, GroupError>> {
    let (send, receive) = oneshot::channel();
    group.join(now, joining, send);
    receive
}

fn sync(
    group: &mut ClassicState,
    now: Instant,
    id: &str,
    generation: i32,
    assignments: &[(&str, &'static str)],
) -> Receiver<Result<SyncResponse, GroupError>> {
    let (send, receive) = oneshot::channel();
    let assign =
        |(id, what): &(&str, &'static str)| ((*id).to_owned(), Bytes::from_static(what.as_bytes()));
    let syncing = SyncRequest {
        member_id: id.to_owned(),
        group_instance_id: None,
        generation,
        protocol_type: None,
        protocol: None,
        assignments: assignments.iter().map(assign).collect::<HashMap<_, _>>(),
    };
    group.sync(now, syncing, send);
    receive
}

fn answered<T>(mut reply: Receiver<T>) -> T {
    reply.try_recv().expect("an answer")
}

fn is_awaiting_response<T>(reply: &mut Receiver<T>) -> bool {
    matches!(reply.try_recv(), Err(oneshot::error::TryRecvError::Empty))
}

/// A stable group of two, the leader first.
fn two(now: Instant) -> (ClassicState, JoinResponse, JoinResponse) {
    let mut group = ClassicState::default();
    let alone = answered(join(&mut group, now, member(""))).unwrap();
    let mut second = join(&mut group, now, member(""));
    assert!(is_awaiting_response(&mut second), "until the first has come again");
    let leader = answered(join(&mut group, now, member(&alone.member_id))).unwrap();
    let second = answered(second).unwrap();
    assert_eq!((leader.generation, second.generation), (2, 2));
    let mut waiting = sync(&mut group, now, &second.member_id, 2, &[]);
    assert!(is_awaiting_response(&mut waiting));
    let assignments = [(&*leader.member_id, "a"), (&*second.member_id, "b")];
    let own = answered(sync(&mut group, now, &leader.member_id, 2, &assignments)).unwrap();
    assert_eq!(own.assignment, "a");
    assert_eq!(answered(waiting).unwrap().assignment, "b");
    assert_eq!(group.phase, Phase::Stable);
    (group, leader, second)
}

#[test]
fn only_the_leader_is_told_the_members() {
    let (_, leader, second) = two(Instant::now());
    assert_eq!(leader.leader, leader.member_id);
    assert_eq!(second.leader, leader.member_id);
    assert_eq!(leader.members.len(), 2);
    assert!(second.members.is_empty());
    assert_eq!(leader.protocol, "range");
}

#[test]
fn a_newcomer_is_told_its_name_first_and_expected_back() {
    let now = Instant::now();
    let mut group = ClassicState::default();
    let newcomer = JoinRequest { require_known_member_id: true, ..member("") };
    let Err(GroupError::MemberIdRequired(id)) = answered(join(&mut group, now, newcomer.clone()))
    else {
        panic!("no name")
    };
    let back = JoinRequest { member_id: id.clone(), ..newcomer.clone() };
    assert_eq!(answered(join(&mut group, now, back)).unwrap().member_id, id);
    let stranger = JoinRequest { member_id: "stranger".to_owned(), ..newcomer.clone() };
    assert_eq!(answered(join(&mut group, now, stranger)), Err(GroupError::UnknownMemberId));
    // One that does not come back is forgotten when a session would have ended.
    assert!(answered(join(&mut group, now, newcomer)).is_err());
    let mut again = join(&mut group, now, member(&id));
    group.expire(now + SESSION / 2);
    assert!(group.next_deadline().unwrap() <= now + SESSION);
    group.expire(now + SESSION);
    let joined = again.try_recv();
    assert!(joined.is_ok(), "nobody is waited for any more");
}

#[test]
fn a_silent_member_is_removed_and_the_others_told() {
    let now = Instant::now();
    let (mut group, leader, second) = two(now);
    let later = now + SESSION / 2;
    assert_eq!(group.heartbeat(later, &leader.member_id, None, 2), Ok(()));
    assert_eq!(group.next_deadline(), Some(now + SESSION));
    group.expire(now + SESSION);
    assert_eq!(group.phase, Phase::PreparingRebalance);
    let beat = group.heartbeat(now + SESSION, &leader.member_id, None, 2);
    assert_eq!(beat, Err(GroupError::RebalanceInProgress));
    let gone = group.heartbeat(now + SESSION, &second.member_id, None, 2);
    assert_eq!(gone, Err(GroupError::UnknownMemberId));
    let again = join(&mut group, now + SESSION, member(&leader.member_id));
    assert_eq!(answered(again).unwrap().members.len(), 1);
}

#[test]
fn who_does_not_come_back_in_time_is_left_out() {
    let now = Instant::now();
    let (mut group, leader, second) = two(now);
    let mut third = join(&mut group, now, member(""));
    assert!(is_awaiting_response(&mut third));
    let mut at = now;
    // The second keeps sending heartbeats but never joins again; the leader does.
    let mut again = join(&mut group, now, member(&leader.member_id));
    while at < now + REBALANCE {
        assert_eq!(
            group.heartbeat(at, &second.member_id, None, 2),
            Err(GroupError::RebalanceInProgress)
        );
        group.expire(at);
        assert!(is_awaiting_response(&mut again) && is_awaiting_response(&mut third));
        at += SESSION / 2;
    }
    group.expire(now + REBALANCE);
    assert_eq!(answered(again).unwrap().members.len(), 2);
    assert_eq!(answered(third).unwrap().generation, 3);
    assert_eq!(group.heartbeat(at, &second.member_id, None, 2), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_leader_that_brings_no_assignment_is_replaced() {
    let now = Instant::now();
    let (mut group, leader, second) = two(now);
    let third = join(&mut group, now, member(""));
    let one = join(&mut group, now, member(&leader.member_id));
    let two = join(&mut group, now, member(&second.member_id));
    assert_eq!(answered(one).unwrap().leader, leader.member_id);
    let (two, third) = (answered(two).unwrap(), answered(third).unwrap());
    let waiting = sync(&mut group, now, &two.member_id, 3, &[]);
    let other = sync(&mut group, now, &third.member_id, 3, &[]);
    let mut at = now;
    while group.phase == Phase::CompletingRebalance {
        at += SESSION / 2;
        // It lives, or its session would end first.
        drop(group.heartbeat(at, &leader.member_id, None, 3));
        group.expire(at);
        assert!(at <= now + REBALANCE, "for ever");
    }
    assert_eq!(answered(waiting), Err(GroupError::RebalanceInProgress));
    assert_eq!(answered(other), Err(GroupError::RebalanceInProgress));
    let two = join(&mut group, at, member(&two.member_id));
    let third = join(&mut group, at, member(&third.member_id));
    assert_eq!(answered(two).unwrap().leader, second.member_id);
    assert_eq!(answered(third).unwrap().generation, 4);
}

#[test]
fn leaving_frees_the_place_at_once() {
    let now = Instant::now();
    let (mut group, leader, second) = two(now);
    let results = group.leave(now, &[(leader.member_id, None), ("nobody".to_owned(), None)]);
    assert_eq!(results, [Ok(()), Err(GroupError::UnknownMemberId)]);
    let again = answered(join(&mut group, now, member(&second.member_id))).unwrap();
    assert_eq!((again.generation, again.leader), (3, second.member_id.clone()));
    assert_eq!(group.leave(now, &[(second.member_id, None)]), [Ok(())]);
    assert_eq!(group.phase, Phase::Empty);
    assert_eq!(group.next_deadline(), None);
}

#[test]
fn old_generations_and_strangers_may_not_commit() {
    let now = Instant::now();
    let mut empty = ClassicState::default();
    assert_eq!(empty.validate_offset_commit(now, "", None, -1), Ok(()));
    assert_eq!(empty.validate_offset_commit(now, "x", None, 3), Err(GroupError::UnknownMemberId));
    let (mut group, leader, _) = two(now);
    let mut may = |id: &str, generation| group.validate_offset_commit(now, id, None, generation);
    assert_eq!(may(&leader.member_id, 2), Ok(()));
    assert_eq!(may(&leader.member_id, 1), Err(GroupError::IllegalGeneration));
    assert_eq!(may("", -1), Err(GroupError::UnknownMemberId));
}

#[test]
fn members_must_have_a_protocol_in_common() {
    let now = Instant::now();
    let (mut group, leader, second) = two(now);
    let other = JoinRequest { protocols: protocols(&["odd"]), ..member("") };
    assert_eq!(answered(join(&mut group, now, other)), Err(GroupError::InconsistentGroupProtocol));
    let other = JoinRequest { protocol_type: "connect".to_owned(), ..member("") };
    assert_eq!(answered(join(&mut group, now, other)), Err(GroupError::InconsistentGroupProtocol));
    assert_eq!(group.phase, Phase::Stable, "they disturb nobody");
    // The majority's favourite wins.
    let sticky =
        |id: &str| JoinRequest { protocols: protocols(&["sticky", "range"]), ..member(id) };
    let third = join(&mut group, now, sticky(""));
    let one = join(&mut group, now, member(&leader.member_id));
    let two = join(&mut group, now, sticky(&second.member_id));
    for reply in [one, two, third] {
        assert_eq!(answered(reply).unwrap().protocol, "sticky");
    }
}

#[test]
fn a_static_member_takes_its_place_again_and_shuts_out_its_predecessor() {
    let now = Instant::now();
    let mut group = ClassicState::default();
    let fixed =
        |id: &str| JoinRequest { group_instance_id: Some("till 1".to_owned()), ..member(id) };
    let before = answered(join(&mut group, now, fixed(""))).unwrap();
    let after = answered(join(&mut group, now, fixed(""))).unwrap();
    assert_ne!(before.member_id, after.member_id);
    assert_eq!((group.members.len(), after.leader), (1, after.member_id.clone()));
    let old = group.heartbeat(now, &before.member_id, Some("till 1"), before.generation);
    assert_eq!(old, Err(GroupError::FencedInstanceId));
    let gone = group.leave(now, &[(String::new(), Some("till 1".to_owned()))]);
    assert_eq!(gone, [Ok(())]);
    assert!(group.members.is_empty());
}

#[test]
fn a_repeated_request_gets_the_same_answer() {
    let now = Instant::now();
    let (mut group, leader, second) = two(now);
    let again = answered(join(&mut group, now, member(&second.member_id))).unwrap();
    assert_eq!(again, second);
    let synced = answered(sync(&mut group, now, &second.member_id, 2, &[])).unwrap();
    assert_eq!(synced.assignment, "b");
    assert_eq!(group.phase, Phase::Stable);
    // The leader that joins again wants a new assignment.
    let mut leads = join(&mut group, now, member(&leader.member_id));
    assert!(is_awaiting_response(&mut leads));
    assert_eq!(group.phase, Phase::PreparingRebalance);
}
