//! CreateTopics, DeleteTopics, CreatePartitions and DeleteRecords.

use std::sync::Arc;

use kafka_protocol::{
    ResponseError,
    messages::{
        CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest,
        CreateTopicsResponse, DeleteRecordsRequest, DeleteRecordsResponse, DeleteTopicsRequest,
        DeleteTopicsResponse, TopicName,
        create_partitions_request::CreatePartitionsTopic,
        create_partitions_response::CreatePartitionsTopicResult,
        create_topics_request::CreatableTopic,
        create_topics_response::{CreatableTopicConfigs, CreatableTopicResult},
        delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult},
        delete_topics_response::DeletableTopicResult,
    },
};

use super::{
    common::{NODE_ID, blocking, error_code, storage_error, text},
    configs,
};
use crate::{
    context::{Context, Node},
    log::ReadError,
    topic_settings::TopicSettings,
    topics::TopicError,
};

/// Kafka's error and the message that goes with it.
pub(super) type ApiError = (ResponseError, String);

/// Kafka's error for ours.
pub(super) fn error_of(error: &TopicError) -> ResponseError {
    match error {
        TopicError::Name => ResponseError::InvalidTopicException,
        TopicError::Exists(_) => ResponseError::TopicAlreadyExists,
        TopicError::Unknown => ResponseError::UnknownTopicOrPartition,
        TopicError::Partitions(_) => ResponseError::InvalidPartitions,
        TopicError::Settings(_) => ResponseError::InvalidConfig,
        TopicError::Storage(error) => storage_error(error),
    }
}

pub(super) fn api_error(error: &TopicError) -> ApiError {
    (error_of(error), error.to_string())
}

/// Runs a change of topics where it may block.
pub(super) async fn change<T: Send + 'static>(
    context: &Context,
    work: impl FnOnce(&Node) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let node = Arc::clone(&context.node);
    let work = tokio::task::spawn_blocking(move || work(&node)).await;
    work.unwrap_or_else(|error| Err((ResponseError::UnknownServerError, error.to_string())))
}

pub(super) async fn create(
    context: &Context,
    request: CreateTopicsRequest,
    version: i16,
) -> CreateTopicsResponse {
    let mut results = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let name = topic.name.clone();
        let validate_only = request.validate_only;
        let created = change(context, move |node| create_one(node, &topic, validate_only)).await;
        let result = CreatableTopicResult::default().with_name(name);
        results.push(match created {
            Ok((partitions, settings)) if version >= 5 => {
                let configs = configs::of_topic(&context.node.config, &settings);
                let configs = configs.into_iter().map(|entry| {
                    CreatableTopicConfigs::default()
                        .with_name(text(entry.name))
                        .with_value(Some(text(entry.value)))
                        .with_config_source(entry.source)
                });
                result
                    .with_num_partitions(partitions)
                    .with_replication_factor(1)
                    .with_configs(Some(configs.collect()))
            }
            Ok(_) => result,
            Err((error, why)) => {
                result.with_error_code(error.code()).with_error_message(Some(text(why)))
            }
        });
    }
    CreateTopicsResponse::default().with_topics(results)
}

fn create_one(
    node: &Node,
    topic: &CreatableTopic,
    validate_only: bool,
) -> Result<(i32, TopicSettings), ApiError> {
    let invalid = |error, why: &str| Err((error, why.to_owned()));
    let partitions = if topic.assignments.is_empty() {
        match topic.num_partitions {
            -1 => node.config.default_partitions,
            partitions => partitions,
        }
    } else {
        // Partitions placed by hand: there is only one node to place them on.
        if topic.assignments.iter().any(|assignment| assignment.broker_ids != [NODE_ID]) {
            return invalid(ResponseError::InvalidReplicaAssignment, "node 1 is the only one");
        }
        i32::try_from(topic.assignments.len()).unwrap_or(i32::MAX)
    };
    if ![-1, 1].contains(&topic.replication_factor) {
        let why = "there is one node, so the replication factor must be 1 (or -1)";
        return invalid(ResponseError::InvalidReplicationFactor, why);
    }
    let given = topic.configs.iter().map(|config| (&*config.name, config.value.as_deref()));
    let settings = configs::parse(given).map_err(|why| (ResponseError::InvalidConfig, why))?;
    if validate_only {
        node.topics.check(&topic.name, partitions, &settings).map_err(|error| api_error(&error))?;
    } else {
        let created = node.topics.create(&topic.name, partitions, settings.clone());
        created.map_err(|error| api_error(&error))?;
    }
    Ok((partitions, settings))
}

