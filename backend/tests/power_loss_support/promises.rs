//! What the store has promised, and whether it holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use tillstream::batch::{Catalogue, read_lines};
use tillstream_shared::Manifest;

use super::messages::{Kind, PARTITIONS, count, kind, place, provenance};

/// What changes what has to be there from one step on.
#[derive(Debug, Clone)]
pub enum Event {
    /// A batch is stored.
    Stored(Box<Manifest>),
    /// The batches up to this one are being removed.
    Removing(u64),
    /// What a partition's batch without lines covers is being noted.
    Noting(i32),
    /// That is noted.
    Noted(i32, Note),
    /// The batches are being moved into another folder.
    SettingAside,
    /// There they are.
    SetAside,
}

/// The messages from the end of what is stored up to one need not be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    pub stored_up_to: i64,
    pub last: i64,
}

/// What has to be there.
#[derive(Debug, Clone, Default)]
pub struct Promises {
    stored: BTreeMap<u64, Manifest>,
    /// Batches up to this one may be gone.
    removed: u64,
    noted: BTreeMap<i32, Note>,
    aside: Vec<Manifest>,
    /// Whether they are being moved into another folder.
    pub are_moving: bool,
}

impl Promises {
    /// All that holds after `events`.
    pub fn after<'a>(&self, events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut promises = self.clone();
        events.into_iter().for_each(|event| promises.add(event));
        promises
    }

    fn add(&mut self, event: &Event) {
        match event {
            Event::Stored(manifest) => {
                drop(self.stored.insert(manifest.number, (**manifest).clone()))
            }
            Event::Removing(number) => {
                self.removed = *number;
                self.stored.retain(|stored, _| stored > number);
            }
            Event::Noting(partition) => drop(self.noted.remove(partition)),
            Event::Noted(partition, note) => drop(self.noted.insert(*partition, *note)),
            Event::SettingAside => self.are_moving = true,
            Event::SetAside => {
                let stored = std::mem::take(&mut self.stored);
                *self = Self { aside: std::mem::take(&mut self.aside), ..Self::default() };
                self.aside.extend(stored.into_values());
            }
        }
    }

    /// Starts a consumer on what a loss of power left in `folder`, and checks that all holds. What it finds has to
    /// be there from now on.
    #[track_caller]
    pub fn check(&mut self, folder: &Path) {
        let (catalogue, _lock) = if self.are_moving {
            let (catalogue, lock, _) = Catalogue::open_anew(folder).unwrap();
            self.add(&Event::SetAside);
            (catalogue, lock)
        } else {
            Catalogue::open_shared(folder).unwrap()
        };
        let found: BTreeMap<_, _> =
            catalogue.manifests(1..=u64::MAX).map(|m| m.unwrap()).map(|m| (m.number, m)).collect();
        for (number, manifest) in &self.stored {
            assert_eq!(found.get(number), Some(manifest), "batch {number} is not what was stored");
        }
        assert!(catalogue.first() <= self.removed + 1, "batches are gone that were not removed");
        for manifest in found.values() {
            check_batch(&catalogue, manifest);
        }
        check_offsets(&catalogue, &found);
        self.check_notes(&catalogue);
        check_nothing_is_left_over(folder, &catalogue, &found);
        self.aside.iter().for_each(|manifest| check_aside(folder, manifest));
        self.stored = found;
    }

    fn check_notes(&self, catalogue: &Catalogue) {
        for partition in 0..PARTITIONS {
            let stored_up_to = next_offset(catalogue, partition);
            let found = catalogue.rowless(partition, &provenance()).unwrap();
            if let Some(note) = self.noted.get(&partition)
                && note.stored_up_to == stored_up_to
            {
                assert_eq!(found.map(|noted| noted.range.last), Some(note.last), "it was noted");
            }
            let Some(found) = found else { continue };
            let offsets = found.range.first..found.range.last + 1;
            let count = |kind| count(kind, partition, offsets.clone());
            assert_eq!((found.range.first, count(Kind::Line)), (stored_up_to, 0));
            let counts = [found.dead_letters, found.repeated, found.empty];
            assert_eq!(counts, [Kind::DeadLetter, Kind::Repeated, Kind::Empty].map(count));
        }
    }
}

fn next_offset(catalogue: &Catalogue, partition: i32) -> i64 {
    catalogue.next_offset(&provenance().topic, partition).unwrap_or_default()
}

/// A batch holds what its offsets say, whole.
fn check_batch(catalogue: &Catalogue, manifest: &Manifest) {
    let mut found = Vec::new();
    read_lines(catalogue.store(), manifest, |line| found.push(place(line))).unwrap();
    found.sort_unstable();
    let mut expected = Vec::new();
    let mut counts = [0; 3];
    for range in &manifest.partitions {
        let offsets = range.first..range.last + 1;
        let is_line = |offset: &i64| kind(range.partition, *offset) == Kind::Line;
        expected.extend(offsets.clone().filter(is_line).map(|offset| (range.partition, offset)));
        for (counted, kind) in
            counts.iter_mut().zip([Kind::DeadLetter, Kind::Repeated, Kind::Empty])
        {
            *counted += count(kind, range.partition, offsets.clone());
        }
    }
    assert_eq!(found, expected, "the lines of batch {}", manifest.number);
    assert_eq!([manifest.dead_letters, manifest.repeated, manifest.empty], counts);
}

/// Every offset is covered once, by the batches that were removed too.
fn check_offsets(catalogue: &Catalogue, found: &BTreeMap<u64, Manifest>) {
    let mut covered = BTreeMap::new();
    for range in found.values().flat_map(|manifest| &manifest.partitions) {
        let first = covered.insert(range.partition, range.last + 1);
        let first = first.or((catalogue.first() == 1).then_some(0));
        assert!(first.is_none_or(|first| first == range.first), "{range:?} follows {first:?}");
    }
    let lines = (0..PARTITIONS).map(|p| count(Kind::Line, p, 0..next_offset(catalogue, p)));
    assert_eq!(catalogue.summary().rows, lines.sum::<u64>(), "the lines of all batches");
}

fn check_nothing_is_left_over(
    folder: &Path,
    catalogue: &Catalogue,
    found: &BTreeMap<u64, Manifest>,
) {
    let mut expected = BTreeSet::from([".lock".to_owned()]);
    for manifest in found.values() {
        expected.extend([format!("batch_{:06}.json", manifest.number), manifest.file.clone()]);
    }
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        names.insert(entry.unwrap().file_name().into_string().unwrap());
    }
    names.retain(|name| !name.starts_with("open_partition_") || name.ends_with(".tmp"));
    // Which the next removal writes again.
    names.retain(|name| name != "removed.json" && name != "removed.json.tmp");
    let own: Vec<_> = names.extract_if(.., |name| name.starts_with("consumer_")).collect();
    assert_eq!((own.len(), names), (1, expected), "first {}", catalogue.first());
}

/// A batch that was set aside is whole, in one of the folders for that.
fn check_aside(folder: &Path, manifest: &Manifest) {
    let hash = |path: &Path| Some(blake3::hash(&fs::read(path).ok()?).to_hex().to_string());
    let beside = fs::read_dir(folder.parent().unwrap()).unwrap();
    let mut folders = beside.map(|entry| entry.unwrap().path());
    let is_there = folders.any(|aside| {
        let name = format!("batch_{:06}.json", manifest.number);
        hash(&aside.join(name)).as_ref() == Some(&manifest.hash)
            && hash(&aside.join(&manifest.file)).as_ref() == Some(&manifest.blake3)
    });
    assert!(is_there, "batch {} was set aside", manifest.number);
}
