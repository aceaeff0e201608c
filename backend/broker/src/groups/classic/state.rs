//! The state machine of one group, as Kafka's classic protocol has it: members join, the first one
//! assigns the partitions, everyone fetches its assignment and keeps sending heartbeats.
//!
//! No clock, network or disk in here: time is passed in, answers go out through channels.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use uuid::Uuid;

use super::member::{
    JoinRequest, JoinResponse, Member, Phase, Reply, SyncRequest, SyncResponse, respond,
};
use crate::groups::error::GroupError;

/// The members of a group and what they have agreed on.
#[derive(Debug, Default)]
pub(crate) struct ClassicState {
    pub(crate) phase: Phase,
    pub(crate) members: Vec<Member>,
    pub(crate) protocol_type: String,
    pub(crate) protocol: String,
    pub(crate) generation: i32,
    leader: String,
    /// Members that were told their id and have not joined with it yet, and until when they may.
    pending_members: HashMap<String, Instant>,
    /// When waiting for the other members ends.
    deadline: Option<Instant>,
}

impl ClassicState {
    /// A group without members whose next generation is the one after `generation`.
    pub(crate) fn after(generation: i32) -> Self {
        Self { generation, ..Self::default() }
    }

    /// Takes a member in, or in again; the answer comes when everyone has joined.
    pub(crate) fn join(&mut self, now: Instant, request: JoinRequest, reply: Reply<JoinResponse>) {
        let known = match self.find_joining(now, &request) {
            Ok(known) => known,
            Err(error) => return respond(reply, Err(error)),
        };
        if !self.supports_protocols(&request, known) {
            return respond(reply, Err(GroupError::InconsistentGroupProtocol));
        }
        self.protocol_type.clone_from(&request.protocol_type);
        let Some(i) = known else {
            let id = if request.member_id.is_empty() {
                new_member_id(&request)
            } else {
                self.pending_members.remove(&request.member_id);
                request.member_id.clone()
            };
            self.members.push(Member {
                id,
                group_instance_id: request.group_instance_id,
                client_id: request.client_id,
                client_host: request.client_host,
                assignment: Bytes::new(),
                protocols: request.protocols,
                session_timeout: request.session_timeout,
                rebalance_timeout: request.rebalance_timeout,
                last_heartbeat: now,
                join_reply: Some(reply),
                sync_reply: None,
            });
            self.rebalance(now);
            return self.complete_if_all_joined(now);
        };
        let leads = self.members[i].id == self.leader;
        let renamed = request.member_id.is_empty();
        let member = &mut self.members[i];
        member.last_heartbeat = now;
        let unchanged = !renamed && member.protocols == request.protocols;
        // The answer to an earlier request may have been lost.
        let asks_again = unchanged
            && (self.phase == Phase::CompletingRebalance
                || (self.phase == Phase::Stable && !leads));
        if asks_again {
            let response = self.join_response(i);
            return respond(reply, Ok(response));
        }
        if renamed {
            member.refuse(&GroupError::FencedInstanceId);
            let old = std::mem::replace(&mut member.id, new_member_id(&request));
            if self.leader == old {
                self.leader.clone_from(&self.members[i].id);
            }
        }
        let member = &mut self.members[i];
        member.protocols = request.protocols;
        member.session_timeout = request.session_timeout;
        member.rebalance_timeout = request.rebalance_timeout;
        member.join_reply = Some(reply);
        self.rebalance(now);
        self.complete_if_all_joined(now);
    }

    /// Which member is asking; none for a newcomer that may come in.
    fn find_joining(
        &mut self,
        now: Instant,
        request: &JoinRequest,
    ) -> Result<Option<usize>, GroupError> {
        if request.protocols.is_empty() || request.protocol_type.is_empty() {
            return Err(GroupError::InconsistentGroupProtocol);
        }
        if request.member_id.is_empty() {
            if request.group_instance_id.is_some() {
                return Ok(self
                    .members
                    .iter()
                    .position(|m| m.group_instance_id == request.group_instance_id));
            }
            if request.require_known_member_id {
                let id = new_member_id(request);
                self.pending_members.insert(id.clone(), now + request.session_timeout);
                return Err(GroupError::MemberIdRequired(id));
            }
            return Ok(None);
        }
        if self.pending_members.contains_key(&request.member_id) {
            return Ok(None);
        }
        self.find(&request.member_id, request.group_instance_id.as_deref()).map(Some)
    }

