//! Records what this thread tells the file system about the files in one folder.
//!
//! The functions below take the place of libc's in this test program: the standard library calls them. They do
//! what libc's do by system calls of their own, but for the flushes of recorded files, which are noted alone.
//! That nothing is told to the file system in another way is checked at the end of each record.
#![allow(unsafe_code, reason = "functions of libc are replaced")]

use std::{
    cell::RefCell,
    collections::BTreeMap,
    ffi::{CStr, OsStr, c_char, c_int, c_long, c_uint, c_void},
    mem::MaybeUninit,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use rand::{SeedableRng, rngs::StdRng};

use super::disk::{Entry, Id, Loss, Name, Step, Tree};

thread_local! {
    static RECORD: RefCell<Option<Record>> = const { RefCell::new(None) };
}

/// What was told since it began.
pub struct Record {
    root: PathBuf,
    device: u64,
    /// What there was at the beginning.
    pub before: Tree,
    inodes: BTreeMap<u64, Id>,
    next: Id,
    /// What was told.
    pub steps: Vec<Step>,
}

impl Record {
    /// From now on what this thread does in `root` is recorded. All that lies there is on disk.
    pub fn begin(root: &Path) {
        let (before, inodes) = Tree::read(root);
        let (root, device) = (root.to_owned(), root.metadata().unwrap().dev());
        let (next, steps) = (inodes.len(), Vec::new());
        RECORD.set(Some(Self { root, device, before, inodes, next, steps }));
    }

    /// The steps so far.
    pub fn len() -> usize {
        RECORD.with_borrow(|record| record.as_ref().unwrap().steps.len())
    }

    /// Ends the record.
    ///
    /// # Panics
    /// When there are other files than what was recorded has made.
    pub fn end() -> Self {
        let record = RECORD.take().unwrap();
        let (found, _) = Tree::read(&record.root);
        let mut chance = StdRng::seed_from_u64(0);
        let made = record.before.after(&record.steps, Loss::Nothing, &mut chance);
        let is_same = made.contents() == found.contents();
        assert!(
            is_same,
            "the file system was told what is not recorded: {made:?} is not {found:?}"
        );
        record
    }

    /// The name that a path is, when it lies in the root.
    fn name(&self, path: &Path, entry: Option<Entry>) -> Option<Name> {
        path.strip_prefix(&self.root).ok()?;
        let folder = self.inodes[&path.parent()?.metadata().unwrap().ino()];
        Some((folder, path.file_name()?.to_owned(), entry))
    }

    /// What is behind a descriptor, when it lies in the root.
    fn find(&self, descriptor: c_int) -> Option<Id> {
        let status = status(descriptor)?;
        (status.st_dev == self.device).then(|| self.inodes.get(&status.st_ino).copied()).flatten()
    }

    /// What lies under a path in the root; new when it `is_new`.
    fn entry(&mut self, path: &Path, is_new: bool) -> Entry {
        let metadata = path.symlink_metadata().unwrap();
        if is_new {
            self.inodes.insert(metadata.ino(), self.next);
            self.next += 1;
        }
        let id = self.inodes[&metadata.ino()];
        if metadata.is_dir() { Entry::Folder(id) } else { Entry::File(id) }
    }

    /// Notes that a path in the root has got its name.
    fn add(&mut self, path: &Path, is_new: bool) -> Option<()> {
        let name = self.name(path, None)?;
        let entry = self.entry(path, is_new);
        self.steps.push(Step::Names(vec![(name.0, name.1, Some(entry))]));
        Some(())
    }
}

/// Does `what` with the record if there is one, unless that is at work itself.
fn record(what: impl FnOnce(&mut Record) -> Option<()>) {
    let _ = RECORD.try_with(|record| {
        if let Ok(mut record) = record.try_borrow_mut() {
            record.as_mut().and_then(what);
        }
    });
}

fn is_recording() -> bool {
    let mut is_recording = false;
    record(|_| {
        is_recording = true;
        None
    });
    is_recording
}

fn status(descriptor: c_int) -> Option<libc::stat> {
    let mut status = MaybeUninit::uninit();
    // SAFETY: the kernel fills what is pointed to when it answers 0.
    unsafe { (libc::fstat(descriptor, status.as_mut_ptr()) == 0).then(|| status.assume_init()) }
}

/// The path that a caller of libc's functions has given.
///
/// # Safety
/// It is a string that ends with a zero and lives as long as the answer is used.
unsafe fn path<'a>(path: *const c_char) -> &'a Path {
    // SAFETY: the same.
    Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes()))
}

