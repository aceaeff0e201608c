//! FindCoordinator: which node answers for a group or a transactional id.

use kafka_protocol::{
    ResponseError,
    messages::{
        FindCoordinatorRequest, FindCoordinatorResponse, find_coordinator_response::Coordinator,
    },
    protocol::StrBytes,
};

use super::common::{NODE_ID, text};
use crate::context::Context;

/// The kinds of keys: a group, a transactional id.
const KEY_TYPES: [i8; 2] = [0, 1];

/// Every group and every transaction is coordinated here.
pub(super) async fn find(
    context: &Context,
    request: FindCoordinatorRequest,
    version: i16,
) -> FindCoordinatorResponse {
    let host = text(context.local_addr.ip().to_string());
    let port = i32::from(context.local_addr.port());
    let (error, why) = if KEY_TYPES.contains(&request.key_type) {
        (0, None)
    } else {
        let why = "only consumer groups and transactions have a coordinator";
        (ResponseError::InvalidRequest.code(), Some(StrBytes::from_static_str(why)))
    };
    if version >= 4 {
        let coordinators = request.coordinator_keys.into_iter().map(|key| {
            Coordinator::default()
                .with_key(key)
                .with_node_id(NODE_ID)
                .with_host(host.clone())
                .with_port(port)
                .with_error_code(error)
                .with_error_message(why.clone())
        });
        return FindCoordinatorResponse::default().with_coordinators(coordinators.collect());
    }
    FindCoordinatorResponse::default()
        .with_node_id(NODE_ID)
        .with_host(host)
        .with_port(port)
        .with_error_code(error)
        .with_error_message(why)
}
