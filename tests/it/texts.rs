//! The texts of the pages: the same keys with the same values in every language, none missing and none left over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The messages of a language: key to the names of the values in it.
fn messages(language: &str) -> BTreeMap<String, BTreeSet<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("texts").join(language);
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let mut last = String::new();
        for line in std::fs::read_to_string(&path).unwrap().lines().filter(|line| !line.starts_with('#')) {
            if let Some((key, _)) = line.split_once(" =").filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()))
            {
                last = key.to_owned();
                assert!(!found.contains_key(key), "{key} twice, the second time in {}", path.display());
                found.insert(last.clone(), BTreeSet::new());
            }
            let values = line.split('$').skip(1);
            let names = values.map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap());
            if let Some(known) = found.get_mut(&last) {
                known.extend(names.map(str::to_owned));
            }
        }
    }
    assert!(found.len() > 50);
    found
}

/// Everything that could use a text.
fn sources() -> String {
    fn gather(folder: &Path, into: &mut String) {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                gather(&path, into);
            } else {
                into.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = String::new();
    gather(&root.join("src/http"), &mut all);
    gather(&root.join("templates"), &mut all);
    all
}

#[test]
fn every_language_says_the_same() {
    assert_eq!(messages("en"), messages("de"));
}

#[test]
fn every_text_that_is_asked_for_is_there() {
    let (known, sources) = (messages("en"), sources());
    let mut asked = 0;
    for call in ["say(\"", "say_with(\"", "say_all(\""] {
        for key in sources.split(call).skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(known.contains_key(key), "{key}");
            asked += 1;
        }
    }
    assert!(asked > 20);
    let answered = sources.split("desk.done(").skip(1).filter_map(|rest| rest.split([';', '\n']).next());
    for key in answered.filter_map(|call| call.rsplit('"').nth(1)).filter(|key| !key.contains(['/', '{'])) {
        assert!(known.contains_key(&format!("done-{key}")), "done-{key}");
    }
}

/// A key is used as it is, or as the start of one that is put together: `format!("status-{}")`.
#[test]
fn every_text_is_used() {
    let sources = sources();
    for key in messages("en").keys() {
        let (start, _) = key.rsplit_once('-').unwrap_or((key, ""));
        let used = sources.contains(&format!("\"{key}\"")) || sources.contains(&format!("\"{start}-{{"));
        let answered = key.strip_prefix("done-").is_some_and(|rest| sources.contains(&format!("\"{rest}\"")));
        let shared = ["action-", "column-", "status-", "done-"].iter().any(|shared| key.starts_with(shared));
        assert!(used || answered || shared, "{key} is never used");
    }
}
