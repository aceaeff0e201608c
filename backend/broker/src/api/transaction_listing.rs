//! ListTransactions and DescribeTransactions.

use std::time::{SystemTime, UNIX_EPOCH};

use kafka_protocol::{
    ResponseError,
    messages::{
        DescribeTransactionsRequest, DescribeTransactionsResponse, ListTransactionsRequest,
        ListTransactionsResponse, ProducerId, TopicName, TransactionalId,
        describe_transactions_response, list_transactions_response,
    },
    protocol::StrBytes,
};

use super::common::{pattern, text};
use crate::{
    context::Context,
    transactions::{Phase, TransactionState},
};

pub(super) async fn list(
    context: &Context,
    request: ListTransactionsRequest,
) -> ListTransactionsResponse {
    let pattern = match request.transactional_id_pattern.filter(|pattern| !pattern.is_empty()) {
        None => None,
        Some(text) => match pattern(text).await {
            Ok(pattern) => Some(pattern),
            Err((error, _)) => {
                return ListTransactionsResponse::default().with_error_code(error.code());
            }
        },
    };
    let is_known = |name: &StrBytes| Phase::ALL.iter().any(|phase| phase.name() == &**name);
    let unknown = request.state_filters.iter().filter(|name| !is_known(name)).cloned().collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
    let wanted = |id: &str, state: &TransactionState| {
        let (states, producers) = (&request.state_filters, &request.producer_id_filters);
        (states.is_empty() || states.iter().any(|name| &**name == state.phase.name()))
            && (producers.is_empty() || producers.contains(&ProducerId(state.producer.id)))
            && (request.duration_filter < 0 || now - started_ms(state) > request.duration_filter)
            && pattern.as_ref().is_none_or(|pattern| pattern.matches(id))
    };
    let all = context.node.transactions.describe_all().into_iter();
    let listed = all.filter(|(id, state)| wanted(id, state)).map(|(id, state)| {
        list_transactions_response::TransactionState::default()
            .with_transactional_id(TransactionalId(text(id)))
            .with_producer_id(ProducerId(state.producer.id))
            .with_transaction_state(StrBytes::from_static_str(state.phase.name()))
    });
    ListTransactionsResponse::default()
        .with_unknown_state_filters(unknown)
        .with_transaction_states(listed.collect())
}

pub(super) async fn describe(
    context: &Context,
    request: DescribeTransactionsRequest,
) -> DescribeTransactionsResponse {
    let described = request.transactional_ids.into_iter().map(|id| {
        match context.node.transactions.describe(&id) {
            Some(state) => describe_one(id, &state),
            None => describe_transactions_response::TransactionState::default()
                .with_transactional_id(id)
                .with_error_code(ResponseError::TransactionalIdNotFound.code()),
        }
    });
    DescribeTransactionsResponse::default().with_transaction_states(described.collect())
}

/// When the last transaction began, -1 if there was none; so old to the filter by duration, as in Apache
/// Kafka.
fn started_ms(state: &TransactionState) -> i64 {
    state.started_ms.and_then(|started| i64::try_from(started).ok()).unwrap_or(-1)
}

fn describe_one(
    id: TransactionalId,
    state: &TransactionState,
) -> describe_transactions_response::TransactionState {
    let topics = state.partitions.iter().map(|(topic, partitions)| {
        describe_transactions_response::TopicData::default()
            .with_topic(TopicName(text(topic)))
            .with_partitions(partitions.iter().copied().collect())
    });
    describe_transactions_response::TransactionState::default()
        .with_transactional_id(id)
        .with_transaction_state(StrBytes::from_static_str(state.phase.name()))
        .with_transaction_timeout_ms(i32::try_from(state.timeout_ms).unwrap_or(i32::MAX))
        .with_transaction_start_time_ms(started_ms(state))
        .with_producer_id(ProducerId(state.producer.id))
        .with_producer_epoch(state.producer.epoch)
        .with_topics(topics.collect())
}
