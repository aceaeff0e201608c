//! The state machine of one consumer group. No clock, network or disk in here: time and topics are
//! passed in.

use std::{collections::BTreeMap, time::Instant};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Assignor, TopicIndex,
    assignor::Subscriber,
    member::{ConsumerHeartbeat, ConsumerMember, HeartbeatResult, MemberPhase},
    subscription::{SubscribedTopics, Subscriptions},
};
use crate::groups::error::GroupError;

/// The epoch of a member that leaves.
pub(crate) const LEAVE_EPOCH: i32 = -1;
/// The epoch of a static member that leaves and will be back.
pub(crate) const LEAVE_STATIC_EPOCH: i32 = -2;

/// The members of a consumer group and what they are to read, as it is on disk.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct ConsumerState {
    pub(crate) members: BTreeMap<String, ConsumerMember>,
    /// Grows with every change that needs a new assignment.
    pub(crate) group_epoch: i32,
    /// The group's epoch that the members' targets were made for.
    pub(crate) assignment_epoch: i32,
    #[serde(skip)]
    subscriptions: Subscriptions,
    /// Whether something has changed since [`Self::take_changed`] was asked.
    #[serde(skip)]
    changed: bool,
    /// The topics that were read when the group's epoch last grew.
    topics: SubscribedTopics,
}

impl ConsumerState {
    /// A group without members whose next epoch is the one after `epoch`.
    pub(crate) fn after(epoch: i32) -> Self {
        Self { group_epoch: epoch, assignment_epoch: epoch, ..Self::default() }
    }

    /// Goes on after a restart: as if everyone had sent a heartbeat now.
    pub(crate) fn resume(&mut self, now: Instant) {
        self.members.values_mut().for_each(|member| member.resume(now));
        self.subscriptions.update(self.members.values());
    }

