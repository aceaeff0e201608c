//! Whether a topic is the one that the stored batches come from.

use std::collections::BTreeMap;

use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::{Cluster, KafkaError, cluster::REQUEST_TIMEOUT, topic_id, watermarks::Watermarks};
use crate::batch::{Provenance, TopicProgress};

impl Cluster {
    /// What identifies the topic. `client` has asked for metadata before.
    pub(super) fn provenance(&self, client: &BaseConsumer) -> Provenance {
        let client = client.client();
        Provenance {
            cluster_id: client.fetch_cluster_id(REQUEST_TIMEOUT),
            topic: self.topic.clone(),
            topic_id: topic_id::topic_id(client, &self.topic, REQUEST_TIMEOUT),
        }
    }
}

/// Checks that what is `stored` of a topic continues in the topic `now`, whose partitions are `partitions`.
/// Ids that one of the two does not know are not compared.
///
/// # Errors
/// [`KafkaError::OtherHistory`].
pub(super) fn check_continues(
    stored: &TopicProgress,
    now: &Provenance,
    partitions: &BTreeMap<i32, Watermarks>,
) -> Result<(), KafkaError> {
    match difference(stored, now, partitions) {
        None => Ok(()),
        Some(difference) => Err(KafkaError::OtherHistory { topic: now.topic.clone(), difference }),
    }
}

fn difference(
    stored: &TopicProgress,
    now: &Provenance,
    partitions: &BTreeMap<i32, Watermarks>,
) -> Option<String> {
    if let (Some(stored), Some(now)) = (&stored.cluster_id, &now.cluster_id)
        && stored != now
    {
        return Some(format!("they come from the Kafka cluster {stored} and this is {now}"));
    }
    if let (Some(stored), Some(now)) = (&stored.topic_id, &now.topic_id)
        && stored != now
    {
        return Some(format!(
            "the topic was deleted and created again (its id was {stored} and is {now})"
        ));
    }
    stored.next_offsets.iter().find_map(|(partition, next)| match partitions.get(partition) {
        None => Some(format!("partition {partition} is gone")),
        Some(ends) if *next > ends.end => Some(format!(
            "they hold partition {partition} up to offset {next}, and it ends at {}",
            ends.end
        )),
        Some(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(cluster_id: Option<&str>, topic_id: Option<&str>) -> Provenance {
        let [cluster_id, topic_id] = [cluster_id, topic_id].map(|id| id.map(str::to_owned));
        Provenance { cluster_id, topic: "retail_stream".into(), topic_id }
    }

    fn stored(cluster_id: Option<&str>, topic_id: Option<&str>) -> TopicProgress {
        let Provenance { cluster_id, topic_id, .. } = now(cluster_id, topic_id);
        let next_offsets = BTreeMap::from([(0, 500), (1, 0)]);
        TopicProgress { cluster_id, topic_id, next_offsets, ..TopicProgress::default() }
    }

    fn partitions(ends: &[i64]) -> BTreeMap<i32, Watermarks> {
        (0..).zip(ends.iter().map(|end| Watermarks { low: 0, end: *end })).collect()
    }

    fn named(difference: Option<String>, what: &str) {
        let difference = difference.unwrap();
        assert!(difference.contains(what), "{difference}");
    }

    #[test]
    fn the_same_topic_continues() {
        for id in [None, Some("a")] {
            for other in [None, Some("a")] {
                let (stored, now) = (stored(id, other), now(other, id));
                assert_eq!(difference(&stored, &now, &partitions(&[500, 0, 3])), None);
            }
        }
    }

    #[test]
    fn another_one_is_named() {
        let enough = partitions(&[500, 0]);
        let ours = stored(Some("a"), Some("t"));
        named(difference(&ours, &now(Some("b"), Some("t")), &enough), "cluster a");
        named(difference(&ours, &now(Some("a"), Some("u")), &enough), "created again");
        let same = now(Some("a"), None);
        named(difference(&ours, &same, &partitions(&[499, 0])), "up to offset 500");
        named(difference(&ours, &same, &partitions(&[500])), "partition 1 is gone");
    }
}
