//! What a loss of power may leave on a disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rand::{Rng, rngs::StdRng};

/// A file or folder, whatever its names are.
pub type Id = usize;

/// The folder that all others lie in.
const ROOT: Id = 0;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A file.
    File(Id),
    /// A folder.
    Folder(Id),
}

/// What a name in a folder stands for from now on; `None` when it is taken away.
pub type Name = (Id, OsString, Option<Entry>);

/// What the file system was told.
#[derive(Debug, Clone)]
pub enum Step {
    /// Names were given and taken away, all of them or none: until one of their folders is flushed, both may be.
    Names(Vec<Name>),
    /// Bytes were written to a file.
    Write { file: Id, offset: usize, bytes: Vec<u8> },
    /// A file was emptied.
    Empty(Id),
    /// The content of a file or the names in a folder were flushed.
    Flush(Id),
}

/// How much of what was not flushed a loss of power leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// All: the processes were killed, no more.
    Nothing,
    /// What chance decides, of each name and of each write, in part too.
    Some,
    /// Nothing.
    Everything,
}

impl Loss {
    fn keeps(self, chance: &mut StdRng) -> bool {
        match self {
            Self::Nothing => true,
            Self::Some => chance.random(),
            Self::Everything => false,
        }
    }
}

/// The names and contents on a disk.
#[derive(Debug, Clone)]
pub struct Tree {
    folders: BTreeMap<Id, BTreeMap<OsString, Entry>>,
    files: BTreeMap<Id, Vec<u8>>,
}

impl Default for Tree {
    fn default() -> Self {
        Self { folders: BTreeMap::from([(ROOT, BTreeMap::new())]), files: BTreeMap::new() }
    }
}

impl Tree {
    /// What lies in `root`; and what each inode is.
    pub fn read(root: &Path) -> (Self, BTreeMap<u64, Id>) {
        let mut tree = Self::default();
        let mut inodes = BTreeMap::from([(root.metadata().unwrap().ino(), ROOT)]);
        tree.read_folder(root, ROOT, &mut inodes);
        (tree, inodes)
    }

    fn read_folder(&mut self, path: &Path, folder: Id, inodes: &mut BTreeMap<u64, Id>) {
        for entry in fs::read_dir(path).unwrap() {
            let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
            let next = inodes.len();
            let id = *inodes.entry(path.metadata().unwrap().ino()).or_insert(next);
            let entry = if path.is_dir() {
                self.folders.insert(id, BTreeMap::new());
                self.read_folder(&path, id, inodes);
                Entry::Folder(id)
            } else {
                self.files.insert(id, fs::read(&path).unwrap());
                Entry::File(id)
            };
            self.folders.get_mut(&folder).unwrap().insert(name, entry);
        }
    }

    /// Everything by its path, the folders first that others lie in.
    fn paths(&self) -> Vec<(PathBuf, Entry)> {
        let mut paths = vec![(PathBuf::new(), Entry::Folder(ROOT))];
        let mut at = 0;
        while let Some((path, entry)) = paths.get(at).cloned() {
            if let Entry::Folder(folder) = entry {
                let names = self.folders.get(&folder).into_iter().flatten();
                paths.extend(names.map(|(name, entry)| (path.join(name), *entry)));
            }
            at += 1;
        }
        paths.split_off(1)
    }

    /// The content of each file by its path; none of folders.
    pub fn contents(&self) -> BTreeMap<PathBuf, Option<&[u8]>> {
        let content = |entry| match entry {
            Entry::Folder(_) => None,
            Entry::File(file) => Some(self.files.get(&file).map_or(&[][..], Vec::as_slice)),
        };
        self.paths().into_iter().map(|(path, entry)| (path, content(entry))).collect()
    }

    /// Writes all of it into the folder `root`, which is empty.
    pub fn write(&self, root: &Path) {
        let mut written: BTreeMap<Id, PathBuf> = BTreeMap::new();
        for (path, entry) in self.paths() {
            let path = root.join(path);
            match entry {
                Entry::Folder(_) => fs::create_dir(path).unwrap(),
                Entry::File(file) => match written.get(&file) {
                    Some(other) => fs::hard_link(other, path).unwrap(),
                    None => {
                        fs::write(&path, self.files.get(&file).unwrap_or(&Vec::new())).unwrap();
                        written.insert(file, path);
                    }
                },
            }
        }
    }

    /// What is on the disk when the power is lost after `steps`, of which those that were not flushed are left as
    /// `loss` says. The file system may have written any of them, in any order: neither two names nor two writes
    /// are kept in the order in which they were made, unless there was a flush in between.
    pub fn after(&self, steps: &[Step], loss: Loss, chance: &mut StdRng) -> Self {
        let mut tree = self.clone();
        let mut flushed = BTreeSet::new();
        // From the end, to know of each step what was flushed after it.
        let mut is_flushed: Vec<_> = steps
            .iter()
            .rev()
            .map(|step| match step {
                Step::Flush(id) => !flushed.insert(*id),
                Step::Names(names) => names.iter().any(|(folder, ..)| flushed.contains(folder)),
                Step::Write { file, .. } | Step::Empty(file) => flushed.contains(file),
            })
            .collect();
        is_flushed.reverse();
        for (step, is_flushed) in steps.iter().zip(is_flushed) {
            let is_kept = is_flushed || loss.keeps(chance);
            match step {
                Step::Names(names) if is_kept => names.iter().for_each(|name| tree.set(name)),
                Step::Empty(file) if is_kept => drop(tree.files.insert(*file, Vec::new())),
                Step::Write { file, offset, bytes } => {
                    let in_part = !is_kept && loss == Loss::Some;
                    let kept = if is_kept { bytes.len() } else { 0 };
                    let kept = if in_part { chance.random_range(0..=bytes.len()) } else { kept };
                    let content = tree.files.entry(*file).or_default();
                    // A file may have got its length before its content.
                    let has_length = kept > 0 || (in_part && chance.random());
                    if has_length && content.len() < offset + bytes.len() {
                        content.resize(offset + bytes.len(), 0);
                    }
                    if kept > 0 {
                        content[*offset..offset + kept].copy_from_slice(&bytes[..kept]);
                    }
                }
                Step::Names(_) | Step::Empty(_) | Step::Flush(_) => {}
            }
        }
        tree
    }

    fn set(&mut self, (folder, name, entry): &Name) {
        let names = self.folders.entry(*folder).or_default();
        match entry {
            Some(entry) => names.insert(name.clone(), *entry),
            None => names.remove(name),
        };
    }
}
