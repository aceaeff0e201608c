//! The topics and their partitions, and the file that lists them.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    config::BrokerConfig,
    disk::Disk,
    error::BrokerError,
    log::{Health, Partition},
    topic_settings::TopicSettings,
};

const FILE: &str = "topics.json";
const FORMAT: u32 = 1;
/// A topic cannot have more partitions; each is a folder with an open file.
pub(crate) const MAX_PARTITIONS: i32 = 1000;

/// A topic with all its partitions, in order of their numbers.
#[derive(Debug, Clone)]
pub(crate) struct Topic {
    /// Tells the topic from others that had or will have its name.
    pub(crate) id: Uuid,
    pub(crate) settings: TopicSettings,
    pub(crate) partitions: Vec<Arc<Partition>>,
}

impl Topic {
    /// The partition `index`, if there is such.
    pub(crate) fn partition(&self, index: i32) -> Option<&Arc<Partition>> {
        self.partitions.get(usize::try_from(index).ok()?)
    }
}

/// Why topics could not be changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TopicError {
    #[error("the name must be 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-'")]
    Name,
    /// In Apache Kafka's words, which its tools look for.
    #[error("Topic '{0}' already exists.")]
    Exists(String),
    #[error("there is no such topic")]
    Unknown,
    #[error("the number of partitions must be between {0} and {MAX_PARTITIONS}")]
    Partitions(i32),
    #[error("{0}")]
    Settings(String),
    #[error(transparent)]
    Storage(#[from] BrokerError),
}

/// All topics of the broker.
#[derive(Debug)]
pub(crate) struct Topics {
    config: BrokerConfig,
    disk: Disk,
    cluster_id: String,
    topics: RwLock<Arc<BTreeMap<String, Topic>>>,
    /// Held while topics are changed, across fsyncs; readers do not wait for it.
    changing: Mutex<()>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    format: u32,
    cluster_id: String,
    topics: BTreeMap<String, StoredTopic>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredTopic {
    /// Absent in files of versions that had no ids.
    #[serde(default = "Uuid::new_v4")]
    id: Uuid,
    partitions: i32,
    #[serde(default)]
    settings: TopicSettings,
}

impl Topics {
    /// Opens all topics in the configured folder and recovers their logs.
    pub(crate) fn open(config: &BrokerConfig, disk: Disk) -> Result<Self, BrokerError> {
        let stored = load(&config.dir)?;
        let mut topics = BTreeMap::new();
        for (name, StoredTopic { id, partitions, settings }) in stored.topics {
            let reason = |why| format!("topic {name}: {why}");
            settings.check(config).map_err(|why| BrokerError::CorruptFile {
                path: config.dir.join(FILE),
                reason: reason(why),
            })?;
            let numbers = 0..partitions;
            let open = |number| {
                let dir = folder(&config.dir, &name, number);
                if !dir.is_dir() {
                    return Err(BrokerError::MissingPartition(dir));
                }
                open_partition(config, &disk, dir, &name, number, &settings)
            };
            let partitions = numbers.map(open).collect::<Result<_, _>>()?;
            topics.insert(name, Topic { id, settings, partitions });
        }
        remove_leftovers(&config.dir, &topics)?;
        let topics = Self {
            config: config.clone(),
            disk,
            cluster_id: stored.cluster_id,
            topics: RwLock::new(Arc::new(topics)),
            changing: Mutex::new(()),
        };
        topics.store(&topics.all())?;
        Ok(topics)
    }