    fn supports_protocols(&self, request: &JoinRequest, known: Option<usize>) -> bool {
        let others = || self.members.iter().enumerate().filter(|(i, _)| Some(*i) != known);
        if others().next().is_none() {
            return true;
        }
        let shared = |(name, _): &(String, Bytes)| others().all(|(_, m)| m.supports(name));
        self.protocol_type == request.protocol_type && request.protocols.iter().any(shared)
    }

    fn find(&self, id: &str, group_instance_id: Option<&str>) -> Result<usize, GroupError> {
        if let Some(instance) = group_instance_id {
            let holder =
                self.members.iter().find(|m| m.group_instance_id.as_deref() == Some(instance));
            if holder.is_some_and(|holder| holder.id != id) {
                return Err(GroupError::FencedInstanceId);
            }
        }
        self.members.iter().position(|m| m.id == id).ok_or(GroupError::UnknownMemberId)
    }

    fn rebalance_timeout(&self) -> Duration {
        self.members.iter().map(|m| m.rebalance_timeout).max().unwrap_or_default()
    }

    fn rebalance(&mut self, now: Instant) {
        if self.phase == Phase::PreparingRebalance {
            return;
        }
        for member in &mut self.members {
            if let Some(reply) = member.sync_reply.take() {
                respond(reply, Err(GroupError::RebalanceInProgress));
            }
        }
        self.phase = Phase::PreparingRebalance;
        self.deadline = Some(now + self.rebalance_timeout());
    }

    fn complete_if_all_joined(&mut self, now: Instant) {
        let all = self.pending_members.is_empty() && self.members.iter().all(Member::is_joining);
        if self.phase == Phase::PreparingRebalance && all {
            self.complete(now);
        }
    }

    /// Begins the next generation with those who have joined.
    fn complete(&mut self, now: Instant) {
        self.members.retain(Member::is_joining);
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
        self.protocol = self.select_protocol();
        self.phase = Phase::CompletingRebalance;
        self.deadline = Some(now + self.rebalance_timeout());
        for i in 0..self.members.len() {
            let response = self.join_response(i);
            let member = &mut self.members[i];
            member.last_heartbeat = now;
            member.assignment = Bytes::new();
            if let Some(reply) = member.join_reply.take() {
                respond(reply, Ok(response));
            }
        }
    }