pub(super) async fn delete(
    context: &Context,
    request: DeleteTopicsRequest,
    version: i16,
) -> DeleteTopicsResponse {
    let by_name = request.topic_names.into_iter().map(|name| (Some(name), None));
    let by_state = request.topics.into_iter().map(|topic| (topic.name, Some(topic.topic_id)));
    let mut results = Vec::new();
    for (name, id) in by_name.chain(by_state) {
        let by_id = || context.node.topics.name_of(id?).map(|name| TopicName(text(name)));
        let name = name.or_else(by_id);
        let mut result = DeletableTopicResult::default().with_name(name.clone());
        if let Some(id) = id {
            result.topic_id = id;
        }
        let deleted = match name {
            Some(name) => change(context, move |node| delete_one(node, &name)).await,
            None => Err((ResponseError::UnknownTopicId, "there is no such topic".to_owned())),
        };
        if let Err((error, why)) = deleted {
            result.error_code = error.code();
            if version >= 5 {
                result.error_message = Some(text(why));
            }
        }
        results.push(result);
    }
    DeleteTopicsResponse::default().with_responses(results)
}

fn delete_one(node: &Node, name: &TopicName) -> Result<(), ApiError> {
    node.topics.delete(name).map_err(|error| api_error(&error))?;
    node.groups.remove_topic(name).map_err(|(group, error)| {
        let why = format!("the offsets of group {group} cannot be written: {error}");
        (storage_error(&why), why)
    })
}

pub(super) async fn create_partitions(
    context: &Context,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let mut results = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let result = CreatePartitionsTopicResult::default().with_name(topic.name.clone());
        let validate_only = request.validate_only;
        let created = change(context, move |node| add_partitions(node, &topic, validate_only));
        results.push(match created.await {
            Ok(()) => result,
            Err((error, why)) => {
                result.with_error_code(error.code()).with_error_message(Some(text(why)))
            }
        });
    }
    CreatePartitionsResponse::default().with_results(results)
}

fn add_partitions(
    node: &Node,
    topic: &CreatePartitionsTopic,
    validate_only: bool,
) -> Result<(), ApiError> {
    let invalid = |why: &str| Err((ResponseError::InvalidReplicaAssignment, why.to_owned()));
    if let Some(assignments) = &topic.assignments {
        let now = node.topics.all().get(&**topic.name).map_or(0, |topic| topic.partitions.len());
        if usize::try_from(topic.count)
            .is_ok_and(|count| count > now && count - now != assignments.len())
        {
            return invalid("every new partition must be assigned, and no other");
        }
        if assignments.iter().any(|assignment| assignment.broker_ids != [NODE_ID]) {
            return invalid("node 1 is the only one");
        }
    }
    let created = node.topics.create_partitions(&topic.name, topic.count, validate_only);
    created.map_err(|error| api_error(&error))
}

pub(super) async fn delete_records(
    context: &Context,
    request: DeleteRecordsRequest,
) -> DeleteRecordsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in topic.partitions {
            let partition = context.node.topics.partition(&topic.name, asked.partition_index);
            let start = match partition {
                None => Err(ResponseError::UnknownTopicOrPartition),
                Some(partition) => {
                    blocking(move || {
                        partition.delete_before(asked.offset).map_err(|error| match error {
                            ReadError::OutOfRange => ResponseError::OffsetOutOfRange,
                            ReadError::Io(error) => storage_error(error),
                        })
                    })
                    .await
                }
            };
            partitions.push(
                DeleteRecordsPartitionResult::default()
                    .with_partition_index(asked.partition_index)
                    .with_error_code(error_code(&start))
                    .with_low_watermark(start.unwrap_or(-1)),
            );
        }
        topics.push(
            DeleteRecordsTopicResult::default().with_name(topic.name).with_partitions(partitions),
        );
    }
    DeleteRecordsResponse::default().with_topics(topics)
}