    /// The name of this broker's cluster, chosen once for its folder.
    pub(crate) fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// All topics as they are now.
    pub(crate) fn all(&self) -> Arc<BTreeMap<String, Topic>> {
        Arc::clone(&self.topics.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// One partition, if there is such.
    pub(crate) fn partition(&self, topic: &str, number: i32) -> Option<Arc<Partition>> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.get(topic)?.partition(number).cloned()
    }

    /// The name of the topic with that id, if there is such.
    pub(crate) fn name_of(&self, id: Uuid) -> Option<String> {
        let topics = self.all();
        topics.iter().find(|(_, topic)| topic.id == id).map(|(name, _)| name.clone())
    }

    /// Checks what [`Self::create`] would, without creating anything.
    pub(crate) fn check(
        &self,
        name: &str,
        partitions: i32,
        settings: &TopicSettings,
    ) -> Result<(), TopicError> {
        if !valid_name(name) {
            return Err(TopicError::Name);
        }
        if self.all().contains_key(name) {
            return Err(TopicError::Exists(name.to_owned()));
        }
        if !(1..=MAX_PARTITIONS).contains(&partitions) {
            return Err(TopicError::Partitions(1));
        }
        settings.check(&self.config).map_err(TopicError::Settings)
    }

    /// Creates a topic, durably.
    pub(crate) fn create(
        &self,
        name: &str,
        partitions: i32,
        settings: TopicSettings,
    ) -> Result<(), TopicError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.check(name, partitions, &settings)?;
        let partitions = self.make_partitions(name, 0..partitions, &settings)?;
        let mut topics = (*self.all()).clone();
        topics.insert(name.to_owned(), Topic { id: Uuid::new_v4(), settings, partitions });
        self.replace(topics)?;
        tracing::info!(topic = name, "created the topic");
        Ok(())
    }

    /// Gives a topic more partitions, `total` in all; only checks if `dry_run`.
    pub(crate) fn create_partitions(
        &self,
        name: &str,
        total: i32,
        dry_run: bool,
    ) -> Result<(), TopicError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut topics = (*self.all()).clone();
        let topic = topics.get_mut(name).ok_or(TopicError::Unknown)?;
        let now = topic.partitions.len() as i32;
        if total <= now || total > MAX_PARTITIONS {
            return Err(TopicError::Partitions(now + 1));
        }
        if dry_run {
            return Ok(());
        }
        let more = self.make_partitions(name, now..total, &topic.settings)?;
        topic.partitions.extend(more);
        self.replace(topics)?;
        Ok(())
    }

    /// Changes the settings of a topic, durably; only checks if `dry_run`. What `change` refuses is
    /// [`TopicError::Settings`].
    pub(crate) fn change_settings(
        &self,
        name: &str,
        change: impl FnOnce(&TopicSettings) -> Result<TopicSettings, String>,
        dry_run: bool,
    ) -> Result<(), TopicError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut topics = (*self.all()).clone();
        let topic = topics.get_mut(name).ok_or(TopicError::Unknown)?;
        topic.settings = change(&topic.settings).map_err(TopicError::Settings)?;
        topic.settings.check(&self.config).map_err(TopicError::Settings)?;
        if dry_run {
            return Ok(());
        }
        let (settings, partitions) =
            (topic.settings.resolve(&self.config), topic.partitions.clone());
        self.replace(topics)?;
        for partition in partitions {
            partition.set_settings(settings);
        }
        tracing::info!(topic = name, "changed the settings of the topic");
        Ok(())
    }

    /// Deletes a topic and everything in it.
    pub(crate) fn delete(&self, name: &str) -> Result<(), TopicError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut topics = (*self.all()).clone();
        let topic = topics.remove(name).ok_or(TopicError::Unknown)?;
        // First the list: a crash in between leaves folders that the next start removes.
        self.replace(topics)?;
        for (number, partition) in (0..).zip(topic.partitions) {
            let dir = folder(&self.config.dir, name, number);
            partition.delete().map_err(BrokerError::io(&dir))?;
        }
        self.disk.sync_folder(&self.config.dir).map_err(BrokerError::io(&self.config.dir))?;
        tracing::info!(topic = name, "deleted the topic");
        Ok(())
    }

    fn make_partitions(
        &self,
        name: &str,
        numbers: std::ops::Range<i32>,
        settings: &TopicSettings,
    ) -> Result<Vec<Arc<Partition>>, BrokerError> {
        let root = &self.config.dir;
        let make = |number| {
            let dir = folder(root, name, number);
            if dir.exists() {
                // Left by a deletion that failed halfway; it belongs to no topic.
                fs::remove_dir_all(&dir).map_err(BrokerError::io(&dir))?;
            }
            fs::create_dir(&dir).map_err(BrokerError::io(&dir))?;
            open_partition(&self.config, &self.disk, dir, name, number, settings)
        };
        let partitions = numbers.map(make).collect::<Result<_, _>>()?;
        self.disk.sync_folder(root).map_err(BrokerError::io(root))?;
        Ok(partitions)
    }

    fn replace(&self, topics: BTreeMap<String, Topic>) -> Result<(), BrokerError> {
        self.store(&topics)?;
        *self.topics.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(topics);
        Ok(())
    }

    fn store(&self, topics: &BTreeMap<String, Topic>) -> Result<(), BrokerError> {
        let stored = topics.iter().map(|(name, topic)| {
            let partitions = topic.partitions.len() as i32;
            (
                name.clone(),
                StoredTopic { id: topic.id, partitions, settings: topic.settings.clone() },
            )
        });
        let stored = Stored {
            format: FORMAT,
            cluster_id: self.cluster_id.clone(),
            topics: stored.collect(),
        };
        let path = self.config.dir.join(FILE);
        let json = serde_json::to_vec_pretty(&stored).map_err(io::Error::from);
        json.and_then(|json| self.disk.write(&path, &json)).map_err(BrokerError::io(&path))
    }

    /// Lets nobody append any more and waits until everything is on disk.
    pub(crate) async fn close(&self) -> Result<(), BrokerError> {
        for partition in self.all().values().flat_map(|topic| &topic.partitions) {
            partition.flushed().await?;
            partition.close(Health::Deleted);
        }
        Ok(())
    }
}

