//! The steps by which a member is brought to its target assignment.

use std::{collections::HashSet, time::Instant};

use super::{Partitions, member::MemberPhase, state::ConsumerState};

impl ConsumerState {
    /// Takes a member one step on; `owned` is what it says it has. A partition is never among what two
    /// members may have or have been told to give up.
    pub(super) fn reconcile(&mut self, now: Instant, id: &str, owned: Option<&Partitions>) {
        let epoch = self.assignment_epoch;
        let Some(member) = self.members.get(id) else { return };
        let has_some_of =
            |revoked: &Partitions| owned.is_none_or(|owned| !owned.is_disjoint(revoked));
        match member.phase {
            MemberPhase::Stable if member.epoch == epoch => return,
            MemberPhase::UnrevokedPartitions if has_some_of(&member.revoking) => return,
            _ => {}
        }
        let kept: Partitions = &member.assigned & &member.target;
        let revoking: Partitions = &member.assigned - &member.target;
        let missing: Partitions = &member.target - &kept;
        let taken = if missing.is_empty() { HashSet::new() } else { self.taken_from(id) };
        let Some(member) = self.members.get_mut(id) else { return };
        member.previous_epoch = member.epoch;
        if !revoking.is_empty() && has_some_of(&revoking) {
            member.assigned = kept;
            member.revoking = revoking;
            member.phase = MemberPhase::UnrevokedPartitions;
            member.revoke_by = Some(now + member.rebalance_timeout);
            return;
        }
        let before = kept.len();
        member.assigned = kept;
        member.assigned.extend(missing.iter().filter(|partition| !taken.contains(*partition)));
        member.revoking.clear();
        member.revoke_by = None;
        member.epoch = epoch;
        member.phase = if member.assigned.len() == before + missing.len() {
            MemberPhase::Stable
        } else {
            MemberPhase::UnreleasedPartitions
        };
    }

    /// The partitions that a member cannot have, since others have them.
    fn taken_from(&self, id: &str) -> HashSet<(uuid::Uuid, i32)> {
        let others = self.members.values().filter(|other| other.id != id);
        others.flat_map(|other| other.assigned.union(&other.revoking)).copied().collect()
    }
}
