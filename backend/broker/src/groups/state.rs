//! The state machine of one group, as Kafka's classic protocol has it: members join, the first one
//! assigns the partitions, everyone fetches its assignment and keeps sending heartbeats.
//!
//! No clock, network or disk in here: time is passed in, answers go out through channels.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::member::{Fault, Joined, Joining, Member, Phase, Reply, Synced, Syncing, answer};
use crate::random_id;

/// The members of a group and what they have agreed on.
#[derive(Debug, Default)]
pub(crate) struct GroupState {
    pub(crate) phase: Phase,
    pub(crate) members: Vec<Member>,
    pub(crate) protocol_type: String,
    pub(crate) protocol: String,
    generation: i32,
    leader: String,
    /// Members that were told their name and have not come back yet, with the end of our patience.
    expected: HashMap<String, Instant>,
    /// When waiting for the other members ends.
    deadline: Option<Instant>,
}

impl GroupState {
    /// Takes a member in, or in again; the answer comes when everyone has joined.
    pub(crate) fn join(&mut self, now: Instant, joining: Joining, reply: Reply<Joined>) {
        let known = match self.place(now, &joining) {
            Ok(known) => known,
            Err(fault) => return answer(reply, Err(fault)),
        };
        if !self.agrees(&joining, known) {
            return answer(reply, Err(Fault::InconsistentProtocol));
        }
        self.protocol_type.clone_from(&joining.protocol_type);
        let Some(i) = known else {
            let id = if joining.member_id.is_empty() {
                new_member_id(&joining)
            } else {
                self.expected.remove(&joining.member_id);
                joining.member_id.clone()
            };
            self.members.push(Member {
                id,
                instance: joining.instance,
                client_id: joining.client_id,
                host: joining.host,
                assignment: Bytes::new(),
                protocols: joining.protocols,
                session_timeout: joining.session_timeout,
                rebalance_timeout: joining.rebalance_timeout,
                last_seen: now,
                joining: Some(reply),
                syncing: None,
            });
            self.rebalance(now);
            return self.complete_if_all_joined(now);
        };
        let leads = self.members[i].id == self.leader;
        let renamed = joining.member_id.is_empty();
        let member = &mut self.members[i];
        member.last_seen = now;
        let unchanged = !renamed && member.protocols == joining.protocols;
        // The answer to an earlier request may have been lost.
        let asks_again = unchanged
            && (self.phase == Phase::Completing || (self.phase == Phase::Stable && !leads));
        if asks_again {
            let joined = self.joined(i);
            return answer(reply, Ok(joined));
        }
        if renamed {
            member.refuse(&Fault::Fenced);
            let old = std::mem::replace(&mut member.id, new_member_id(&joining));
            if self.leader == old {
                self.leader.clone_from(&self.members[i].id);
            }
        }
        let member = &mut self.members[i];
        member.protocols = joining.protocols;
        member.session_timeout = joining.session_timeout;
        member.rebalance_timeout = joining.rebalance_timeout;
        member.joining = Some(reply);
        self.rebalance(now);
        self.complete_if_all_joined(now);
    }

    /// Which member is asking; none for a newcomer that may come in.
    fn place(&mut self, now: Instant, joining: &Joining) -> Result<Option<usize>, Fault> {
        if joining.protocols.is_empty() || joining.protocol_type.is_empty() {
            return Err(Fault::InconsistentProtocol);
        }
        if joining.member_id.is_empty() {
            if joining.instance.is_some() {
                return Ok(self.members.iter().position(|m| m.instance == joining.instance));
            }
            if joining.name_first {
                let id = new_member_id(joining);
                self.expected.insert(id.clone(), now + joining.session_timeout);
                return Err(Fault::MemberIdRequired(id));
            }
            return Ok(None);
        }
        if self.expected.contains_key(&joining.member_id) {
            return Ok(None);
        }
        self.find(&joining.member_id, joining.instance.as_deref()).map(Some)
    }

    fn agrees(&self, joining: &Joining, known: Option<usize>) -> bool {
        let others = || self.members.iter().enumerate().filter(|(i, _)| Some(*i) != known);
        if others().next().is_none() {
            return true;
        }
        let shared = |(name, _): &(String, Bytes)| others().all(|(_, m)| m.supports(name));
        self.protocol_type == joining.protocol_type && joining.protocols.iter().any(shared)
    }