fn open_partition(
    config: &BrokerConfig,
    disk: &Disk,
    dir: PathBuf,
    topic: &str,
    number: i32,
    settings: &TopicSettings,
) -> Result<Arc<Partition>, BrokerError> {
    let name = format!("{topic}-{number}");
    Partition::open(dir, name, settings.resolve(config), disk.clone()).map(Arc::new)
}

fn folder(root: &Path, topic: &str, number: i32) -> PathBuf {
    root.join(format!("{topic}-{number}"))
}

fn valid_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=249).contains(&name.len()) && name.bytes().all(allowed) && name != "." && name != ".."
}

/// The folders in `root` that look like partitions.
fn partition_folders(root: &Path) -> Result<Vec<(PathBuf, String, usize)>, BrokerError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).map_err(BrokerError::io(root))? {
        let path = entry.map_err(BrokerError::io(root))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let parts = name.rsplit_once('-').map(|(topic, number)| (topic.to_owned(), number.parse()));
        if let Some((topic, Ok(number))) = parts
            && path.is_dir()
        {
            found.push((path, topic, number));
        }
    }
    Ok(found)
}

fn load(root: &Path) -> Result<Stored, BrokerError> {
    let path = root.join(FILE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if !partition_folders(root)?.is_empty() {
                return Err(BrokerError::MissingTopics(path));
            }
            let cluster_id = Uuid::new_v4().simple().to_string();
            return Ok(Stored { format: FORMAT, cluster_id, topics: BTreeMap::new() });
        }
        Err(error) => return Err(BrokerError::io(&path)(error)),
    };
    let broken = |reason| BrokerError::CorruptFile { path: path.clone(), reason };
    let stored: Stored =
        serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
    if stored.format != FORMAT {
        return Err(broken(format!("format {}, this version knows {FORMAT}", stored.format)));
    }
    if let Some(name) = stored.topics.keys().find(|name| !valid_name(name)) {
        return Err(broken(format!("{name:?} is not a topic's name")));
    }
    Ok(stored)
}

/// Removes partitions of no topic: a crash while a topic was being created or deleted leaves them.
fn remove_leftovers(root: &Path, topics: &BTreeMap<String, Topic>) -> Result<(), BrokerError> {
    for (path, topic, number) in partition_folders(root)? {
        if topics.get(&topic).is_none_or(|topic| number >= topic.partitions.len()) {
            tracing::warn!(path = %path.display(), "removed a partition that belongs to no topic");
            fs::remove_dir_all(&path).map_err(BrokerError::io(&path))?;
        }
    }
    Ok(())
}
