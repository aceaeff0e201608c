use tempfile::TempDir;

use super::*;

const LINE: ModelKind = ModelKind::Line;
const CUSTOMER: Entity = Entity::Customer;

fn store() -> (TempDir, ChampionStore) {
    let folder = TempDir::new().unwrap();
    let store = ChampionStore::new(folder.path());
    (folder, store)
}

fn judgement(reasons: &[&str]) -> Judgement {
    let reasons = reasons.iter().map(|reason| (*reason).to_owned()).collect();
    Judgement { silhouette: Some(0.5), stability: None, smallest_share: 0.2, reasons }
}

impl ChampionStore {
    fn passed(&self, model: u64) -> Decision {
        self.decide(LINE, CUSTOMER, model, judgement(&[])).unwrap()
    }

    fn customer(&self) -> Champion {
        self.list().unwrap().remove(0)
    }
}

#[test]
fn the_gate_promotes_what_passed_and_keeps_the_reason_of_what_did_not() {
    let (_folder, store) = store();
    assert!(store.current().unwrap().is_empty());
    let refused = store.decide(LINE, CUSTOMER, 1, judgement(&["Too small."])).unwrap();
    assert!(!refused.promoted);
    assert!(store.current().unwrap().is_empty());
    assert!(store.passed(2).promoted && store.passed(3).promoted);
    let champion = store.customer();
    assert_eq!((champion.model, champion.held), (Some(3), false));
    assert_eq!(champion.earlier, [2]);
    assert_eq!(champion.decisions.len(), 3);
    assert_eq!(champion.decisions[0], refused);
    assert_eq!(refused.judgement.unwrap().reasons, ["Too small."]);
    assert_eq!(store.current().unwrap(), BTreeMap::from([((LINE, CUSTOMER), 3)]));
}

#[test]
fn a_person_promotes_and_holds_until_released() {
    let (_folder, store) = store();
    store.passed(1);
    let champion = store.promote(LINE, CUSTOMER, 7).unwrap();
    assert_eq!((champion.model, champion.held), (Some(7), true));
    assert_eq!(champion.earlier, [1]);
    assert_eq!(champion.decisions[1].judgement, None);
    assert!(!store.passed(8).promoted, "held");
    assert_eq!(store.customer().model, Some(7));
    let released = store.release(LINE, CUSTOMER).unwrap();
    assert_eq!((released.model, released.held), (Some(7), false));
    assert!(store.passed(9).promoted);
    assert_eq!(store.customer().earlier, [1, 7]);
}

#[test]
fn rolling_back_goes_one_champion_back_each_time() {
    let (_folder, store) = store();
    (1..=3).for_each(|model| assert!(store.passed(model).promoted));
    for (model, earlier) in [(2, vec![1]), (1, vec![])] {
        let champion = store.roll_back(LINE, CUSTOMER).unwrap();
        assert_eq!((champion.model, champion.held), (Some(model), true));
        assert_eq!(champion.earlier, earlier);
        assert!(champion.decisions.last().unwrap().promoted);
    }
    let before = store.list().unwrap();
    let error = store.roll_back(LINE, CUSTOMER).unwrap_err().to_string();
    assert!(error.contains("line champion for customer"), "{error}");
    assert_eq!(store.list().unwrap(), before);
    assert!(!store.passed(4).promoted, "what was rolled back stays held");
}

#[test]
fn an_older_model_is_not_promoted_and_the_champion_not_its_own_predecessor() {
    let (_folder, store) = store();
    store.passed(5);
    let older = store.passed(4);
    assert!(!older.promoted);
    assert!(older.judgement.unwrap().reasons[0].contains("older than the champion, model 5"));
    assert!(store.passed(5).promoted);
    store.promote(LINE, CUSTOMER, 5).unwrap();
    assert_eq!((store.customer().model, store.customer().earlier), (Some(5), vec![]));
}

