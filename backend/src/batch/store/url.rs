//! The address of a place for batches.

use std::{fmt, path::PathBuf, str::FromStr};

use object_store::{ObjectStoreScheme, path::Path};
use url::Url;

/// A folder, or a prefix in an object store: what `--batch-store` takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchLocation {
    /// `file:///…`
    Folder(PathBuf),
    /// `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX`.
    Objects(BatchUrl),
}

/// The address of a prefix in an object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchUrl {
    url: Url,
    scheme: ObjectStoreScheme,
    prefix: Path,
}

/// A text that is no address of a place for batches.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "use s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///FOLDER, not {0}"
)]
pub struct InvalidBatchUrl(String);

impl BatchUrl {
    pub(super) fn scheme(&self) -> &ObjectStoreScheme {
        &self.scheme
    }

    /// The environment variables with address and credentials.
    pub(super) fn variables(&self) -> &'static str {
        match self.scheme {
            ObjectStoreScheme::GoogleCloudStorage => "GOOGLE_*",
            ObjectStoreScheme::MicrosoftAzure => "AZURE_*",
            _ => "AWS_*",
        }
    }

    pub(super) fn prefix(&self) -> &Path {
        &self.prefix
    }
}

impl fmt::Display for BatchUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

impl FromStr for BatchLocation {
    type Err = InvalidBatchUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBatchUrl> {
        let invalid = || InvalidBatchUrl(text.to_owned());
        let url = Url::parse(text).map_err(|_| invalid())?;
        // Secrets belong into the environment, where `ps` and logs do not show them.
        let is_plain = url.username().is_empty() && url.password().is_none();
        if !is_plain || url.query().is_some() || url.fragment().is_some() {
            return Err(invalid());
        }
        let (scheme, prefix) = ObjectStoreScheme::parse(&url).map_err(|_| invalid())?;
        match scheme {
            ObjectStoreScheme::Local => {
                url.to_file_path().map(Self::Folder).map_err(|()| invalid())
            }
            ObjectStoreScheme::AmazonS3
            | ObjectStoreScheme::GoogleCloudStorage
            | ObjectStoreScheme::MicrosoftAzure => {
                Ok(Self::Objects(BatchUrl { url, scheme, prefix }))
            }
            _ => Err(invalid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (text, prefix) in [
            ("s3://bucket", ""),
            ("s3://bucket/a/b", "a/b"),
            ("s3://bucket/a%20b/", "a b"),
            ("gs://bucket/a", "a"),
            ("az://container/a", "a"),
            ("https://account.blob.core.windows.net/container/a", "a"),
            ("https://s3.eu-west-2.amazonaws.com/bucket/a", "a"),
        ] {
            let Ok(BatchLocation::Objects(url)) = text.parse() else { panic!("{text}") };
            assert_eq!(url.prefix().as_ref(), prefix, "{text}");
        }
        let folder = BatchLocation::Folder("/var/lib/batches".into());
        assert_eq!("file:///var/lib/batches".parse(), Ok(folder));
        for text in [
            "",
            "batches",
            "/var/lib/batches",
            "s3://",
            "s3:bucket",
            "ftp://host/a",
            "http://host/a",
            "https://example.com/a",
            "memory:///a",
            "s3://key:secret@bucket/a",
            "s3://bucket/a?x=y",
        ] {
            assert!(text.parse::<BatchLocation>().is_err(), "{text}");
        }
    }
}
