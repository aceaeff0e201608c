//! Whether a topic is the one that the stored batches come from.

use std::collections::BTreeMap;

use rdkafka::consumer::Consumer as _;

use super::{
    Connection, KafkaError, connection::REQUEST_TIMEOUT, topic_id, watermarks::Watermarks,
};
use crate::batch::{Provenance, TopicProgress};

impl Connection {
    /// What identifies the topic.
    pub(super) fn provenance(&self) -> Provenance {
        let (client, topic) = (self.client().client(), &self.cluster.topic);
        Provenance {
            cluster_id: client.fetch_cluster_id(REQUEST_TIMEOUT),
            topic: topic.clone(),
            topic_id: topic_id::topic_id(client, topic, REQUEST_TIMEOUT),
        }
    }
}

/// Checks that what is `stored` of a topic continues in the topic `now`, whose partitions are `partitions`.
///
/// # Errors
/// [`KafkaError::OtherHistory`].
pub(super) fn check_continues(
    stored: &TopicProgress,
    now: &Provenance,
    partitions: &BTreeMap<i32, Watermarks>,
) -> Result<(), KafkaError> {
    let TopicProgress { cluster_id, topic_id, next_offsets, .. } = stored;
    let (cluster_id, topic_id) = (cluster_id.clone(), topic_id.clone());
    check_ids(&Provenance { cluster_id, topic: now.topic.clone(), topic_id }, now)?;
    for (partition, next) in next_offsets {
        match partitions.get(partition) {
            None => refuse(now, Some(format!("partition {partition} is gone")))?,
            Some(ends) => check_end(now, *partition, *next, *ends)?,
        }
    }
    Ok(())
}

/// Checks that a partition, stored up to the offset `next`, does not end before it.
///
/// # Errors
/// [`KafkaError::OtherHistory`].
pub(super) fn check_end(
    now: &Provenance,
    partition: i32,
    next: i64,
    ends: Watermarks,
) -> Result<(), KafkaError> {
    let end = ends.end;
    let missing = (next > end).then(|| {
        format!("they hold partition {partition} up to offset {next}, and it ends at {end}")
    });
    refuse(now, missing)
}

/// Checks that two topics of the same name are the same. Ids that one of the two does not know are not compared.
///
/// # Errors
/// [`KafkaError::OtherHistory`].
pub(super) fn check_ids(stored: &Provenance, now: &Provenance) -> Result<(), KafkaError> {
    let differs = |stored: &Option<String>, now: &Option<String>| {
        let (stored, now) = (stored.clone()?, now.clone()?);
        (stored != now).then_some((stored, now))
    };
    let cluster = differs(&stored.cluster_id, &now.cluster_id).map(|(stored, now)| {
        format!("they come from the Kafka cluster {stored} and this is {now}")
    });
    let topic = differs(&stored.topic_id, &now.topic_id).map(|(stored, now)| {
        format!("the topic was deleted and created again (its id was {stored} and is {now})")
    });
    refuse(now, cluster.or(topic))
}

fn refuse(now: &Provenance, difference: Option<String>) -> Result<(), KafkaError> {
    let topic = now.topic.clone();
    difference.map_or(Ok(()), |difference| Err(KafkaError::OtherHistory { topic, difference }))
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

    #[track_caller]
    fn refused(continues: Result<(), KafkaError>, what: &str) {
        let error = continues.unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }

    #[test]
    fn the_same_topic_continues() {
        for id in [None, Some("a")] {
            for other in [None, Some("a")] {
                let (stored, now) = (stored(id, other), now(other, id));
                check_continues(&stored, &now, &partitions(&[500, 0, 3])).unwrap();
            }
        }
    }

    #[test]
    fn another_one_is_named() {
        let enough = partitions(&[500, 0]);
        let ours = stored(Some("a"), Some("t"));
        refused(check_continues(&ours, &now(Some("b"), Some("t")), &enough), "cluster a");
        refused(check_continues(&ours, &now(Some("a"), Some("u")), &enough), "created again");
        let same = now(Some("a"), None);
        refused(check_continues(&ours, &same, &partitions(&[499, 0])), "up to offset 500");
        refused(check_continues(&ours, &same, &partitions(&[500])), "partition 1 is gone");
    }
}
