//! Batches in an object store, under a prefix.
//!
//! An object appears whole or not at all, so nothing is renamed. What several consumers compete for is created
//! by a conditional request (`If-None-Match: *`), of which the store lets one succeed.

use std::{fmt, fs::File, future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use object_store::{
    Error, ObjectMeta, ObjectStore, ObjectStoreExt, ObjectStoreScheme, PutMode, PutPayload,
    RetryConfig, aws::AmazonS3Builder, azure::MicrosoftAzureBuilder,
    gcp::GoogleCloudStorageBuilder, path::Path,
};
use tillstream_durable::{Creation, fault};

use super::{
    BatchUrl, OutageWait,
    failure::failed,
    requests::{Requests, START_TIMEOUT},
    upload::upload,
};
use crate::batch::BatchError;

/// A request that fails for a moment is repeated within this time. Whoever asked waits for longer outages.
const RETRY_TIMEOUT: Duration = Duration::from_secs(4);
const MAX_RETRIES: usize = 4;
/// Marks a place as one of batches, and shows at start whether objects can be created conditionally.
const MARKER: &str = "batch_store.json";
const MARKER_CONTENT: &[u8] = b"{\"format_version\":1}\n";

/// The objects under a prefix of a bucket or container.
#[derive(Clone)]
pub struct ObjectFolder {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// For messages.
    url: String,
    requests: Arc<Requests>,
    /// What waits while the store does not answer; without it, that is an error.
    wait: Option<Arc<OutageWait>>,
}

impl fmt::Debug for ObjectFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl ObjectFolder {
    /// The place that `url` names, with the credentials of the environment. Asks nothing of the store yet.
    ///
    /// # Errors
    /// [`BatchError::Store`] for settings in the environment that are not usable.
    pub(super) fn open(url: &BatchUrl) -> Result<Self, BatchError> {
        let text = url.to_string();
        let retry = RetryConfig {
            max_retries: MAX_RETRIES,
            retry_timeout: RETRY_TIMEOUT,
            ..RetryConfig::default()
        };
        let built = match url.scheme() {
            ObjectStoreScheme::GoogleCloudStorage => GoogleCloudStorageBuilder::from_env()
                .with_url(&text)
                .with_retry(retry)
                .build()
                .map(|store| Arc::new(store) as Arc<dyn ObjectStore>),
            ObjectStoreScheme::MicrosoftAzure => MicrosoftAzureBuilder::from_env()
                .with_url(&text)
                .with_retry(retry)
                .build()
                .map(|store| Arc::new(store) as _),
            _ => AmazonS3Builder::from_env()
                .with_url(&text)
                .with_retry(retry)
                .build()
                .map(|store| Arc::new(store) as _),
        };
        let store = built.map_err(|error| failed("use", &text, &error))?;
        Self::new(store, url.prefix().clone(), text)
    }

    /// The objects of `store` under `prefix`, which messages call `url`.
    ///
    /// # Errors
    /// [`BatchError::Io`] when there is no thread for the requests.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: Path, url: String) -> Result<Self, BatchError> {
        let requests = Requests::start().map_err(BatchError::io(&url))?;
        Ok(Self { store, prefix, url, requests: Arc::new(requests), wait: None })
    }

    /// The same place, of which outages are waited for.
    pub(super) fn waited_for(&self, wait: OutageWait) -> Self {
        Self { wait: Some(Arc::new(wait)), ..self.clone() }
    }

    /// Asks whether the place can be read.
    ///
    /// # Errors
    /// [`BatchError::Store`], within ten seconds together with [`Self::check_writable`].
    pub(super) fn check_readable(&self) -> Result<(), BatchError> {
        let (store, prefix) = (self.store.clone(), self.prefix.clone());
        let listed = self.at_start(async move {
            tokio_stream::StreamExt::next(&mut store.list(Some(&prefix))).await.transpose()
        });
        listed.map(drop)
    }

    /// Asks whether objects can be created, and by one of several consumers alone.
    ///
    /// # Errors
    /// [`BatchError::Store`], within ten seconds together with [`Self::check_readable`].
    pub(super) fn check_writable(&self) -> Result<(), BatchError> {
        let (store, path) = (self.store.clone(), self.path(MARKER));
        let is_exclusive = self.at_start(async move {
            for _ in 0..2 {
                let marker = PutPayload::from_static(MARKER_CONTENT);
                match store.put_opts(&path, marker, PutMode::Create.into()).await {
                    Ok(_) => {}
                    Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                        return Ok(true);
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(false)
        })?;
        if is_exclusive {
            return Ok(());
        }
        Err(BatchError::Store {
            action: "use",
            url: self.url.clone(),
            reason: "it creates an object that exists already (If-None-Match is not heeded), so that two \
                     consumers could not share it"
                .to_owned(),
        })
    }

    fn at_start<T: Send + 'static>(
        &self,
        request: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, BatchError> {
        match self.requests.run_at_start(request) {
            Some(answer) => answer.map_err(|error| failed("use", &self.url, &error)),
            None => Err(BatchError::Store {
                action: "use",
                url: self.url.clone(),
                reason: format!("no answer within {} seconds", START_TIMEOUT.as_secs()),
            }),
        }
    }

    pub(super) fn read(&self, name: &str) -> Result<Option<Bytes>, BatchError> {
        let request = async |store: Store, path: Path| store.get(&path).await?.bytes().await;
        Ok(self.ask("read", name, request)?.found())
    }

    pub(super) fn metadata(&self, name: &str) -> Result<Option<ObjectMeta>, BatchError> {
        let request = async |store: Store, path: Path| store.head(&path).await;
        Ok(self.ask("read", name, request)?.found())
    }

    pub(super) fn list(&self) -> Result<Vec<String>, BatchError> {
        let prefix = self.prefix.clone();
        let request = move |store: Store, _| {
            let prefix = prefix.clone();
            async move { store.list_with_delimiter(Some(&prefix)).await }
        };
        let objects = self.ask("list", "", request)?.good("list", self, "")?.objects;
        let names = objects.iter().filter_map(|object| object.location.filename());
        Ok(names.map(str::to_owned).collect())
    }

    pub(super) fn write(&self, name: &str, content: &[u8]) -> Result<(), BatchError> {
        self.put(name, content, PutMode::Overwrite)?.good("write", self, name)
    }

    /// Of several that try, one succeeds. An answer that got lost on its way does not make one fail: what is
    /// there is compared.
    pub(super) fn create(&self, name: &str, content: &[u8]) -> Result<Creation, BatchError> {
        loop {
            let answer = self.put(name, content, PutMode::Create)?;
            fault::point("store.created");
            if !matches!(answer, Answer::Exists) {
                return answer.good("write", self, name).map(|()| Creation::Created);
            }
            match self.read(name)? {
                Some(found) if found == content => return Ok(Creation::Created),
                Some(_) => return Ok(Creation::Exists),
                // Two requests at a time, of which S3 may refuse both.
                None => {}
            }
        }
    }

    fn put(&self, name: &str, content: &[u8], mode: PutMode) -> Result<Answer<()>, BatchError> {
        let content = PutPayload::from(content.to_vec());
        self.ask("write", name, move |store: Store, path| {
            let (content, mode) = (content.clone(), mode.clone());
            async move { store.put_opts(&path, content, mode.into()).await.map(drop) }
        })
    }

    /// Uploads a local file, in parts when it is large.
    pub(super) fn upload(&self, file: &File, name: &str) -> Result<(), BatchError> {
        let file = Arc::new(file.try_clone().map_err(BatchError::io(&self.url))?);
        let request = move |store: Store, path| upload(store, path, file.clone());
        let answer = self.ask("write", name, request)?;
        fault::point("store.uploaded");
        answer.good("write", self, name)
    }

    /// Gives an object another name.
    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), BatchError> {
        let to = self.path(to);
        let request = move |store: Store, from: Path| {
            let to = to.clone();
            async move { store.copy(&from, &to).await }
        };
        self.ask("rename", from, request)?.good("rename", self, from)?;
        fault::point("store.copied");
        self.remove(from)
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), BatchError> {
        let request = async |store: Store, path: Path| store.delete(&path).await;
        self.ask("remove", name, request).map(drop)
    }

    pub(super) fn url_of(&self, name: &str) -> String {
        format!("{}/{name}", self.url.trim_end_matches('/'))
    }

    fn path(&self, name: &str) -> Path {
        self.prefix.clone().join(name)
    }

    /// Makes a request, and repeats it until there is an answer where outages are waited for.
    fn ask<T, F>(
        &self,
        action: &'static str,
        name: &str,
        request: impl Fn(Store, Path) -> F,
    ) -> Result<Answer<T>, BatchError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        loop {
            let answer = match self.requests.run(request(self.store.clone(), self.path(name))) {
                Ok(answer) => Answer::Good(answer),
                Err(Error::NotFound { .. }) => Answer::Missing,
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Answer::Exists,
                Err(error) => {
                    let error = failed(action, &self.url_of(name), &error);
                    match &self.wait {
                        Some(wait) if wait.begin(&error) => continue,
                        _ => return Err(error),
                    }
                }
            };
            if let Some(wait) = &self.wait {
                wait.end();
            }
            return Ok(answer);
        }
    }
}

type Store = Arc<dyn ObjectStore>;

/// What a store answers.
enum Answer<T> {
    Good(T),
    /// There is no such object, or no such bucket.
    Missing,
    /// There is an object of that name already.
    Exists,
}

impl<T> Answer<T> {
    fn found(self) -> Option<T> {
        match self {
            Self::Good(found) => Some(found),
            Self::Missing | Self::Exists => None,
        }
    }

    /// What was asked for; anything else is an error.
    fn good(
        self,
        action: &'static str,
        objects: &ObjectFolder,
        name: &str,
    ) -> Result<T, BatchError> {
        let reason = match self {
            Self::Good(answer) => return Ok(answer),
            Self::Missing => "it is gone, or its bucket is",
            Self::Exists => "the store says that it exists already",
        };
        Err(BatchError::Store { action, url: objects.url_of(name), reason: reason.to_owned() })
    }
}
