//! DescribeAcls, CreateAcls and DeleteAcls: there is no access control, which clients are told in the
//! way of an Apache Kafka without an authorizer.

use kafka_protocol::{
    ResponseError,
    messages::{
        CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse,
        DescribeAclsRequest, DescribeAclsResponse, create_acls_response::AclCreationResult,
        delete_acls_response::DeleteAclsFilterResult,
    },
};

use super::common::text;

const WHY: &str = "No Authorizer is configured.";

pub(super) async fn describe(_: DescribeAclsRequest) -> DescribeAclsResponse {
    DescribeAclsResponse::default()
        .with_error_code(ResponseError::SecurityDisabled.code())
        .with_error_message(Some(text(WHY)))
}

pub(super) async fn create(request: CreateAclsRequest) -> CreateAclsResponse {
    let refused = AclCreationResult::default()
        .with_error_code(ResponseError::SecurityDisabled.code())
        .with_error_message(Some(text(WHY)));
    CreateAclsResponse::default().with_results(vec![refused; request.creations.len()])
}

pub(super) async fn delete(request: DeleteAclsRequest) -> DeleteAclsResponse {
    let refused = DeleteAclsFilterResult::default()
        .with_error_code(ResponseError::SecurityDisabled.code())
        .with_error_message(Some(text(WHY)));
    DeleteAclsResponse::default().with_filter_results(vec![refused; request.filters.len()])
}