    fn find(&self, id: &str, instance: Option<&str>) -> Result<usize, Fault> {
        if let Some(instance) = instance {
            let holder = self.members.iter().find(|m| m.instance.as_deref() == Some(instance));
            if holder.is_some_and(|holder| holder.id != id) {
                return Err(Fault::Fenced);
            }
        }
        self.members.iter().position(|m| m.id == id).ok_or(Fault::UnknownMember)
    }

    fn patience(&self) -> Duration {
        self.members.iter().map(|m| m.rebalance_timeout).max().unwrap_or_default()
    }

    fn rebalance(&mut self, now: Instant) {
        if self.phase == Phase::Preparing {
            return;
        }
        for member in &mut self.members {
            if let Some(reply) = member.syncing.take() {
                answer(reply, Err(Fault::Rebalancing));
            }
        }
        self.phase = Phase::Preparing;
        self.deadline = Some(now + self.patience());
    }

    fn complete_if_all_joined(&mut self, now: Instant) {
        let all = self.expected.is_empty() && self.members.iter().all(Member::has_joined);
        if self.phase == Phase::Preparing && all {
            self.complete(now);
        }
    }

    /// Begins the next generation with those who have joined.
    fn complete(&mut self, now: Instant) {
        self.members.retain(Member::has_joined);
        self.generation += 1;
        let Some(first) = self.members.first() else {
            self.phase = Phase::Empty;
            self.deadline = None;
            self.leader.clear();
            self.protocol.clear();
            return;
        };
        if self.members.iter().all(|m| m.id != self.leader) {
            self.leader = first.id.clone();
        }
        self.protocol = self.elect();
        self.phase = Phase::Completing;
        self.deadline = Some(now + self.patience());
        for i in 0..self.members.len() {
            let joined = self.joined(i);
            let member = &mut self.members[i];
            member.last_seen = now;
            member.assignment = Bytes::new();
            if let Some(reply) = member.joining.take() {
                answer(reply, Ok(joined));
            }
        }
    }

