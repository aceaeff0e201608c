//! DescribeLogDirs: how much disk every partition takes.

use std::{collections::BTreeSet, sync::Arc};

use kafka_protocol::messages::{
    DescribeLogDirsRequest, DescribeLogDirsResponse, TopicName,
    describe_log_dirs_response::{
        DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
    },
};

use super::common::text;
use crate::{context::Context, log::Partition};

pub(super) async fn describe(
    context: &Context,
    request: DescribeLogDirsRequest,
) -> DescribeLogDirsResponse {
    let all = context.node.topics.all();
    let topics: Vec<DescribeLogDirsTopic> = match request.topics {
        None => {
            let whole = all.iter().map(|(name, topic)| {
                let partitions = (0..).zip(&topic.partitions);
                describe_topic(TopicName(text(name)), partitions)
            });
            whole.collect()
        }
        Some(asked) => {
            let known = asked.into_iter().filter_map(|asked| {
                let topic = all.get(&**asked.topic)?;
                let numbers: BTreeSet<i32> = asked.partitions.into_iter().collect();
                let partitions = numbers.into_iter();
                let partitions = partitions.filter_map(|n| Some((n, topic.partition(n)?)));
                Some(describe_topic(asked.topic, partitions))
            });
            known.collect()
        }
    };
    let folder = DescribeLogDirsResult::default()
        .with_log_dir(text(context.node.config.dir.to_string_lossy()))
        .with_topics(topics);
    DescribeLogDirsResponse::default().with_results(vec![folder])
}

fn describe_topic<'a>(
    name: TopicName,
    partitions: impl Iterator<Item = (i32, &'a Arc<Partition>)>,
) -> DescribeLogDirsTopic {
    let partitions = partitions.map(|(number, partition)| {
        DescribeLogDirsPartition::default()
            .with_partition_index(number)
            .with_partition_size(i64::try_from(partition.size()).unwrap_or(i64::MAX))
    });
    DescribeLogDirsTopic::default().with_name(name).with_partitions(partitions.collect())
}
