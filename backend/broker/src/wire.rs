//! Decoding of requests, which are untrusted, and encoding of responses.

use bytes::{Buf, BufMut, Bytes, BytesMut, TryGetError};
use kafka_protocol::{
    messages::{ApiKey, RequestHeader, ResponseHeader},
    protocol::{Decodable, Encodable, HeaderVersion, buf::ByteBuf},
};

/// The largest request or response in bytes.
pub(crate) const MAX_FRAME_LEN: usize = 100 << 20;
/// The largest request that carries no records.
const MAX_PLAIN_REQUEST_LEN: usize = 8 << 20;

/// Why a client is disconnected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("a request of {0} bytes; the maximum is {MAX_FRAME_LEN}")]
    FrameLength(i64),
    #[error("a request of {0} bytes without records; the maximum is {MAX_PLAIN_REQUEST_LEN}")]
    PlainLength(usize),
    #[error("a request too short to hold a header")]
    NoHeader,
    #[error("an unknown API (key {0})")]
    UnknownApi(i16),
    #[error("the unsupported version {version} of {api:?}")]
    UnknownVersion { api: ApiKey, version: i16 },
    #[error("a request that cannot be decoded ({0})")]
    Malformed(String),
    #[error("a request whose response cannot be encoded ({0})")]
    Unencodable(String),
    #[error("a request without acknowledgement that failed")]
    Unacknowledged,
}

/// A response ready to be sent, its length in front; in parts, so that records need not be copied into it.
#[derive(Debug)]
pub(crate) struct Frame(pub(crate) Vec<Bytes>);

impl From<Bytes> for Frame {
    fn from(bytes: Bytes) -> Self {
        Self(vec![bytes])
    }
}

/// A request whose header is understood and whose body is not yet.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) api: ApiKey,
    pub(crate) version: i16,
    pub(crate) correlation_id: i32,
    pub(crate) client_id: String,
    pub(crate) body: Bytes,
}

impl Request {
    /// Reads the header. Of an unsupported version only the first fields are read:
    /// what follows may look different.
    pub(crate) fn parse(
        mut frame: Bytes,
        is_supported: impl Fn(ApiKey, i16) -> bool,
    ) -> Result<Self, RequestError> {
        if frame.len() < 8 {
            return Err(RequestError::NoHeader);
        }
        let mut start = &frame[..8];
        let (key, version, correlation_id) = (start.get_i16(), start.get_i16(), start.get_i32());
        let api = ApiKey::try_from(key).map_err(|()| RequestError::UnknownApi(key))?;
        if !is_supported(api, version) {
            return if api == ApiKey::ApiVersions {
                Ok(Self {
                    api,
                    version,
                    correlation_id,
                    client_id: String::new(),
                    body: Bytes::new(),
                })
            } else {
                Err(RequestError::UnknownVersion { api, version })
            };
        }
        if api != ApiKey::Produce && frame.len() > MAX_PLAIN_REQUEST_LEN {
            return Err(RequestError::PlainLength(frame.len()));
        }
        let header = RequestHeader::decode(&mut frame, api.request_header_version(version))
            .map_err(|error| RequestError::Malformed(error.to_string()))?;
        let client_id = header.client_id.map(|id| id.to_string()).unwrap_or_default();
        Ok(Self { api, version, correlation_id, client_id, body: frame })
    }

    /// Decodes the body.
    pub(crate) fn decode<Q: Decodable>(&self) -> Result<Q, RequestError> {
        Q::decode(&mut BoundedBuf(self.body.clone()), self.version)
            .and_then(|_| Q::decode(&mut self.body.clone(), self.version))
            .map_err(|error| RequestError::Malformed(error.to_string()))
    }

    /// Encodes the answer as a frame ready to be sent.
    pub(crate) fn encode<R: Encodable + HeaderVersion>(
        &self,
        answer: &R,
    ) -> Result<Bytes, RequestError> {
        self.encode_as(answer, self.version)
    }

    /// Like [`Self::encode`], in another version than the request's.
    pub(crate) fn encode_as<R: Encodable + HeaderVersion>(
        &self,
        answer: &R,
        version: i16,
    ) -> Result<Bytes, RequestError> {
        let header = ResponseHeader::default().with_correlation_id(self.correlation_id);
        let header_version = R::header_version(version);
        let encode = || {
            let size = header.compute_size(header_version)? + answer.compute_size(version)?;
            let mut frame = BytesMut::with_capacity(4 + size);
            frame.put_u32(size as u32);
            header.encode(&mut frame, header_version)?;
            answer.encode(&mut frame, version).map(|()| frame.freeze())
        };
        encode().map_err(|error| RequestError::Unencodable(error.to_string()))
    }
}

/// A buffer for a first, trial decoding of an untrusted request.
///
/// The decoder reserves memory for as many elements as an array says it has, so that a few malicious
/// bytes could claim all memory there is. Every length that is read through this buffer is at
/// most one more than the bytes that are left, which no valid length exceeds; a request that
/// passes holds what its lengths promise and can be decoded from the bytes themselves.
struct BoundedBuf(Bytes);

impl Buf for BoundedBuf {
    fn remaining(&self) -> usize {
        self.0.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.0.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.0.advance(count);
    }

    fn try_get_i32(&mut self) -> Result<i32, TryGetError> {
        let value = self.0.try_get_i32()?;
        // A number that is no length is changed too; in the trial nobody looks at it.
        Ok(value.min(i32::try_from(self.0.remaining() + 1).unwrap_or(i32::MAX)))
    }

    fn try_get_u8(&mut self) -> Result<u8, TryGetError> {
        // Lengths of the compact kind come as up to five such bytes, the lowest bits first, one
        // higher than the length.
        let mut value = 0_u64;
        for (i, &byte) in self.0.iter().take(5).enumerate() {
            value |= u64::from(byte & 0x7F) << (7 * i);
            if byte < 0x80 {
                break;
            }
        }
        let available = self.0.remaining();
        if value > available as u64 + 1 {
            return Err(TryGetError { requested: value as usize, available });
        }
        self.0.try_get_u8()
    }
}

impl ByteBuf for BoundedBuf {
    fn peek_bytes(&mut self, range: std::ops::Range<usize>) -> Bytes {
        self.0.peek_bytes(range)
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        self.0.get_bytes(size)
    }
}