const HERE: c_int = libc::AT_FDCWD;

#[unsafe(no_mangle)]
unsafe extern "C" fn open64(name: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    // SAFETY: as the caller of libc's function guarantees, here and below.
    let (existed, descriptor) = unsafe {
        let existed = is_recording() && libc::access(name, libc::F_OK) == 0;
        (existed, libc::syscall(libc::SYS_openat, HERE, name, flags, mode) as c_int)
    };
    if descriptor >= 0 {
        record(|record| {
            if !existed && flags & libc::O_CREAT != 0 {
                // SAFETY: see above.
                record.add(unsafe { path(name) }, true)?;
            } else if flags & libc::O_TRUNC != 0 {
                let file = record.find(descriptor)?;
                record.steps.push(Step::Empty(file));
            }
            Some(())
        });
    }
    descriptor
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(descriptor: c_int, bytes: *const c_void, count: usize) -> isize {
    // SAFETY: see above.
    let (offset, written) = unsafe {
        let offset = if is_recording() { libc::lseek(descriptor, 0, libc::SEEK_CUR) } else { 0 };
        (offset, libc::syscall(libc::SYS_write, descriptor, bytes, count) as isize)
    };
    if written > 0 {
        record(|record| {
            let file = record.find(descriptor)?;
            // SAFETY: the kernel has read as many.
            let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), written as usize) };
            let (offset, bytes) = (offset as usize, bytes.to_vec());
            record.steps.push(Step::Write { file, offset, bytes });
            Some(())
        });
    }
    written
}

/// Notes a flush; whether the descriptor is that of a recorded file or folder.
fn note_flush(descriptor: c_int) -> bool {
    let mut is_recorded = false;
    record(|record| {
        let flushed = record.find(descriptor)?;
        record.steps.push(Step::Flush(flushed));
        is_recorded = true;
        Some(())
    });
    is_recorded
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fsync(descriptor: c_int) -> c_int {
    // SAFETY: see above.
    if note_flush(descriptor) { 0 } else { unsafe { call(libc::SYS_fsync, descriptor) } }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fdatasync(descriptor: c_int) -> c_int {
    // SAFETY: see above.
    if note_flush(descriptor) { 0 } else { unsafe { call(libc::SYS_fdatasync, descriptor) } }
}

unsafe fn call(number: c_long, descriptor: c_int) -> c_int {
    // SAFETY: both take a descriptor alone.
    unsafe { libc::syscall(number, descriptor) as c_int }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: see above.
    let result = unsafe { libc::syscall(libc::SYS_renameat2, HERE, from, HERE, to, 0) as c_int };
    if result == 0 {
        record(|record| {
            // SAFETY: see above.
            let (from, to) = unsafe { (path(from), path(to)) };
            let gone = record.name(from, None)?;
            let entry = record.entry(to, false);
            let names = vec![gone, record.name(to, Some(entry))?];
            record.steps.push(Step::Names(names));
            Some(())
        });
    }
    result
}

#[unsafe(no_mangle)]
unsafe extern "C" fn linkat(
    from_folder: c_int,
    from: *const c_char,
    to_folder: c_int,
    to: *const c_char,
    flags: c_int,
) -> c_int {
    // SAFETY: see above.
    let result = unsafe {
        libc::syscall(libc::SYS_linkat, from_folder, from, to_folder, to, flags) as c_int
    };
    if result == 0 {
        record(|record| {
            // SAFETY: see above.
            record.add(unsafe { path(to) }, false)
        });
    }
    result
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlink(name: *const c_char) -> c_int {
    // SAFETY: see above.
    let result = unsafe { libc::syscall(libc::SYS_unlinkat, HERE, name, 0) as c_int };
    if result == 0 {
        record(|record| {
            // SAFETY: see above.
            let name = record.name(unsafe { path(name) }, None)?;
            record.steps.push(Step::Names(vec![name]));
            Some(())
        });
    }
    result
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mkdir(name: *const c_char, mode: libc::mode_t) -> c_int {
    // SAFETY: see above.
    let result = unsafe { libc::syscall(libc::SYS_mkdirat, HERE, name, mode) as c_int };
    if result == 0 {
        record(|record| {
            // SAFETY: see above.
            record.add(unsafe { path(name) }, true)
        });
    }
    result
}
