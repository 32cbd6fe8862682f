//! How access keys are printed. The secret is seen once; everywhere else it is masked.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::cli::env_file::EnvFile;
use crate::cli::{CliResult, output};
use crate::domain::access_key::AccessKey;
use crate::flows::access_keys::{AccessKeyWithSecret, SecretInUse};

fn owner(key: &AccessKey) -> String {
    key.owner.as_ref().map_or_else(|| "platform".to_owned(), |owner| format!("{} {}", owner.kind(), owner.id()))
}

fn time(at: Option<DateTime<Utc>>, otherwise: &str) -> String {
    at.map_or_else(|| otherwise.to_owned(), |at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}

/// The line of a key in a table.
pub fn row(key: &AccessKey) -> Vec<String> {
    vec![
        key.id.to_string(),
        key.name.clone(),
        key.masked.clone(),
        key.status.as_str().to_owned(),
        key.environment.clone(),
        owner(key),
        time(key.expires_at, "never"),
        time(key.last_used_at, "never"),
    ]
}

/// The secrets of a key, and who uses them.
pub fn secrets(secrets: &[SecretInUse], json: bool) -> CliResult {
    if json {
        return output::print_json(&json!({ "items": secrets }));
    }
    let mut rows = Vec::new();
    for secret in secrets {
        let mut line = vec![secret.masked.clone(), time(secret.expires_at, "current"), String::new(), String::new()];
        if secret.used_from.is_empty() {
            line.extend(["never used".to_owned()]);
            rows.push(line);
            continue;
        }
        for used in &secret.used_from {
            line.truncate(2);
            line.extend([used.address.clone(), used.uses.to_string(), time(Some(used.last_used_at), "")]);
            rows.push(line.clone());
        }
    }
    output::print_table(&["KEY", "ENDS", "USED FROM", "TIMES", "LAST USED"], &rows)
}

/// One key.
pub fn show(key: &AccessKey, json: bool) -> CliResult {
    if json { output::print_json(key) } else { output::print_fields(&fields(key)) }
}

/// A key with its secret, shown this once, or written into the file.
pub fn show_with_secret(made: AccessKeyWithSecret, file: Option<EnvFile>, json: bool) -> CliResult {
    let AccessKeyWithSecret { key, secret } = &made;
    let Some(file) = file else {
        if json {
            return output::print_json(&made);
        }
        let mut fields = fields(key);
        fields.push(("secret", format!("{secret}   (shown this once)")));
        return output::print_fields(&fields);
    };
    let described = file.described();
    // The key is there already: who cannot keep its secret rotates it.
    file.write(secret).map_err(|error| error.hint(format!("`grantor access-key rotate {}` makes another", key.id)))?;
    if json {
        return output::print_json(key);
    }
    let mut fields = fields(key);
    fields.push(("secret", described));
    output::print_fields(&fields)
}

fn fields(key: &AccessKey) -> Vec<(&'static str, String)> {
    let limit = |limit: Option<u32>| limit.map(|limit| limit.to_string()).unwrap_or_default();
    let join = |items: Vec<String>| items.join(" ");
    vec![
        ("id", key.id.to_string()),
        ("name", key.name.clone()),
        ("description", key.description.clone()),
        ("key", key.masked.clone()),
        ("status", key.status.as_str().to_owned()),
        ("environment", key.environment.clone()),
        ("owner", owner(key)),
        ("scopes", key.scope.to_string()),
        ("projects", join(key.projects.iter().map(ToString::to_string).collect())),
        ("resources", join(key.resources.iter().map(ToString::to_string).collect())),
        ("plan", key.plan.clone().unwrap_or_default()),
        ("requests_per_minute", limit(key.limits.requests_per_minute)),
        ("requests_per_hour", limit(key.limits.requests_per_hour)),
        ("allowed_addresses", join(key.allowed_addresses.iter().map(ToString::to_string).collect())),
        ("expires_at", time(key.expires_at, "never")),
        ("created_at", time(Some(key.created_at), "")),
        ("created_by", key.created_by.clone()),
        ("rotated_at", time(key.rotated_at, "")),
        ("last_used_at", time(key.last_used_at, "never")),
        ("last_used_address", key.last_used_address.map(|address| address.to_string()).unwrap_or_default()),
    ]
}
