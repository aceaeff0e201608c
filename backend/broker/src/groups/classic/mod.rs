//! Groups of Kafka's classic protocol, whose members agree on who reads what among themselves.

mod member;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use member::{JoinRequest, JoinResponse, Member, Phase, SyncRequest, SyncResponse};
pub(super) use member::{Reply, respond};
pub(crate) use state::ClassicState;
