//! Members that come, go, fall silent and lose answers at random: no partition ever has two owners, and
//! in the end each has one.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// What a member knows of itself.
#[derive(Debug, Default)]
struct Client {
    epoch: i32,
    owned: Partitions,
    /// What it was told to have, as far as it has heard.
    assigned: Partitions,
    reads: BTreeSet<String>,
}

#[derive(Debug, Clone)]
enum Step {
    /// A member sends a heartbeat, joining if need be; its answer may be lost.
    Beat {
        member: u8,
        lost: bool,
    },
    /// A member gives up what it is not to have any more, and takes what is new to it.
    Adopt(u8),
    /// A member reads other topics from now on.
    Subscribe(u8, u8),
    Leave(u8),
    /// A topic gets another partition, or goes.
    Grow(u8),
    Delete(u8),
    /// Time passes.
    Wait(u16),
}

const NAMES: [&str; 3] = ["t", "u", "v"];

fn step() -> impl Strategy<Value = Step> {
    let member = 0..4_u8;
    prop_oneof![
        8 => (member.clone(), prop::bool::weighted(0.1))
            .prop_map(|(member, lost)| Step::Beat { member, lost }),
        6 => member.clone().prop_map(Step::Adopt),
        1 => (member.clone(), 0..8_u8).prop_map(|(member, which)| Step::Subscribe(member, which)),
        1 => member.prop_map(Step::Leave),
        1 => (0..3_u8).prop_map(Step::Grow),
        1 => (0..3_u8).prop_map(Step::Delete),
        1 => (1..60_u16).prop_map(Step::Wait),
    ]
}

/// A group and its members.
struct World {
    group: Group,
    clients: BTreeMap<String, Client>,
    deleted: u128,
}

fn topics_of(which: u8) -> BTreeSet<String> {
    let chosen = NAMES.iter().enumerate().filter(|(i, _)| which >> i & 1 == 1);
    chosen.map(|(_, name)| (*name).to_owned()).collect()
}

impl World {
    fn new() -> Self {
        let group = Group::of(topics(&[("t", 5), ("u", 2), ("v", 1)]));
        Self { group, clients: BTreeMap::new(), deleted: 0 }
    }

    fn beat(&mut self, member: &str, lost: bool) {
        let client = self
            .clients
            .entry(member.to_owned())
            .or_insert_with(|| Client { reads: topics_of(1), ..Client::default() });
        // As Java's client, it does not say what it owns while it takes over what it was told.
        let settled = client.owned == client.assigned;
        let heartbeat = ConsumerHeartbeat {
            member_epoch: client.epoch,
            topic_names: Some(client.reads.clone()),
            owned: settled.then(|| client.owned.clone()),
            ..joining(member)
        };
        let lost = lost && settled;
        match self.group.beat(heartbeat) {
            Ok(_) if lost => {}
            Ok(told) => {
                client.epoch = told.member_epoch;
                client.assigned = told.assignment.unwrap_or_else(|| client.assigned.clone());
            }
            // It gives up everything and comes again.
            Err(GroupError::FencedMemberEpoch | GroupError::UnknownMemberId) => {
                if self.group.state.members.contains_key(member) {
                    assert_eq!(self.group.state.leave(member, None, LEAVE_EPOCH), Ok(()));
                }
                *client = Client { reads: client.reads.clone(), ..Client::default() };
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    fn adopt(&mut self, member: &str) {
        if let Some(client) = self.clients.get_mut(member) {
            client.owned = client.assigned.clone();
        }
    }

    fn step(&mut self, step: &Step) {
        let name = |member: &u8| format!("member {member}");
        match step {
            Step::Beat { member, lost } => self.beat(&name(member), *lost),
            Step::Adopt(member) => self.adopt(&name(member)),
            Step::Subscribe(member, which) => {
                if let Some(client) = self.clients.get_mut(&name(member)) {
                    client.reads = topics_of(*which);
                }
            }
            Step::Leave(member) => {
                if self.clients.remove(&name(member)).is_some() {
                    drop(self.group.state.leave(&name(member), None, LEAVE_EPOCH));
                }
            }
            Step::Grow(topic) => {
                self.deleted += 1;
                let new = (Uuid::from_u128(1 << 100 | self.deleted), 0);
                let name = NAMES[usize::from(*topic)].to_owned();
                self.group.topics.entry(name).or_insert(new).1 += 1;
            }
            Step::Delete(topic) => {
                self.group.topics.remove(NAMES[usize::from(*topic)]);
            }
            Step::Wait(seconds) => self.group.expire(Duration::from_secs((*seconds).into())),
        }
    }

    /// No two members that the group knows own the same partition, and no member owns one that the group
    /// has given to another.
    fn check(&self) {
        let members = &self.group.state.members;
        let mut owners: BTreeMap<(Uuid, i32), &str> = BTreeMap::new();
        for member in members.values() {
            for partition in member.assigned.iter().chain(&member.revoking) {
                let other = owners.insert(*partition, &member.id);
                assert_eq!(other, None, "{partition:?} is also that of {}", member.id);
            }
        }
        // One that was removed does not know it yet; its epoch keeps it from committing.
        for (name, client) in self.clients.iter().filter(|(name, _)| members.contains_key(*name)) {
            for partition in client.owned.iter().filter(|_| client.epoch > 0) {
                let owner = owners.get(partition).copied();
                assert_eq!(owner, Some(name.as_str()), "{partition:?} is owned");
            }
        }
    }

    /// Everyone does its part until nothing changes.
    fn settle(&mut self) {
        let names: Vec<String> = self.clients.keys().cloned().collect();
        for _ in 0..10 {
            for name in &names {
                self.beat(name, false);
                self.adopt(name);
                self.check();
            }
        }
        let wanted = |client: &Client, topic: &str| client.reads.contains(topic);
        let mut expected = Partitions::new();
        for (name, (id, count)) in &self.group.topics {
            if self.clients.values().any(|client| wanted(client, name)) {
                expected.extend((0..*count).map(|partition| (*id, partition)));
            }
        }
        let owned: Partitions =
            self.clients.values().flat_map(|client| client.owned.iter().copied()).collect();
        assert_eq!(owned, expected, "every partition is read");
        let stable = if self.clients.is_empty() { "Empty" } else { "Stable" };
        assert_eq!(self.group.state.state_name(), stable);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_partition_has_two_owners_and_all_are_read_in_the_end(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
            world.check();
        }
        world.settle();
    }
}
