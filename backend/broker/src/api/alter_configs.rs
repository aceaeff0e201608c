//! IncrementalAlterConfigs, and AlterConfigs for older clients: the settings of topics.

use std::sync::Arc;

use kafka_protocol::{
    ResponseError,
    messages::{
        AlterConfigsRequest, AlterConfigsResponse, IncrementalAlterConfigsRequest,
        IncrementalAlterConfigsResponse, alter_configs_response, incremental_alter_configs_request,
        incremental_alter_configs_response,
    },
    protocol::StrBytes,
};

use super::{
    common::text,
    configs::{self, TOPIC},
    topics::{ApiError, api_error, change},
};
use crate::{
    context::{Context, Node},
    topic_settings::TopicSettings,
};

/// Kafka's numbers of what to do with a setting; the last two are for lists.
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

/// Changes some settings and leaves the others as they are.
pub(super) async fn alter_some(
    context: &Context,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let mut responses = Vec::with_capacity(request.resources.len());
    for resource in request.resources {
        let configs = resource.configs;
        let node = Arc::clone(&context.node);
        let change = move |settings: &TopicSettings| apply(settings.clone(), &configs, &node);
        let (kind, name) = (resource.resource_type, resource.resource_name);
        let (error, why) = alter(context, kind, &name, request.validate_only, change).await;
        responses.push(
            incremental_alter_configs_response::AlterConfigsResourceResponse::default()
                .with_error_code(error)
                .with_error_message(why)
                .with_resource_type(kind)
                .with_resource_name(name),
        );
    }
    IncrementalAlterConfigsResponse::default().with_responses(responses)
}

fn apply(
    mut settings: TopicSettings,
    configs: &[incremental_alter_configs_request::AlterableConfig],
    node: &Node,
) -> Result<TopicSettings, String> {
    for config in configs {
        let name = &config.name;
        match (config.config_operation, &config.value) {
            (DELETE, _) => settings.set(name, None)?,
            (SET, Some(value)) => settings.set(name, Some(value))?,
            (operation @ (APPEND | SUBTRACT), Some(value)) => {
                settings.change_list(name, value, operation == APPEND, &node.config)?;
            }
            (SET | APPEND | SUBTRACT, None) => return Err(format!("{name} has no value")),
            (operation, _) => return Err(format!("there is no operation {operation}")),
        }
    }
    Ok(settings)
}

/// Changes some settings; those that are not named are the broker's again.
pub(super) async fn alter_all(
    context: &Context,
    request: AlterConfigsRequest,
) -> AlterConfigsResponse {
    let mut responses = Vec::with_capacity(request.resources.len());
    for resource in request.resources {
        let configs = resource.configs;
        let change = move |_: &TopicSettings| {
            configs::parse(configs.iter().map(|config| (&*config.name, config.value.as_deref())))
        };
        let (kind, name) = (resource.resource_type, resource.resource_name);
        let (error, why) = alter(context, kind, &name, request.validate_only, change).await;
        responses.push(
            alter_configs_response::AlterConfigsResourceResponse::default()
                .with_error_code(error)
                .with_error_message(why)
                .with_resource_type(kind)
                .with_resource_name(name),
        );
    }
    AlterConfigsResponse::default().with_responses(responses)
}

/// Changes the settings of one topic; error code and message.
async fn alter(
    context: &Context,
    kind: i8,
    name: &StrBytes,
    validate_only: bool,
    settings: impl FnOnce(&TopicSettings) -> Result<TopicSettings, String> + Send + 'static,
) -> (i16, Option<StrBytes>) {
    let result: Result<(), ApiError> = if kind == TOPIC {
        let name = name.clone();
        change(context, move |node| {
            let changed = node.topics.change_settings(&name, settings, validate_only);
            changed.map_err(|error| api_error(&error))
        })
        .await
    } else {
        Err((ResponseError::InvalidRequest, "only settings of topics can be changed".to_owned()))
    };
    match result {
        Ok(()) => (0, None),
        Err((error, why)) => (error.code(), Some(text(why))),
    }
}
