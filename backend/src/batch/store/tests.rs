use std::{io::Write, sync::Arc, thread};

use object_store::memory::InMemory;

use super::*;

fn objects(prefix: &str) -> ObjectFolder {
    objects_of(&Arc::new(InMemory::new()), prefix)
}

fn objects_of(store: &Arc<InMemory>, prefix: &str) -> ObjectFolder {
    ObjectFolder::new(store.clone(), prefix.into(), format!("memory:///{prefix}")).unwrap()
}

/// One of each kind, with the folder that both use.
fn stores(folder: &Path) -> [BatchStore; 2] {
    let local = folder.to_owned();
    [folder.into(), BatchStore::Objects { objects: objects("retail/batches"), local }]
}

#[test]
fn what_is_written_is_there_until_it_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()) {
        assert_eq!(store.read("a.json").unwrap(), None, "{store}");
        assert_eq!(store.size("a.json").unwrap(), None);
        store.write("a.json", "a.tmp", b"one").unwrap();
        let version = store.version("a.json").unwrap();
        assert!(version.is_some());
        store.write("a.json", "a.tmp", b"three").unwrap();
        assert_ne!(store.version("a.json").unwrap(), version);
        assert_eq!(store.read("a.json").unwrap().as_deref(), Some(&b"three"[..]));
        assert_eq!(store.size("a.json").unwrap(), Some(5));
        store.rename("a.json", "b.json").unwrap();
        assert_eq!(store.list().unwrap(), ["b.json"]);
        assert!(store.modified("b.json").unwrap().is_some());
        store.remove("b.json").unwrap();
        store.remove("b.json").unwrap();
        assert!(store.list().unwrap().is_empty());
    }
}

#[test]
fn a_prefix_does_not_show_what_lies_beside_or_below_it() {
    let store = Arc::new(InMemory::new());
    for (prefix, name) in [("a", "1"), ("a/b", "2"), ("a/b/c", "3"), ("a/bc", "4")] {
        objects_of(&store, prefix).write(name, b"").unwrap();
    }
    assert_eq!(objects_of(&store, "a/b").list().unwrap(), ["2"]);
}

#[test]
fn one_of_many_creators_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()) {
        let create = |n: usize| {
            let (content, temporary) = (n.to_string(), format!("{n}.tmp"));
            store.create("manifest.json", &temporary, content.as_bytes()).unwrap()
        };
        let created: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|n| scope.spawn(move || create(n))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let winners: Vec<_> =
            (0..16).filter(|n| matches!(created[*n], Creation::Created)).collect();
        assert_eq!(winners.len(), 1, "{store}: {winners:?}");
        let content = store.read("manifest.json").unwrap().unwrap();
        assert_eq!(content, winners[0].to_string(), "{store}");
    }
}

#[test]
fn a_creator_whose_answer_got_lost_is_not_refused() {
    let objects = objects("a");
    assert_eq!(objects.create("manifest.json", b"own").unwrap(), Creation::Created);
    assert_eq!(objects.create("manifest.json", b"own").unwrap(), Creation::Created);
    assert_eq!(objects.create("manifest.json", b"other").unwrap(), Creation::Exists);
}

#[test]
fn small_and_large_files_are_uploaded_whole() {
    let objects = objects("a");
    for size in [0, 1, (8 << 20) - 1, 8 << 20, (20 << 20) + 7] {
        let mut file = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..size).map(|n: u32| (n % 251) as u8).collect();
        file.write_all(&content).unwrap();
        // Twice, as after an outage.
        objects.upload(&file, "batch").unwrap();
        objects.upload(&file, "batch").unwrap();
        assert!(objects.read("batch").unwrap().unwrap() == content, "{size} bytes");
    }
}

#[test]
fn a_store_is_asked_whether_it_can_be_shared() {
    let objects = objects("a");
    objects.check_readable().unwrap();
    objects.check_writable().unwrap();
    objects.check_writable().unwrap();
    assert_eq!(objects.list().unwrap(), ["batch_store.json"]);
}
