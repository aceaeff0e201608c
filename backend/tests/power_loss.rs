//! After a loss of power, at whichever step and whatever of what was not flushed is lost, every stored batch is
//! there, and no other in part; and every message is stored once in the end.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

mod power_loss_support;

use std::path::PathBuf;

use power_loss_support::{
    consumer::{Closed, Consumer},
    disk::{Loss, Tree},
    messages::{PARTITIONS, provenance},
    promises::{Event, Note, Promises},
    syscalls::Record,
    trainer::{models, train},
};
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tempfile::TempDir;
use tillstream::batch::{BatchFormat, Catalogue};

/// Losses of power that are tried out after each run; the last one is where the next run begins.
const LOSSES: usize = 8;

/// What is done between two losses of power, by one of two consumers that share all partitions, or beside them.
#[derive(Debug, Clone)]
enum Action {
    Take { consumer: usize, partition: i32, count: usize },
    Close(usize),
    Restart(usize),
    RemoveAllBut(u64),
    BeginNewHistory,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        8 => (0..2_usize, 0..PARTITIONS, 1..20_usize)
            .prop_map(|(consumer, partition, count)| Action::Take { consumer, partition, count }),
        6 => (0..2_usize).prop_map(Action::Close),
        2 => (0..2_usize).prop_map(Action::Restart),
        2 => (0..4_u64).prop_map(Action::RemoveAllBut),
        1 => Just(Action::BeginNewHistory),
    ]
}

fn runs() -> impl Strategy<Value = Vec<Vec<Action>>> {
    prop::collection::vec(prop::collection::vec(action(), 0..24), 1..5)
}

/// A machine, from one start to the next loss of power.
struct Run {
    folder: PathBuf,
    format: BatchFormat,
    consumers: [Option<Consumer>; 2],
    /// What was promised, and before which step of the record.
    events: Vec<(usize, Event)>,
}

impl Run {
    fn happened(&mut self, event: Event) {
        self.events.push((Record::len(), event));
    }

    fn consumer(&mut self, consumer: usize) -> &mut Consumer {
        let (folder, format) = (&self.folder, self.format);
        self.consumers[consumer].get_or_insert_with(|| Consumer::start(folder, format))
    }

    fn begin_new_history(&mut self) {
        self.consumers = [None, None];
        self.happened(Event::SettingAside);
        self.consumers[0] = Some(Consumer::start_anew(&self.folder, self.format));
        self.happened(Event::SetAside);
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Take { consumer, partition, count } => {
                (0..count).for_each(|_| self.consumer(consumer).take(partition));
            }
            Action::Close(consumer) => self.close(consumer),
            Action::Restart(consumer) => self.consumers[consumer] = None,
            Action::RemoveAllBut(kept) => {
                let mut catalogue = Catalogue::read(&self.folder).unwrap();
                let number = catalogue.last().saturating_sub(kept);
                if number >= catalogue.first() {
                    self.happened(Event::Removing(number));
                    catalogue.remove_through(number).unwrap();
                }
            }
            Action::BeginNewHistory => self.begin_new_history(),
        }
    }

    fn close(&mut self, consumer: usize) {
        let noted = self.consumer(consumer).to_be_noted();
        for covered in &noted {
            self.happened(Event::Noting(covered.range.partition));
        }
        match self.consumer(consumer).close() {
            Closed::Stored(manifest) => self.happened(Event::Stored(manifest)),
            Closed::Noted => {
                for covered in noted {
                    let (partition, last) = (covered.range.partition, covered.range.last);
                    let stored_up_to = self.consumer(consumer).stored_up_to(partition);
                    self.happened(Event::Noted(partition, Note { stored_up_to, last }));
                }
            }
            Closed::Nothing => {}
        }
    }
}

fn batches(root: &TempDir) -> PathBuf {
    root.path().join("data/batch")
}

fn on_disk(tree: &Tree) -> TempDir {
    let root = TempDir::new().unwrap();
    tree.write(root.path());
    root
}

