//! The documents name what the code has.

use std::path::{Path, PathBuf};

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn operations_names_every_audit_action() {
    let (source, document) = (read("src/domain/audit_event.rs"), read("docs/operations.md"));
    let actions: Vec<&str> = source.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let actions: Vec<&str> = actions.into_iter().filter(|action| action.contains('.')).collect();
    assert!(actions.len() > 50, "the actions were not found");
    for action in actions {
        assert!(document.contains(&format!("`{action}`")), "{action}");
    }
}

#[test]
fn architecture_names_every_file() {
    let document = read("ARCHITECTURE.md");
    let words: Vec<&str> = document.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 80, "the files were not found");
    for file in found {
        let name = file.file_stem().unwrap().to_str().unwrap();
        assert!(words.contains(&name), "{}", file.display());
    }
}
