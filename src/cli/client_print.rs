//! How clients are printed.

use crate::cli::{CliResult, client_metadata, output};
use crate::domain::client::Client;
use crate::domain::page::Page;
use crate::protocol::origin::Origin;
use crate::protocol::redirect_uri::RedirectUri;
use crate::protocol::resource::Resource;

fn grants(client: &Client) -> String {
    client.grant_types.iter().map(|grant| grant.as_str()).collect::<Vec<_>>().join(" ")
}

fn kind(client: &Client) -> &'static str {
    if client.is_public() { "public" } else { "confidential" }
}

/// A page of clients.
pub fn show_list(page: &Page<Client>, json: bool) -> CliResult {
    if json {
        return output::print_json(page);
    }
    output::print_table(
        &["CLIENT_ID", "NAME", "STATUS", "ENVIRONMENT", "TYPE", "GRANTS", "LAST USED"],
        &page.items.iter().map(row).collect::<Vec<_>>(),
    )?;
    page.next_cursor.as_ref().map_or(Ok(()), |cursor| output::print(&format!("... more: --cursor {cursor}")))
}

fn row(client: &Client) -> Vec<String> {
    vec![
        client.client_id.to_string(),
        client.client_name.clone(),
        client.status.as_str().to_owned(),
        client.environment.clone(),
        kind(client).to_owned(),
        grants(client),
        client.last_used_at.map(|at| at.to_rfc3339()).unwrap_or_default(),
    ]
}

/// One client.
pub fn show(client: &Client, json: bool) -> CliResult {
    if json { output::print_json(client) } else { output::print_fields(&fields(client)) }
}

/// The members of a client, for people.
pub fn fields(client: &Client) -> Vec<(&'static str, String)> {
    let words = |items: Vec<&str>| items.join(" ");
    let seconds = |lifetime: Option<u32>| lifetime.map(|seconds| format!("{seconds} s")).unwrap_or_default();
    let mut fields = vec![
        ("client_id", client.client_id.to_string()),
        ("name", client.client_name.clone()),
        ("description", client.description.clone()),
        ("type", kind(client).to_owned()),
        ("status", client.status.as_str().to_owned()),
        ("environment", client.environment.clone()),
        ("grants", grants(client)),
        ("redirect_uris", words(client.redirect_uris.iter().map(RedirectUri::as_str).collect())),
        ("scope", client.scope.to_string()),
        ("resources", words(client.resources.iter().map(Resource::as_str).collect())),
        ("allowed_origins", words(client.allowed_origins.iter().map(Origin::as_str).collect())),
        ("roles", client.roles.join(" ")),
        ("require_pkce", client.require_pkce.to_string()),
        ("first_party", client.first_party.to_string()),
        ("may_introspect", client.may_introspect.to_string()),
        ("refresh_token_policy", client.refresh_token_policy.as_str().to_owned()),
        ("access_token_lifetime", seconds(client.access_token_lifetime)),
        ("refresh_token_lifetime", seconds(client.refresh_token_lifetime)),
        ("refresh_token_max_lifetime", seconds(client.refresh_token_max_lifetime)),
    ];
    fields.extend(client_metadata::fields(&client.metadata));
    fields.push(("created_at", client.created_at.to_rfc3339()));
    fields.push(("updated_at", client.updated_at.to_rfc3339()));
    fields.push(("last_used_at", client.last_used_at.map(|at| at.to_rfc3339()).unwrap_or_default()));
    fields
}
