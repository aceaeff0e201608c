//! DescribeCluster: the only node.

use kafka_protocol::{
    ResponseError,
    messages::{
        DescribeClusterRequest, DescribeClusterResponse,
        describe_cluster_response::DescribeClusterBroker,
    },
};

use super::common::{NODE_ID, text};
use crate::context::Context;

/// Kafka's numbers of what can be asked for: brokers, or the controllers behind them.
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;
/// Everything that can be done to a cluster, a bit each by Kafka's numbers of operations; nobody is refused
/// anything. From 5 on: create, alter (7), describe, cluster action, describe configs, alter configs and
/// idempotent write (12).
const ALL_OPERATIONS: i32 = 0b1_1111_1010_0000;

pub(super) async fn describe(
    context: &Context,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    let response = DescribeClusterResponse::default();
    if request.endpoint_type != BROKERS {
        let (error, why) = if request.endpoint_type == CONTROLLERS {
            (ResponseError::MismatchedEndpointType, "this is no controller")
        } else {
            (ResponseError::UnsupportedEndpointType, "there are no endpoints of that kind")
        };
        return response.with_error_code(error.code()).with_error_message(Some(text(why)));
    }
    let broker = DescribeClusterBroker::default()
        .with_broker_id(NODE_ID)
        .with_host(text(context.local_addr.ip().to_string()))
        .with_port(context.local_addr.port().into());
    let response = response
        .with_cluster_id(text(context.node.topics.cluster_id()))
        .with_controller_id(NODE_ID)
        .with_brokers(vec![broker]);
    if request.include_cluster_authorized_operations {
        response.with_cluster_authorized_operations(ALL_OPERATIONS)
    } else {
        response
    }
}
