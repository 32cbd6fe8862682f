//! A seed as TOML says it: `[[scopes]]`, `[[users]]` and `[[clients]]`, with secrets as values, in files or in the environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;
use zeroize::Zeroizing;

use crate::config;
use crate::domain::password_choice::{KnownNames, check_new_password};
use crate::domain::user::username_key;
use crate::flows::clients::ClientMembers;
use crate::flows::scopes::NewScope;
use crate::flows::user_import::{UserRecord, text};

/// Longest secret in a file, in bytes.
const MAX_SECRET: usize = 4096;

const USERS: Kind = Kind { what: "user", name: "username", key: username_key };
const CLIENTS: Kind = Kind { what: "client", name: "client_id", key: str::to_owned };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    #[serde(default)]
    scopes: Vec<NewScope>,
    #[serde(default)]
    users: Vec<Spanned<Map<String, Value>>>,
    #[serde(default)]
    clients: Vec<Spanned<Map<String, Value>>>,
}

/// A seed that was read. No `Debug`.
pub struct Seed {
    /// Scopes to define.
    pub scopes: Vec<NewScope>,
    /// Users, with the password that a new one gets.
    pub users: Vec<(UserRecord, Option<Zeroizing<String>>)>,
    /// Clients, with the secret of those that have one.
    pub clients: Vec<(ClientMembers, Option<Zeroizing<String>>)>,
}

/// A seed that cannot be used, or a part of it that cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSeed(pub String);

/// The value, what the file holds or what the variable holds: at most one of them is named.
fn secret(said: &mut Map<String, Value>, name: &str, folder: &Path) -> Result<Option<Zeroizing<String>>, String> {
    let (file, variable) = (format!("{name}_file"), format!("{name}_env"));
    match (text(said, name)?, text(said, &file)?, text(said, &variable)?) {
        (None, None, None) => Ok(None),
        (Some(value), None, None) => Ok(Some(Zeroizing::new(value))),
        (None, Some(path), None) => {
            let path = folder.join(path);
            let failed = |error: &dyn std::fmt::Display| format!("{file}: {}: {error}", path.display());
            let text = std::fs::read_to_string(&path).map(Zeroizing::new).map_err(|error| failed(&error))?;
            let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
            if line.is_empty() || line.len() > MAX_SECRET {
                Err(failed(&"it must hold only the secret"))
            } else {
                Ok(Some(Zeroizing::new(line.to_owned())))
            }
        }
        (None, None, Some(named)) => match config::variable(&named).filter(|value| !value.is_empty()) {
            Some(value) => Ok(Some(Zeroizing::new(value))),
            None => Err(format!("{variable}: the environment has no {named}")),
        },
        _ => Err(format!("{name}, {file} and {variable} exclude each other")),
    }
}

fn user(mut said: Map<String, Value>, folder: &Path) -> Result<(UserRecord, Option<Zeroizing<String>>), String> {
    let password = secret(&mut said, "password", folder)?;
    let record = UserRecord::read(said)?;
    if let Some(password) = &password {
        // What the service is called is known where the account is made.
        let known = KnownNames::of(&record.username, (record.name.as_deref(), record.email.as_deref()), "");
        check_new_password(password, &known).map_err(|error| error.to_string())?;
    }
    match password.is_some() && record.password_hash.is_some() {
        true => Err("password and password_hash exclude each other".to_owned()),
        false => Ok((record, password)),
    }
}

fn client(mut said: Map<String, Value>, folder: &Path) -> Result<(ClientMembers, Option<Zeroizing<String>>), String> {
    let secret = secret(&mut said, "client_secret", folder)?;
    if !said.contains_key("client_id") {
        return Err("client_id is missing".to_owned());
    }
    let members = serde_json::from_value(Value::Object(said)).map_err(|error| error.to_string())?;
    Ok((members, secret))
}

/// What the tables of one kind are.
struct Kind {
    what: &'static str,
    /// The member that names one.
    name: &'static str,
    /// What two of them must not have in common, of that member.
    key: fn(&str) -> String,
}

/// Reads each, and says which one is wrong.
fn each<T>(
    text: &str,
    kind: &Kind,
    items: Vec<Spanned<Map<String, Value>>>,
    read: impl Fn(Map<String, Value>) -> Result<T, String>,
) -> Result<Vec<T>, InvalidSeed> {
    let what = kind.what;
    let mut lines = BTreeMap::new();
    let one = |(number, said): (usize, Spanned<Map<String, Value>>)| {
        let line = 1 + text.bytes().take(said.span().start).filter(|byte| *byte == b'\n').count();
        let said = said.into_inner();
        let named = said.get(kind.name).and_then(Value::as_str).map(str::to_owned);
        if let Some(named) = &named
            && let Some(before) = lines.insert((kind.key)(named), line)
        {
            return Err(InvalidSeed(format!("{what} {named} is there twice: in lines {before} and {line}")));
        }
        let named = named.unwrap_or_else(|| format!("number {}", number + 1));
        read(said).map_err(|error| InvalidSeed(format!("{what} {named}: {error}")))
    };
    items.into_iter().enumerate().map(one).collect()
}

impl Seed {
    /// Reads a seed; paths in it are relative to its own folder.
    pub fn load(path: &Path) -> Result<Self, InvalidSeed> {
        let failed = |error: &dyn std::fmt::Display| InvalidSeed(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| failed(&error))?;
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        Self::parse(&text, &folder).map_err(|error| failed(&error))
    }

    fn parse(text: &str, folder: &Path) -> Result<Self, InvalidSeed> {
        // Without the lines that a parser shows: they may hold a secret.
        let tables = toml::from_str::<Tables>(text).map_err(|error| InvalidSeed(error.message().to_owned()))?;
        Ok(Self {
            scopes: tables.scopes,
            users: each(text, &USERS, tables.users, |said| user(said, folder))?,
            clients: each(text, &CLIENTS, tables.clients, |said| client(said, folder))?,
        })
    }
}