/// Does `actions` on what is on `disk`, with a loss of power at the end; gives what that leaves.
fn run(
    disk: &Tree,
    actions: &[Action],
    promises: &mut Promises,
    format: BatchFormat,
    chance: &mut StdRng,
) -> Tree {
    let root = on_disk(disk);
    Record::begin(root.path());
    let mut run =
        Run { folder: batches(&root), format, consumers: [None, None], events: Vec::new() };
    if promises.are_moving {
        run.begin_new_history();
    }
    run.consumer(0);
    actions.iter().for_each(|action| run.act(action));
    let record = Record::end();
    let mut lose_power = |promises: &mut Promises| {
        let at = chance.random_range(0..=record.steps.len());
        let loss = [Loss::Nothing, Loss::Some, Loss::Everything][chance.random_range(0..3)];
        let disk = record.before.after(&record.steps[..at], loss, chance);
        let events = run.events.iter().filter(|(step, _)| *step <= at).map(|(_, event)| event);
        *promises = promises.after(events);
        let before = promises.clone();
        promises.check(&batches(&on_disk(&disk)));
        promises.are_moving = before.are_moving;
        disk
    };
    for _ in 1..LOSSES {
        lose_power(&mut promises.clone());
    }
    lose_power(promises)
}

/// Lets a consumer go on, and checks that every message is stored once.
fn store_the_rest(disk: &Tree, promises: &mut Promises, format: BatchFormat) {
    let root = on_disk(disk);
    let folder = batches(&root);
    if promises.are_moving {
        drop(Consumer::start_anew(&folder, format));
        *promises = promises.after([&Event::SetAside]);
    }
    let mut consumer = Consumer::start(&folder, format);
    for partition in 0..PARTITIONS {
        (0..100).for_each(|_| consumer.take(partition));
    }
    let Closed::Stored(_) = consumer.close() else { panic!("it is not stored") };
    drop(consumer);
    promises.check(&folder);
    let catalogue = Catalogue::read(&folder).unwrap();
    for partition in 0..PARTITIONS {
        let next = catalogue.next_offset(&provenance().topic, partition);
        assert!(next >= Some(100), "partition {partition} is stored up to {next:?}");
    }
}

#[test]
fn models_are_the_same_after_a_loss_of_power() {
    let root = TempDir::new().unwrap();
    let mut consumer = Consumer::start(&batches(&root), BatchFormat::Csv);
    for _ in 0..4 {
        for partition in 0..PARTITIONS {
            (0..40).for_each(|_| consumer.take(partition));
        }
        assert!(matches!(consumer.close(), Closed::Stored(_)));
    }
    drop(consumer);
    Record::begin(root.path());
    train(&root.path().join("data"));
    let record = Record::end();
    let expected = models(&root.path().join("data"));

    let mut chance = StdRng::seed_from_u64(1);
    let all = record.steps.len();
    let at = (0..40).map(|_| chance.random_range(0..all)).collect::<Vec<_>>();
    for (at, loss) in at.into_iter().map(|at| (at, Loss::Some)).chain([(all, Loss::Everything)]) {
        let disk = on_disk(&record.before.after(&record.steps[..at], loss, &mut chance));
        let data = disk.path().join("data");
        if at == all {
            assert!(models(&data) == expected, "what was stored is lost");
        }
        train(&data);
        assert!(models(&data) == expected, "after {at} of {all} steps the models are others");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_was_stored_survives_a_loss_of_power(
        runs in runs(),
        is_parquet: bool,
        seed: u64,
    ) {
        let format = if is_parquet { BatchFormat::Parquet } else { BatchFormat::Csv };
        let mut chance = StdRng::seed_from_u64(seed);
        let (mut disk, mut promises) = (Tree::default(), Promises::default());
        for actions in &runs {
            disk = run(&disk, actions, &mut promises, format, &mut chance);
        }
        store_the_rest(&disk, &mut promises, format);
    }
}