#[test]
fn kinds_and_entities_do_not_touch_each_other() {
    let (_folder, store) = store();
    store.passed(1);
    store.promote(ModelKind::Profile, Entity::Country, 9).unwrap();
    let champions = store.list().unwrap();
    assert_eq!(champions.len(), 6);
    let models: Vec<_> = champions.iter().map(|champion| champion.model).collect();
    assert_eq!(models, [Some(1), None, None, None, None, Some(9)]);
}

#[test]
fn what_is_kept_is_bounded() {
    let (_folder, store) = store();
    (1..=KEPT as u64 + 5).for_each(|model| assert!(store.passed(model).promoted));
    let champion = store.customer();
    assert_eq!((champion.decisions.len(), champion.earlier.len()), (KEPT, KEPT));
    assert_eq!(champion.decisions[0].model, 6);
    assert_eq!((champion.earlier[0], champion.earlier[KEPT - 1]), (5, KEPT as u64 + 4));
}

#[test]
fn an_unusable_file_is_an_error_and_left_alone() {
    let (_folder, store) = store();
    store.passed(1);
    let good = fs::read_to_string(store.path()).unwrap();
    let two = good.replace("\"champions\": [", "\"champions\": [],\n\"champions\": [");
    let mut doubled: Stored = serde_json::from_str(&good).unwrap();
    doubled.champions.push(doubled.champions[0].clone());
    for (bad, reason) in [
        (good.replace("\"format_version\": 1", "\"format_version\": 9"), "version 9 is not 1"),
        (good[..good.len() / 2].to_owned(), "EOF"),
        (good.replace("\"held\"", "\"hold\""), "held"),
        (two, "duplicate field"),
        (serde_json::to_string(&doubled).unwrap(), "two line champions for customer"),
        (String::new(), "EOF"),
    ] {
        fs::write(store.path(), &bad).unwrap();
        for error in [
            store.decide(LINE, CUSTOMER, 2, judgement(&[])).unwrap_err(),
            store.list().unwrap_err(),
            store.current().unwrap_err(),
        ] {
            let error = error.to_string();
            assert!(error.contains(reason) && error.contains("champions.json"), "{error}");
        }
        assert_eq!(fs::read_to_string(store.path()).unwrap(), bad);
    }
}

#[test]
fn what_a_crash_left_behind_does_no_harm() {
    let (_folder, store) = store();
    store.passed(1);
    // Killed between the temporary file and its renaming, with the lock file left.
    fs::write(durable::temporary(&store.path()), "{\"format_ver").unwrap();
    assert!(store.folder.join(".lock").exists());
    assert_eq!(store.customer().model, Some(1));
    assert!(store.passed(2).promoted);
    assert!(!durable::temporary(&store.path()).exists());
    assert_eq!(store.customer().earlier, [1]);
}

#[test]
fn a_change_waits_for_the_one_before() {
    let (_folder, store) = store();
    let lock = FolderLock::take(&store.folder).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| store.promote(LINE, CUSTOMER, 3).unwrap());
        // Reading needs no lock.
        assert_eq!(store.customer().model, None);
        drop(lock);
        assert_eq!(waiting.join().unwrap().model, Some(3));
    });
}

#[test]
fn changes_at_the_same_time_are_all_there_afterwards() {
    let (folder, _) = store();
    thread::scope(|scope| {
        for entity in Entity::ALL {
            for thread in 0..2_u64 {
                let store = ChampionStore::new(folder.path());
                scope.spawn(move || {
                    for model in 1..=10 {
                        store.promote(LINE, entity, thread * 100 + model).unwrap();
                    }
                });
            }
        }
    });
    for champion in &ChampionStore::new(folder.path()).list().unwrap()[..3] {
        assert_eq!(champion.decisions.len(), 20);
        assert_eq!(champion.earlier.len(), 19);
        for thread in 0..2 {
            let own = champion.decisions.iter().map(|decision| decision.model);
            let own: Vec<_> = own.filter(|model| model / 100 == thread).collect();
            assert!(own.is_sorted(), "{own:?}");
        }
    }
}
