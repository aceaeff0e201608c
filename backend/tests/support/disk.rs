//! A disk that is full for a while.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

/// A disk that counts as full for the programs that are told of it.
pub struct Disk {
    full: PathBuf,
}

impl Disk {
    /// It has room; `folder` is one of the test.
    pub fn new(folder: &Path) -> Self {
        Self { full: folder.join("disk_is_full") }
    }

    /// Makes it the disk of a program.
    pub fn of<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("TILLSTREAM_FAULT_DISK_FULL", &self.full)
    }

    /// From now on there is no room.
    pub fn fill(&self) {
        File::create(&self.full).unwrap();
    }

    /// There is room again.
    pub fn make_room(&self) {
        fs::remove_file(&self.full).unwrap();
    }
}
