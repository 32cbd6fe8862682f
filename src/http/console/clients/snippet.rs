//! Code and variables for a client, with its own identifiers in them.

use crate::domain::client::Client;
use crate::protocol::client_auth_method::ClientAuthMethod;
use crate::protocol::grant_type::GrantType;
use crate::protocol::scope::{OPENID, Scope};

const SINGLE_PAGE_APP: &str = include_str!("../../../../templates/snippets/single_page_app.js");
const WEB_APP: &str = include_str!("../../../../templates/snippets/web_app.js");
const NATIVE_APP: &str = include_str!("../../../../templates/snippets/native_app.js");
const MACHINE: &str = include_str!("../../../../templates/snippets/machine.sh");
const MACHINE_KEY: &str = include_str!("../../../../templates/snippets/machine_key.js");
const RESOURCE_SERVER: &str = include_str!("../../../../templates/snippets/resource_server.sh");

/// The variables of a client, one a line.
pub fn env(issuer: &str, client: &Client, secret: Option<&str>) -> String {
    let secret = secret.map(|secret| format!("CLIENT_SECRET={secret}\n")).unwrap_or_default();
    format!("ISSUER={issuer}\nCLIENT_ID={}\n{secret}", client.client_id)
}

/// A text as JavaScript writes it: JSON is a part of that language, and `<` could end a script.
fn js(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('<', "\\u003c")
}

/// A word as a shell reads it.
fn sh(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/@%+".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Code that uses the client; None where its grants are none of the usual ones.
pub fn of(issuer: &str, client: &Client) -> Option<String> {
    let code = client.allows_grant(GrantType::AuthorizationCode);
    let machine = client.allows_grant(GrantType::ClientCredentials);
    let by_key = client.token_endpoint_auth_method == ClientAuthMethod::PrivateKeyJwt;
    let is_loopback = |uri: &str| uri.starts_with("http://127.0.0.1") || uri.starts_with("http://[::1]");
    let redirect = client.redirect_uris.first().map(|uri| uri.as_str()).unwrap_or_default();
    let native = client.redirect_uris.iter().map(|uri| uri.as_str()).find(|uri| is_loopback(uri));
    let private = !redirect.starts_with("http");
    match (code, machine) {
        (true, _) if client.is_public() && (native.is_some() || private) && client.allowed_origins.is_empty() => {
            Some(in_js(NATIVE_APP, issuer, client, native.unwrap_or(redirect)))
        }
        (true, _) if client.is_public() => Some(in_js(SINGLE_PAGE_APP, issuer, client, redirect)),
        (true, _) if client.token_endpoint_auth_method.sends_secret() => Some(in_js(WEB_APP, issuer, client, redirect)),
        (false, true) if by_key => Some(in_js(MACHINE_KEY, issuer, client, redirect)),
        (false, true) if client.may_introspect && client.has_secret() => Some(in_sh(RESOURCE_SERVER, issuer, client)),
        (false, true) if client.token_endpoint_auth_method.sends_secret() => Some(in_sh(MACHINE, issuer, client)),
        _ => None,
    }
}

fn in_js(template: &str, issuer: &str, client: &Client, redirect: &str) -> String {
    let authentication = match client.token_endpoint_auth_method {
        ClientAuthMethod::ClientSecretBasic => "client.ClientSecretBasic(process.env.CLIENT_SECRET)",
        _ => "client.ClientSecretPost(process.env.CLIENT_SECRET)",
    };
    let openid = client.scope.contains(OPENID);
    filled(
        template,
        &[
            ("REQUIRE_ID_TOKEN", if openid { "true" } else { "false" }),
            ("REDIRECT_URI", &js(redirect)),
            ("AUTHENTICATION", authentication),
            ("CLIENT_ID", &js(client.client_id.as_str())),
            ("ISSUER", &js(issuer)),
            ("SCOPE", &js(&asked(&client.scope))),
        ],
    )
}

fn in_sh(template: &str, issuer: &str, client: &Client) -> String {
    let scope = asked(&client.scope).replace(' ', "+");
    filled(template, &[("CLIENT_ID", &sh(client.client_id.as_str())), ("ISSUER", &sh(issuer)), ("SCOPE", &sh(&scope))])
}

/// The scope that an example asks for: all but what needs `prompt=consent` each time.
fn asked(scope: &Scope) -> String {
    scope.iter().filter(|token| *token != "offline_access").collect::<Vec<_>>().join(" ")
}

/// The template with each whole word replaced once over: what was put in is not looked at again.
fn filled(template: &str, values: &[(&str, &str)]) -> String {
    let mut written = String::with_capacity(template.len() + 200);
    let mut rest = template;
    while let Some(start) = rest.find(|character: char| character.is_ascii_uppercase() || character == '$') {
        let (before, from) = rest.split_at(start);
        written.push_str(before);
        let is_variable = from.starts_with('$') || before.ends_with('.');
        let length = from.bytes().skip(1).take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count() + 1;
        let (word, after) = from.split_at(length);
        let value = values.iter().find(|(name, _)| *name == word && !is_variable).map(|(_, value)| *value);
        written.push_str(value.unwrap_or(word));
        rest = after;
    }
    written.push_str(rest);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_quoted_and_not_read_again() {
        let template = "a(ISSUER, process.env.CLIENT_ID, \"$SCOPE\", CLIENT_ID);";
        let text = filled(template, &[("ISSUER", &js("SCOPE</script>\"")), ("CLIENT_ID", "'x'"), ("SCOPE", "no")]);
        assert_eq!(text, "a(\"SCOPE\\u003c/script>\\\"\", process.env.CLIENT_ID, \"$SCOPE\", 'x');");
        assert_eq!(sh("a'b c"), "'a'\\''b c'");
        assert_eq!(sh("read+write:x"), "read+write:x");
    }
}