    /// The protocol that most members prefer among those that all support.
    fn select_protocol(&self) -> String {
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

    fn join_response(&self, i: usize) -> JoinResponse {
        let member = &self.members[i];
        let describe =
            |m: &Member| (m.id.clone(), m.group_instance_id.clone(), m.metadata(&self.protocol));
        let leads = member.id == self.leader;
        JoinResponse {
            member_id: member.id.clone(),
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            members: if leads { self.members.iter().map(describe).collect() } else { Vec::new() },
        }
    }

    /// Gives a member its assignment, as soon as the leader has brought it.
    pub(crate) fn sync(&mut self, now: Instant, request: SyncRequest, reply: Reply<SyncResponse>) {
        let i = match self.find_in_generation(
            &request.member_id,
            request.group_instance_id.as_deref(),
            request.generation,
        ) {
            Ok(i) => i,
            Err(error) => return respond(reply, Err(error)),
        };
        let differs = |named: &Option<String>, agreed: &String| {
            named.as_ref().is_some_and(|named| named != agreed)
        };
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol, &self.protocol)
        {
            return respond(reply, Err(GroupError::InconsistentGroupProtocol));
        }
        self.members[i].last_heartbeat = now;
        match self.phase {
            Phase::Empty => respond(reply, Err(GroupError::UnknownMemberId)),
            Phase::PreparingRebalance => respond(reply, Err(GroupError::RebalanceInProgress)),
            Phase::Stable => {
                let response = self.sync_response(i);
                respond(reply, Ok(response));
            }
            Phase::CompletingRebalance => {
                self.members[i].sync_reply = Some(reply);
                if self.members[i].id == self.leader {
                    self.assign(now, request.assignments);
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
            if let Some(reply) = member.sync_reply.take() {
                member.last_heartbeat = now;
                let response = self.sync_response(i);
                respond(reply, Ok(response));
            }
        }
    }

    fn sync_response(&self, i: usize) -> SyncResponse {
        SyncResponse {
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            assignment: self.members[i].assignment.clone(),
        }
    }

    fn find_in_generation(
        &self,
        id: &str,
        group_instance_id: Option<&str>,
        generation: i32,
    ) -> Result<usize, GroupError> {
        let i = self.find(id, group_instance_id)?;
        if generation == self.generation { Ok(i) } else { Err(GroupError::IllegalGeneration) }
    }

    /// Notes that a member lives, and tells it when it has to join again.
    pub(crate) fn heartbeat(
        &mut self,
        now: Instant,
        id: &str,
        group_instance_id: Option<&str>,
        generation: i32,
    ) -> Result<(), GroupError> {
        let i = self.find_in_generation(id, group_instance_id, generation)?;
        self.members[i].last_heartbeat = now;
        if self.phase == Phase::PreparingRebalance {
            Err(GroupError::RebalanceInProgress)
        } else {
            Ok(())
        }
    }

    /// Whether a member of this generation may commit offsets. A client that only keeps its offsets
    /// here, without being a member, names generation -1 and may as long as there are no members.
    pub(crate) fn validate_offset_commit(
        &mut self,
        now: Instant,
        id: &str,
        group_instance_id: Option<&str>,
        generation: i32,
    ) -> Result<(), GroupError> {
        if generation < 0 && self.members.is_empty() {
            return Ok(());
        }
        let i = self.find_in_generation(id, group_instance_id, generation)?;
        self.members[i].last_heartbeat = now;
        if self.phase == Phase::CompletingRebalance {
            Err(GroupError::RebalanceInProgress)
        } else {
            Ok(())
        }
    }

    /// Whether nobody is in the group or about to join.
    pub(crate) fn is_deserted(&self) -> bool {
        self.members.is_empty() && self.pending_members.is_empty()
    }

    /// Lets members go, each named by its id or its instance id.
    pub(crate) fn leave(
        &mut self,
        now: Instant,
        who: &[(String, Option<String>)],
    ) -> Vec<Result<(), GroupError>> {
        let results = who
            .iter()
            .map(|(id, instance)| {
                if self.pending_members.remove(id).is_some() {
                    return Ok(());
                }
                let i = match instance {
                    Some(_) if id.is_empty() => {
                        let holder =
                            self.members.iter().position(|m| m.group_instance_id == *instance);
                        holder.ok_or(GroupError::UnknownMemberId)?
                    }
                    _ => self.find(id, instance.as_deref())?,
                };
                self.members.remove(i).refuse(&GroupError::UnknownMemberId);
                self.rebalance(now);
                Ok(())
            })
            .collect();
        self.complete_if_all_joined(now);
        results
    }

    /// Does what is due at `now`.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.pending_members.retain(|_, until| *until > now);
        let before = self.members.len();
        for member in self.members.iter_mut().filter(|m| m.is_awaiting_response()) {
            member.last_heartbeat = now;
        }
        self.members.retain(|m| m.last_heartbeat + m.session_timeout > now);
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            match self.phase {
                Phase::PreparingRebalance => return self.complete(now),
                Phase::CompletingRebalance => self.members.retain(Member::is_awaiting_response),
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
        let sessions = self.members.iter().map(|m| m.last_heartbeat + m.session_timeout);
        sessions.chain(self.pending_members.values().copied()).chain(self.deadline).min()
    }
}

fn new_member_id(request: &JoinRequest) -> String {
    let name = request.group_instance_id.as_ref().unwrap_or(&request.client_id);
    format!("{name}-{}", Uuid::new_v4())
}
