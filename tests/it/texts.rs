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
fn sources(folders: &[&str]) -> String {
    fn gather(folder: &Path, into: &mut String) {
        if !folder.is_dir() {
            // What tests say is said to nobody.
            into.push_str(std::fs::read_to_string(folder).unwrap().split("#[cfg(test)]").next().unwrap());
            return;
        }
        for file in std::fs::read_dir(folder).unwrap() {
            gather(&file.unwrap().path(), into);
        }
    }
    let mut all = String::new();
    for folder in folders {
        gather(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut all);
    }
    all
}

/// The sentences of the domain that stand in the texts, each in its parts between values.
fn sentences() -> Vec<Vec<String>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("texts/en/domain.ftl");
    let file = std::fs::read_to_string(file).unwrap();
    let lines = file.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
    let parts = |text: &str| -> Vec<String> {
        let mut parts = text.split("{ $");
        let start = parts.next().unwrap().to_owned();
        std::iter::once(start).chain(parts.map(|part| part.split_once(" }").unwrap().1.to_owned())).collect()
    };
    lines.map(|(_, text)| parts(text)).collect()
}

/// The code with its literals as they are said: lines that were parted are one.
fn said(folders: &[&str]) -> String {
    let mut joined = String::new();
    for part in sources(folders).split("\\\n") {
        joined.push_str(if joined.is_empty() { part } else { part.trim_start() });
    }
    joined.replace("\\\"", "\"")
}

/// A sentence that is said otherwise now would be in English for everybody.
#[test]
fn every_sentence_of_the_domain_is_one() {
    let code = said(&["src"]);
    for sentence in sentences() {
        for part in sentence.iter().filter(|part| part.len() > 3) {
            let is_said = part.split(": ").all(|piece| code.contains(piece));
            assert!(is_said, "nobody says '{part}' of {sentence:?}");
        }
    }
}

/// What a denial says without a value, and what use cases of the console and the account refuse with, is in every language.
#[test]
fn every_refusal_is_in_every_language() {
    let known = sentences();
    let is_known = |said: &str| {
        known.iter().any(|parts| {
            let mut rest = said;
            parts.iter().all(|part| match rest.find(part.as_str()) {
                Some(at) => {
                    rest = &rest[at + part.len()..];
                    true
                }
                None => false,
            })
        })
    };
    let code = said(&["src/domain/denial.rs", "src/flows/access_keys", "src/flows/account", "src/flows/clients"]);
    let code =
        code + &said(&["src/flows/workflows", "src/flows/projects.rs", "src/flows/scopes.rs", "src/flows/users.rs"]);
    let code = code + &said(&["src/flows/service_accounts.rs", "src/flows/environments.rs", "src/flows/caller.rs"]);
    let code = code
        + &said(&[
            "src/domain/password_choice.rs",
            "src/domain/user.rs",
            "src/domain/client.rs",
            "src/domain/project.rs",
        ]);
    let code = code + &said(&["src/domain/role.rs", "src/domain/standard_claims.rs"]);
    let starts = [
        "=> \"",
        "refuse(\"",
        "refuse(format!(\"",
        "InvalidMember(\"",
        "InvalidMember(format!(\"",
        "Conflict(\"",
        "Conflict(format!(\"",
        "PrivilegeEscalation(\"",
        "PrivilegeEscalation(format!(\"",
        "fail(\"",
        "InvalidUser(\"",
        "\", \"",
        "InvalidUser(\n            \"",
    ];
    let mut asked = 0;
    for start in starts {
        for rest in code.split(start).skip(1) {
            let said = rest.split('"').next().unwrap();
            // Names, paths and words of the protocol are no sentences.
            let is_one = said.contains(' ') && !said.contains(['/', '\n']) || said.contains("RFC");
            if is_one && said != "every project" {
                assert!(is_known(said), "texts/en/domain.ftl has no '{said}'");
                asked += 1;
            }
        }
    }
    assert!(asked > 150, "{asked}");
}

#[test]
fn every_language_says_the_same() {
    assert_eq!(messages("en"), messages("de"));
}

#[test]
fn every_text_that_is_asked_for_is_there() {
    let (known, sources) = (messages("en"), sources(&["src/http", "templates"]));
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
    let sources = sources(&["src/http", "templates"]);
    for key in messages("en").keys() {
        let (start, _) = key.rsplit_once('-').unwrap_or((key, ""));
        let used = sources.contains(&format!("\"{key}\"")) || sources.contains(&format!("\"{start}-{{"));
        let answered = key.strip_prefix("done-").is_some_and(|rest| sources.contains(&format!("\"{rest}\"")));
        let shared = ["action-", "column-", "status-", "done-", "refusal-", "scope-"]
            .iter()
            .any(|shared| key.starts_with(shared));
        assert!(used || answered || shared, "{key} is never used");
    }
}
