//! The layer rule of lib.rs: every `crate::` path of every file points down. This test is never edited to let a change pass.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms with their layers. A room is a folder, or a file of the root.
const LAYERS: [(&str, u8); 12] = [
    ("protocol", 0),
    ("domain", 1),
    ("crypto", 1),
    ("store", 2),
    ("counters", 2),
    ("outbound", 2),
    ("flows", 3),
    ("http", 4),
    ("cli", 4),
    ("jobs", 4),
    ("config", 250),
    ("clock", 250),
];

fn layer(room: &str) -> u8 {
    LAYERS.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("{room} is no room of lib.rs")).1
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// May `from` import from `to`? `config` and `clock` are for flows and up; they themselves may look at layers 0 and 1.
/// `cli` puts the program together, so it alone of its layer may name `http` and `jobs`.
fn allowed(from: &str, to: &str) -> bool {
    match (from, to) {
        _ if from == to => true,
        ("cli", "http" | "jobs") => true,
        (_, "config" | "clock") => layer(from) >= 3,
        ("config" | "clock", _) => layer(to) <= 1,
        _ => layer(to) < layer(from),
    }
}

#[test]
fn every_import_points_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&root, &mut found);
    assert!(found.len() > 80, "the files were not found");
    let mut edges = 0;
    for file in found {
        let inside = file.strip_prefix(&root).unwrap();
        let room = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if matches!(room, "lib" | "main") {
            continue;
        }
        let source = fs::read_to_string(&file).unwrap();
        for (_, rest) in source.match_indices("crate::").map(|(at, found)| (at, &source[at + found.len()..])) {
            // `use crate::{a::X, b::Y}` names several.
            let names: Vec<&str> = match rest.strip_prefix('{') {
                Some(list) => list.split('}').next().unwrap().split(',').map(str::trim).collect(),
                None => vec![rest],
            };
            for name in names.into_iter().filter(|name| !name.is_empty()) {
                let target = name.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                assert!(allowed(room, target), "{}: {room} must not import {target}", inside.display());
                edges += 1;
            }
        }
    }
    assert!(edges > 300, "the imports were not found");
}

#[test]
fn diesel_stays_in_store_and_actix_in_http() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&root, &mut found);
    for file in found {
        let inside = file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let source = fs::read_to_string(&file).unwrap();
        let names = |word: &str| source.contains(word);
        assert!(inside.starts_with("store/") || !names("diesel::"), "{inside} names diesel");
        let starts_server = inside == "cli/run_server.rs";
        assert!(inside.starts_with("http/") || starts_server || !names("actix_web::"), "{inside} names actix");
        assert!(inside == "config.rs" || !names("env::var"), "{inside} reads the environment");
    }
}
