//! What `grantor client secrets` prints.

use crate::cli::{CliResult, output};
use crate::flows::clients::ClientSecretInUse;

/// One line for each secret and address.
pub fn show(secrets: &[ClientSecretInUse]) -> CliResult {
    let mut rows = Vec::new();
    for secret in secrets {
        let end = secret.expires_at.map_or_else(|| "never".to_owned(), |end| end.to_rfc3339());
        let start = [format!("...{}", secret.last_four), secret.created_at.to_rfc3339(), end];
        let of = |rest: [String; 4]| start.iter().cloned().chain(rest).collect::<Vec<_>>();
        let workflows = secret.workflows.len().to_string();
        if secret.used_from.is_empty() {
            rows.push(of([workflows.clone(), String::new(), String::new(), String::new()]));
        }
        for used in &secret.used_from {
            rows.push(of([
                workflows.clone(),
                used.address.clone(),
                used.last_used_at.to_rfc3339(),
                used.uses.to_string(),
            ]));
        }
    }
    output::print_table(&["SECRET", "CREATED", "ENDS", "WORKFLOWS", "USED FROM", "LAST USED", "USES"], &rows)
}
