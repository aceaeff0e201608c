//! Metadata: the node, the topics and their partitions, creating topics that clients ask for.

use std::sync::Arc;

use kafka_protocol::{
    ResponseError,
    messages::{
        MetadataRequest, MetadataResponse, TopicName,
        metadata_response::{
            MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
        },
    },
};
use uuid::Uuid;

use super::{
    common::{LEADER_EPOCH, NODE_ID, blocking, text},
    topics::error_of,
};
use crate::{
    context::Context,
    topic_settings::TopicSettings,
    topics::{Topic, TopicError},
};

pub(super) async fn metadata(
    context: &Context,
    request: MetadataRequest,
    version: i16,
) -> MetadataResponse {
    let topics = &context.node.topics;
    // In the oldest version an empty list stands for all.
    let wanted = request.topics.filter(|asked| version > 0 || !asked.is_empty());
    let described = match wanted {
        None => topics.all().iter().map(|(name, topic)| describe(name, topic)).collect(),
        Some(asked) => {
            // Before version 4 a client could not say.
            let may_create = version < 4 || request.allow_auto_topic_creation;
            let mut described = Vec::with_capacity(asked.len());
            for asked in asked {
                described.push(match asked.name {
                    Some(name) => describe_or_create(context, name, may_create).await,
                    None => describe_by_id(context, asked.topic_id),
                });
            }
            described
        }
    };
    MetadataResponse::default()
        .with_brokers(vec![
            MetadataResponseBroker::default()
                .with_node_id(NODE_ID)
                .with_host(text(context.local_addr.ip().to_string()))
                .with_port(context.local_addr.port().into()),
        ])
        .with_cluster_id(Some(text(topics.cluster_id())))
        .with_controller_id(NODE_ID)
        .with_topics(described)
}

fn describe_by_id(context: &Context, id: Uuid) -> MetadataResponseTopic {
    match context.node.topics.all().iter().find(|(_, topic)| topic.id == id) {
        Some((name, topic)) => describe(name, topic),
        None => MetadataResponseTopic::default()
            .with_name(None)
            .with_topic_id(id)
            .with_error_code(ResponseError::UnknownTopicId.code()),
    }
}

async fn describe_or_create(
    context: &Context,
    name: TopicName,
    may_create: bool,
) -> MetadataResponseTopic {
    let node = &context.node;
    if may_create && node.config.auto_create_topics && !node.topics.all().contains_key(&**name) {
        let (node, wanted) = (Arc::clone(node), name.clone());
        let partitions = node.config.default_partitions;
        let created = blocking(move || {
            match node.topics.create(&wanted, partitions, TopicSettings::default()) {
                // Another client was faster.
                Ok(()) | Err(TopicError::Exists(_)) => Ok(()),
                Err(error) => Err(error_of(&error)),
            }
        });
        if let Err(error) = created.await {
            return failed(name, error);
        }
    }
    match node.topics.all().get(&**name) {
        Some(topic) => describe(&name, topic),
        None => failed(name, ResponseError::UnknownTopicOrPartition),
    }
}

fn failed(name: TopicName, error: ResponseError) -> MetadataResponseTopic {
    MetadataResponseTopic::default().with_name(Some(name)).with_error_code(error.code())
}

fn describe(name: &str, topic: &Topic) -> MetadataResponseTopic {
    let partitions = (0..).zip(&topic.partitions).map(|(number, _)| {
        MetadataResponsePartition::default()
            .with_partition_index(number)
            .with_leader_id(NODE_ID)
            .with_leader_epoch(LEADER_EPOCH)
            .with_replica_nodes(vec![NODE_ID])
            .with_isr_nodes(vec![NODE_ID])
    });
    MetadataResponseTopic::default()
        .with_name(Some(TopicName(text(name))))
        .with_topic_id(topic.id)
        .with_partitions(partitions.collect())
}
