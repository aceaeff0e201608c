//! Requests of members of the consumer protocol (KIP-848).

use kafka_protocol::{
    messages::{
        ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest,
        ConsumerGroupHeartbeatResponse, GroupId, consumer_group_describe_response::DescribedGroup,
        consumer_group_heartbeat_request::TopicPartitions,
    },
    protocol::StrBytes,
};

use super::raw::{Raw, name};

pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub fn group() -> GroupId {
    GroupId(StrBytes::from_static_str("g"))
}

/// A request of a member to join group `g` and read topic `t`.
pub fn joining(member: &str) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group())
        .with_member_id(text(member))
        .with_member_epoch(0)
        .with_rebalance_timeout_ms(60_000)
        .with_subscribed_topic_names(Some(vec![name("t")]))
        .with_topic_partitions(Some(Vec::new()))
}

pub fn staying(member: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group())
        .with_member_id(text(member))
        .with_member_epoch(epoch)
}

pub fn partitions(response: &ConsumerGroupHeartbeatResponse) -> Option<Vec<i32>> {
    let topics = &response.assignment.as_ref()?.topic_partitions;
    Some(topics.iter().flat_map(|topic| topic.partitions.clone()).collect())
}

/// A heartbeat of a member that has some partitions of the topic it was told of.
pub fn owning(
    told: &ConsumerGroupHeartbeatResponse,
    partitions: &[i32],
) -> ConsumerGroupHeartbeatRequest {
    let topic = told.assignment.as_ref().unwrap().topic_partitions[0].topic_id;
    let owned =
        TopicPartitions::default().with_topic_id(topic).with_partitions(partitions.to_vec());
    staying(told.member_id.as_ref().unwrap(), told.member_epoch)
        .with_topic_partitions(Some(vec![owned]))
}

pub async fn describe(raw: &mut Raw) -> DescribedGroup {
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group()]);
    raw.call(&request, 1).await.groups.remove(0)
}