    /// The protocol that most members prefer among those that all support.
    fn elect(&self) -> String {
        let candidates: Vec<&str> = self.members[0]
            .protocols
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| self.members.iter().all(|m| m.supports(name)))
            .collect();
        let favourite = |member: &Member| {
            let mut names = member.protocols.iter().map(|(name, _)| name.as_str());
            names.find(|name| candidates.contains(name)).unwrap_or_default().to_owned()
        };
        let votes: Vec<String> = self.members.iter().map(favourite).collect();
        let count = |name: &&&str| votes.iter().filter(|vote| vote == *name).count();
        // `max_by_key` takes the last of equals; the first member's preference is to win.
        candidates
            .iter()
            .rev()
            .max_by_key(count)
            .map_or_else(String::new, |name| (*name).to_owned())
    }

    fn joined(&self, i: usize) -> Joined {
        let member = &self.members[i];
        let describe = |m: &Member| (m.id.clone(), m.instance.clone(), m.metadata(&self.protocol));
        let leads = member.id == self.leader;
        Joined {
            member_id: member.id.clone(),
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            members: if leads { self.members.iter().map(describe).collect() } else { Vec::new() },
        }
    }

    /// Gives a member its assignment, as soon as the leader has brought it.
    pub(crate) fn sync(&mut self, now: Instant, syncing: Syncing, reply: Reply<Synced>) {
        let i =
            match self.checked(&syncing.member_id, syncing.instance.as_deref(), syncing.generation)
            {
                Ok(i) => i,
                Err(fault) => return answer(reply, Err(fault)),
            };
        let differs = |named: &Option<String>, agreed: &String| {
            named.as_ref().is_some_and(|named| named != agreed)
        };
        if differs(&syncing.protocol_type, &self.protocol_type)
            || differs(&syncing.protocol, &self.protocol)
        {
            return answer(reply, Err(Fault::InconsistentProtocol));
        }
        self.members[i].last_seen = now;
        match self.phase {
            Phase::Empty => answer(reply, Err(Fault::UnknownMember)),
            Phase::Preparing => answer(reply, Err(Fault::Rebalancing)),
            Phase::Stable => {
                let synced = self.synced(i);
                answer(reply, Ok(synced));
            }
            Phase::Completing => {
                self.members[i].syncing = Some(reply);
                if self.members[i].id == self.leader {
                    self.assign(now, syncing.assignments);
                }
            }
        }
    }

    fn assign(&mut self, now: Instant, mut assignments: HashMap<String, Bytes>) {
        self.phase = Phase::Stable;
        self.deadline = None;
        for i in 0..self.members.len() {
            let member = &mut self.members[i];
            member.assignment = assignments.remove(&member.id).unwrap_or_default();
            if let Some(reply) = member.syncing.take() {
                member.last_seen = now;
                let synced = self.synced(i);
                answer(reply, Ok(synced));
            }
        }
    }

    fn synced(&self, i: usize) -> Synced {
        Synced {
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            assignment: self.members[i].assignment.clone(),
        }
    }

    fn checked(&self, id: &str, instance: Option<&str>, generation: i32) -> Result<usize, Fault> {
        let i = self.find(id, instance)?;
        if generation == self.generation { Ok(i) } else { Err(Fault::IllegalGeneration) }
    }

    /// Notes that a member lives, and tells it when it has to join again.
    pub(crate) fn heartbeat(
        &mut self,
        now: Instant,
        id: &str,
        instance: Option<&str>,
        generation: i32,
    ) -> Result<(), Fault> {
        let i = self.checked(id, instance, generation)?;
        self.members[i].last_seen = now;
        if self.phase == Phase::Preparing { Err(Fault::Rebalancing) } else { Ok(()) }
    }

    /// Whether a member of this generation may commit offsets. A client that only keeps its offsets
    /// here, without being a member, names generation -1 and may as long as there are no members.
    pub(crate) fn may_commit(
        &mut self,
        now: Instant,
        id: &str,
        instance: Option<&str>,
        generation: i32,
    ) -> Result<(), Fault> {
        if generation < 0 && self.members.is_empty() {
            return Ok(());
        }
        let i = self.checked(id, instance, generation)?;
        self.members[i].last_seen = now;
        if self.phase == Phase::Completing { Err(Fault::Rebalancing) } else { Ok(()) }
    }

    /// Lets members go, each named by its id or its instance id.
    pub(crate) fn leave(
        &mut self,
        now: Instant,
        who: &[(String, Option<String>)],
    ) -> Vec<Result<(), Fault>> {
        let results = who
            .iter()
            .map(|(id, instance)| {
                if self.expected.remove(id).is_some() {
                    return Ok(());
                }
                let i = match instance {
                    Some(_) if id.is_empty() => {
                        let holder = self.members.iter().position(|m| m.instance == *instance);
                        holder.ok_or(Fault::UnknownMember)?
                    }
                    _ => self.find(id, instance.as_deref())?,
                };
                self.members.remove(i).refuse(&Fault::UnknownMember);
                self.rebalance(now);
                Ok(())
            })
            .collect();
        self.complete_if_all_joined(now);
        results
    }

    /// Does what is due at `now`.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.expected.retain(|_, until| *until > now);
        let before = self.members.len();
        for member in self.members.iter_mut().filter(|m| m.waits()) {
            member.last_seen = now;
        }
        self.members.retain(|m| m.last_seen + m.session_timeout > now);
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            match self.phase {
                Phase::Preparing => return self.complete(now),
                Phase::Completing => self.members.retain(Member::waits),
                Phase::Empty | Phase::Stable => {}
            }
        }
        if self.members.len() < before {
            self.rebalance(now);
        }
        self.complete_if_all_joined(now);
    }

    /// When [`Self::expire`] has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let sessions = self.members.iter().map(|m| m.last_seen + m.session_timeout);
        sessions.chain(self.expected.values().copied()).chain(self.deadline).min()
    }
}

fn new_member_id(joining: &Joining) -> String {
    let name = joining.instance.as_ref().unwrap_or(&joining.client_id);
    format!("{name}-{}", random_id())
}
