//! Groups of the consumer protocol of KIP-848: the broker decides who reads what, and each member learns
//! by its heartbeats what to give up and what to read.
//!
//! A group has an epoch that grows with every change of its members, their subscriptions or the topics.
//! The target assignment of an epoch is what the assignor makes of it; a member is brought to it step by
//! step: it gives up what is no longer its own first, and gets what is new to it as soon as the member
//! before has given that up. Only then it has the epoch itself.

mod assignor;
mod member;
mod reconcile;
mod state;
mod subscription;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use uuid::Uuid;

pub(crate) use assignor::Assignor;
pub(crate) use member::{ConsumerHeartbeat, HeartbeatResult};
pub(crate) use state::{ConsumerState, LEAVE_EPOCH, LEAVE_STATIC_EPOCH};
pub(crate) use subscription::TopicIndex;

/// Partitions by the id of their topic and their number.
pub(crate) type Partitions = BTreeSet<(Uuid, i32)>;
