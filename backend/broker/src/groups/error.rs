//! Why a member's request is refused.

/// Why a member's request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GroupError {
    /// Nobody of that name is in the group (any more).
    UnknownMemberId,
    /// Join again under this name.
    MemberIdRequired(String),
    /// The group has gone on to another generation.
    IllegalGeneration,
    /// The group is being rebalanced: join again.
    RebalanceInProgress,
    /// The members have no way of assigning in common, or the group speaks another protocol.
    InconsistentGroupProtocol,
    /// A newer member has taken over the instance id.
    FencedInstanceId,
    /// The member that holds the instance id has not left.
    UnreleasedInstanceId,
    /// The member must give up its partitions and join again.
    FencedMemberEpoch,
    /// The member has to hear of its new epoch first.
    StaleMemberEpoch,
    /// The group's members speak the classic protocol.
    NotConsumerGroup,
    /// Only later versions of the request know epochs of members.
    UnsupportedVersion,
}
