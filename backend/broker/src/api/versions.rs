//! ApiVersions: which requests this broker answers.

use bytes::Bytes;
use kafka_protocol::{
    ResponseError,
    messages::{
        ApiKey, ApiVersionsRequest, ApiVersionsResponse, api_versions_response::ApiVersion,
    },
};

use super::{APIS, known};
use crate::wire::{Refusal, Request};

pub(super) fn answer(request: &Request) -> Result<Bytes, Refusal> {
    let apis = |wanted: fn(ApiKey) -> bool| {
        let offered = APIS.iter().filter(|(api, ..)| wanted(*api));
        offered
            .map(|&(api, min, max)| {
                let version = ApiVersion::default().with_api_key(api as i16);
                version.with_min_version(min).with_max_version(max)
            })
            .collect()
    };
    if !known(request.api, request.version) {
        // The one request whose version a client cannot know: it is told, in the oldest version.
        let answer = ApiVersionsResponse::default()
            .with_error_code(ResponseError::UnsupportedVersion.code())
            .with_api_keys(apis(|api| api == ApiKey::ApiVersions));
        return request.encode_as(&answer, 0);
    }
    request.decode::<ApiVersionsRequest>()?;
    request.encode(&ApiVersionsResponse::default().with_api_keys(apis(|_| true)))
}
