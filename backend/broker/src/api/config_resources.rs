//! ListConfigResources: what can have settings.

use kafka_protocol::{
    ResponseError,
    messages::{
        ListConfigResourcesRequest, ListConfigResourcesResponse,
        list_config_resources_response::ConfigResource,
    },
};

use super::{
    common::{NODE_ID, text},
    configs::{BROKER, TOPIC},
};
use crate::context::Context;

/// Kafka's numbers of what can have settings but has none here.
const BROKER_LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;
const ALL: [i8; 5] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];

pub(super) async fn list(
    context: &Context,
    request: ListConfigResourcesRequest,
    version: i16,
) -> ListConfigResourcesResponse {
    let response = ListConfigResourcesResponse::default();
    // The first version was about metrics of clients alone.
    let possible = if version == 0 { &[CLIENT_METRICS][..] } else { &ALL };
    if !request.resource_types.iter().all(|kind| possible.contains(kind)) {
        return response.with_error_code(ResponseError::UnsupportedVersion.code());
    }
    let wanted = |kind: i8| {
        let asked = &request.resource_types;
        possible.contains(&kind) && (asked.is_empty() || asked.contains(&kind))
    };
    let resource = |kind: i8, name: String| {
        ConfigResource::default().with_resource_type(kind).with_resource_name(text(name))
    };
    let mut resources = Vec::new();
    if wanted(TOPIC) {
        let topics = context.node.topics.all();
        resources.extend(topics.keys().map(|name| resource(TOPIC, name.clone())));
    }
    for kind in [BROKER, BROKER_LOGGER] {
        if wanted(kind) {
            resources.push(resource(kind, NODE_ID.0.to_string()));
        }
    }
    response.with_config_resources(resources)
}