    /// Whether something has changed since this was last asked, besides the times of heartbeats.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Kafka's name of the group's state.
    pub(crate) fn state_name(&self) -> &'static str {
        let is_settled = |member: &ConsumerMember| {
            member.phase == MemberPhase::Stable && member.epoch == self.assignment_epoch
        };
        if self.members.is_empty() {
            "Empty"
        } else if self.group_epoch > self.assignment_epoch {
            "Assigning"
        } else if self.members.values().all(is_settled) {
            "Stable"
        } else {
            "Reconciling"
        }
    }

    /// The assignor that most members ask for, among those that ask.
    pub(crate) fn assignor(&self) -> Assignor {
        let votes = |assignor: &Assignor| {
            self.members.values().filter(|member| member.assignor == Some(*assignor)).count()
        };
        // `max_by_key` takes the last of equals; the default is to win.
        Assignor::ALL.into_iter().rev().max_by_key(votes).unwrap_or_default()
    }

    /// The names of the topics that members read.
    pub(crate) fn subscribed_topics(&self) -> impl Iterator<Item = &String> {
        self.topics.keys()
    }

    /// Takes a member in, or notes that it lives; tells it what it is to have.
    pub(crate) fn heartbeat(
        &mut self,
        now: Instant,
        heartbeat: ConsumerHeartbeat,
        topics: &impl TopicIndex,
    ) -> Result<HeartbeatResult, GroupError> {
        let is_new = self.admit(now, &heartbeat)?;
        let id = &heartbeat.member_id;
        let member = self.members.get_mut(id).ok_or(GroupError::UnknownMemberId)?;
        let (epoch, before) = (member.epoch, (member.assigned.clone(), member.revoking.clone()));
        let changed = member.update(now, &heartbeat) || is_new;
        if changed {
            self.subscriptions.update(self.members.values());
        }
        let resolved = self.subscriptions.resolve(topics);
        if changed || resolved != self.topics {
            self.topics = resolved;
            self.group_epoch += 1;
            self.changed = true;
        }
        if self.group_epoch > self.assignment_epoch {
            self.assign();
        }
        self.reconcile(now, id, heartbeat.owned.as_ref());
        let member = self.members.get(id).ok_or(GroupError::UnknownMemberId)?;
        let joins = heartbeat.member_epoch == 0;
        let moved = member.epoch != epoch || member.revoking != before.1;
        let told = joins || heartbeat.is_full() || member.assigned != before.0;
        self.changed |= joins || moved || member.assigned != before.0;
        Ok(HeartbeatResult {
            member_epoch: member.epoch,
            assignment: told.then(|| member.assigned.clone()),
        })
    }

    /// Finds the member, or makes a new one of it if it joins; whether it is new.
    fn admit(&mut self, now: Instant, asking: &ConsumerHeartbeat) -> Result<bool, GroupError> {
        let (id, epoch) = (&asking.member_id, asking.member_epoch);
        let joins = epoch == 0;
        let holder = asking.instance_id.as_deref().and_then(|instance| self.holder_of(instance));
        if let Some(holder) = holder.filter(|holder| holder.id != *id) {
            if !joins {
                return Err(GroupError::FencedInstanceId);
            }
            if !holder.has_left() || self.members.contains_key(id) {
                return Err(GroupError::UnreleasedInstanceId);
            }
            let holder = holder.id.clone();
            self.replace(&holder, id);
            return Ok(false);
        }
        match self.members.get_mut(id) {
            // A static member that has come back under its name.
            Some(member) if joins && member.has_left() => {
                member.epoch = 0;
                Ok(false)
            }
            Some(member) => member.check_epoch(epoch, asking.owned.as_ref()).map(|()| false),
            None if joins => {
                let member = ConsumerMember::new(now, id, asking.session_timeout);
                self.members.insert(id.clone(), member);
                Ok(true)
            }
            None => Err(GroupError::UnknownMemberId),
        }
    }

    fn holder_of(&self, instance_id: &str) -> Option<&ConsumerMember> {
        self.members.values().find(|member| member.instance_id.as_deref() == Some(instance_id))
    }

    /// Gives a static member the place that it had under another name.
    fn replace(&mut self, old: &str, new: &str) {
        if let Some(mut member) = self.members.remove(old) {
            new.clone_into(&mut member.id);
            member.epoch = 0;
            self.members.insert(new.to_owned(), member);
        }
    }

    /// Makes the targets of the group's epoch.
    fn assign(&mut self) {
        let counts: BTreeMap<Uuid, i32> = self.topics.values().copied().collect();
        let subscribers: Vec<Subscriber<'_>> = self
            .members
            .values()
            .map(|member| Subscriber {
                id: &member.id,
                instance_id: member.instance_id.as_deref(),
                topics: self.subscriptions.topics_of(member, &self.topics),
                previous: &member.target,
            })
            .collect();
        let shares = self.assignor().assign(&subscribers, &counts);
        for (member, share) in self.members.values_mut().zip(shares) {
            member.target = share;
        }
        self.assignment_epoch = self.group_epoch;
        self.changed = true;
    }

    /// Lets a member go; a static one that will be back keeps its partitions until its session ends.
    pub(crate) fn leave(
        &mut self,
        id: &str,
        instance_id: Option<&str>,
        epoch: i32,
    ) -> Result<(), GroupError> {
        if let Some(instance) = instance_id {
            let holder = self.holder_of(instance).ok_or(GroupError::UnknownMemberId)?;
            if holder.id != id {
                return Err(GroupError::FencedInstanceId);
            }
        }
        let member = self.members.get_mut(id).ok_or(GroupError::UnknownMemberId)?;
        self.changed = true;
        if epoch == LEAVE_STATIC_EPOCH {
            member.epoch = LEAVE_STATIC_EPOCH;
        } else {
            self.remove(|member| member.id == id);
        }
        Ok(())
    }

    /// Removes members; the others share out what they had from the next heartbeat on.
    fn remove(&mut self, gone: impl Fn(&ConsumerMember) -> bool) {
        let before = self.members.len();
        self.members.retain(|_, member| !gone(member));
        if self.members.len() < before {
            self.subscriptions.update(self.members.values());
            self.group_epoch += 1;
            self.changed = true;
        }
        if self.members.is_empty() {
            self.topics.clear();
        }
    }

    /// Whether a member of this epoch may commit and fetch offsets.
    pub(crate) fn validate_epoch(&self, id: &str, epoch: i32) -> Result<(), GroupError> {
        let member = self.members.get(id).ok_or(GroupError::UnknownMemberId)?;
        if member.epoch == epoch { Ok(()) } else { Err(GroupError::StaleMemberEpoch) }
    }

    /// Removes members that are not heard of any more, or take too long to give up partitions.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.remove(|member| member.deadline() <= now);
    }

    /// When [`Self::expire`] has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.members.values().map(ConsumerMember::deadline).min()
    }
}
