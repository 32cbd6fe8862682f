//! What the metadata of a client must be: OpenID Connect Registration §2, RFC 7591 §2, the logout specifications §2.

use serde_json::Value;
use url::{Host, Url};

use crate::domain::client_metadata::{ClientMetadata, SubjectType};
use crate::domain::text::is_deceptive;
use crate::protocol::redirect_uri::RedirectUri;

/// Longest URI, in bytes.
const MAX_URI: usize = 2048;
/// Longest key set, in bytes as JSON.
const MAX_JWKS: usize = 32 * 1024;
/// Most keys of a set.
const MAX_KEYS: usize = 20;
/// Most entries of a list.
const MAX_ENTRIES: usize = 50;
/// Longest `default_max_age`: a year.
const MAX_AGE: u32 = 366 * 86_400;
/// The algorithms of a client's assertions (RFC 7518 §3.1, RFC 8037 §3.1).
pub const ASSERTION_ALGS: [&str; 5] = ["RS256", "PS256", "ES256", "EdDSA", "HS256"];
/// The members of a JWK that hold what only its owner may know (RFC 7518 §6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A rule that the metadata of a client breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidMetadata(pub String);

type Checked = Result<(), InvalidMetadata>;

fn fail<T>(text: impl Into<String>) -> Result<T, InvalidMetadata> {
    Err(InvalidMetadata(text.into()))
}

/// Where plain http may lead.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plain {
    /// Nowhere.
    No,
    /// To this machine: nothing is overheard there.
    Loopback,
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn check_uri(member: &str, text: Option<&String>, plain: Plain) -> Result<Option<Url>, InvalidMetadata> {
    let Some(text) = text else { return Ok(None) };
    let printable = text.bytes().all(|byte| matches!(byte, 0x21..=0x7E)) && !text.contains(['\\', '<', '>', '"']);
    let absolute = text.starts_with("https://") || text.starts_with("http://");
    let url = match Url::parse(text) {
        Ok(url) if printable && absolute && text.len() <= MAX_URI => url,
        _ => return fail(format!("{member} must be an absolute https URL of at most {MAX_URI} printable characters")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return fail(format!("{member} must not carry credentials"));
    }
    // Where it stands in a Content-Security-Policy, such a host would end the directive.
    if url.host_str().is_some_and(|host| host.contains([';', ',', '\'', '(', ')', '!', '$', '&', '+', '='])) {
        return fail(format!("{member} must have a host that is a name or an address"));
    }
    if url.scheme() != "https" && (plain == Plain::No || !is_loopback(&url)) {
        return fail(format!("{member} must be https"));
    }
    Ok(Some(url))
}

/// For what the server itself calls or sends a browser to: nothing there reads a fragment.
fn check_endpoint(member: &str, text: Option<&String>, plain: Plain) -> Result<Option<Url>, InvalidMetadata> {
    let url = check_uri(member, text, plain)?;
    // OpenID Connect Back-Channel Logout §2.2: must not include a fragment component.
    if text.is_some_and(|text| text.contains('#')) {
        return fail(format!("{member} must not have a fragment"));
    }
    Ok(url)
}

fn check_text(member: &str, text: &str, most: usize) -> Checked {
    if text.is_empty() || text.len() > most || text.chars().any(is_deceptive) {
        return fail(format!("{member} must have 1 to {most} bytes and no control or direction characters"));
    }
    Ok(())
}

/// Scheme, host and port of a redirect URI that a browser opens in its window.
fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    url.has_host().then(|| url.origin().ascii_serialization())
}

/// What a sector is derived from where no `sector_identifier_uri` names it: the host (OpenID Connect Core §8.1).
pub fn redirect_hosts(redirect_uris: &[RedirectUri]) -> Vec<Option<String>> {
    let host = |uri: &RedirectUri| Url::parse(uri.as_str()).ok().and_then(|url| url.host_str().map(str::to_owned));
    let mut hosts: Vec<_> = redirect_uris.iter().map(host).collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

impl ClientMetadata {
    /// Checks it, for a client with these redirect URIs.
    pub fn check(&self, redirect_uris: &[RedirectUri]) -> Checked {
        check_uri("client_uri", self.client_uri.as_ref(), Plain::Loopback)?;
        check_uri("logo_uri", self.logo_uri.as_ref(), Plain::Loopback)?;
        check_uri("policy_uri", self.policy_uri.as_ref(), Plain::Loopback)?;
        check_uri("tos_uri", self.tos_uri.as_ref(), Plain::Loopback)?;
        // OpenID Connect Registration §2: a URI using the https scheme.
        check_endpoint("initiate_login_uri", self.initiate_login_uri.as_ref(), Plain::No)?;
        check_endpoint("backchannel_logout_uri", self.backchannel_logout_uri.as_ref(), Plain::Loopback)?;
        self.check_frontchannel(redirect_uris)?;
        self.check_keys()?;
        self.check_sector(redirect_uris)?;
        self.check_texts()
    }

    /// OpenID Connect Front-Channel Logout §2: scheme, host and port of a registered redirect URI.
    fn check_frontchannel(&self, redirect_uris: &[RedirectUri]) -> Checked {
        let url = check_endpoint("frontchannel_logout_uri", self.frontchannel_logout_uri.as_ref(), Plain::Loopback)?;
        let Some(wanted) = url.map(|url| url.origin().ascii_serialization()) else { return Ok(()) };
        if redirect_uris.iter().any(|uri| origin(uri.as_str()).as_ref() == Some(&wanted)) {
            return Ok(());
        }
        fail("frontchannel_logout_uri must have the scheme, host and port of a redirect URI")
    }

    fn check_keys(&self) -> Checked {
        check_endpoint("jwks_uri", self.jwks_uri.as_ref(), Plain::Loopback)?;
        if let Some(alg) = self.token_endpoint_auth_signing_alg.as_deref().filter(|alg| !ASSERTION_ALGS.contains(alg)) {
            return fail(format!(
                "token_endpoint_auth_signing_alg '{}' is not supported: {}",
                alg.chars().filter(char::is_ascii_graphic).take(20).collect::<String>(),
                ASSERTION_ALGS.join(", ")
            ));
        }
        match (&self.jwks, &self.jwks_uri) {
            // RFC 7591 §2: must not both be present.
            (Some(_), Some(_)) => fail("jwks and jwks_uri exclude each other"),
            (Some(jwks), None) => check_jwks(jwks),
            (None, _) => Ok(()),
        }
    }

    /// OpenID Connect Core §8.1.
    fn check_sector(&self, redirect_uris: &[RedirectUri]) -> Checked {
        check_endpoint("sector_identifier_uri", self.sector_identifier_uri.as_ref(), Plain::Loopback)?;
        if self.subject_type == SubjectType::Pairwise && self.sector_identifier_uri.is_none() {
            let hosts = redirect_hosts(redirect_uris);
            if hosts.len() > 1 || hosts.contains(&None) {
                return fail(
                    "sector_identifier_uri is needed: pairwise subjects with redirect URIs of several hosts, or of none",
                );
            }
        }
        Ok(())
    }

    fn check_texts(&self) -> Checked {
        let lists = [self.contacts.len(), self.post_logout_redirect_uris.len(), self.default_acr_values.len()];
        if lists.iter().any(|length| *length > MAX_ENTRIES) {
            return fail(format!(
                "contacts, post_logout_redirect_uris and default_acr_values take at most {MAX_ENTRIES} entries each"
            ));
        }
        self.contacts.iter().try_for_each(|contact| check_text("contacts", contact, 254))?;
        for value in &self.default_acr_values {
            check_text("default_acr_values", value, 200)?;
            if value.contains(char::is_whitespace) {
                return fail("default_acr_values must not hold spaces");
            }
        }
        self.software_id.iter().try_for_each(|text| check_text("software_id", text, 200))?;
        self.software_version.iter().try_for_each(|text| check_text("software_version", text, 200))?;
        if self.default_max_age.is_some_and(|age| age > MAX_AGE) {
            return fail(format!("default_max_age must be at most {MAX_AGE} seconds"));
        }
        Ok(())
    }
}

/// A JWK set (RFC 7517 §5) of public keys alone.
pub fn check_jwks(jwks: &Value) -> Checked {
    if jwks.to_string().len() > MAX_JWKS {
        return fail(format!("jwks must have at most {MAX_JWKS} bytes"));
    }
    let Some(keys) = jwks.get("keys").and_then(Value::as_array) else {
        return fail("jwks must be a JWK set: an object with the list `keys` (RFC 7517 §5)");
    };
    if keys.is_empty() || keys.len() > MAX_KEYS {
        return fail(format!("jwks must hold 1 to {MAX_KEYS} keys"));
    }
    keys.iter().try_for_each(check_jwk)
}

fn check_jwk(key: &Value) -> Checked {
    let Some(members) = key.as_object() else { return fail("each key of jwks must be an object") };
    if PRIVATE_MEMBERS.iter().any(|name| members.contains_key(*name)) {
        return fail("jwks holds a private or secret key, which nobody but its owner may have: make a new one");
    }
    let has = |name: &str| members.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    // RFC 7518 §3.3: a key of size 2048 bits or larger; shorter text cannot hold its modulus.
    let long = members.get("n").and_then(Value::as_str).is_some_and(|n| n.len() >= 340 && n.len() <= 1400);
    match members.get("kty").and_then(Value::as_str) {
        Some("RSA") if long && has("e") => Ok(()),
        Some("RSA") => fail("an RSA key of jwks must have `n` of 2048 to 8192 bits and `e`"),
        Some("EC") if has("crv") && has("x") && has("y") => Ok(()),
        Some("OKP") if has("crv") && has("x") => Ok(()),
        _ => fail("each key of jwks must be a public RSA, EC or OKP key (RFC 7518 §6, RFC 8037 §2)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn redirects(uris: &[&str]) -> Vec<RedirectUri> {
        uris.iter().map(|uri| RedirectUri::parse(uri).unwrap()).collect()
    }

    fn check(members: Value) -> Result<(), String> {
        let metadata: ClientMetadata = serde_json::from_value(members).unwrap();
        metadata
            .check(&redirects(&["https://app.example/cb", "http://127.0.0.1/cb"]))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn addresses() {
        for (member, value, said) in [
            ("logo_uri", "http://app.example/logo", "https"),
            ("logo_uri", "https://u:p@app.example/logo", "credentials"),
            ("tos_uri", "ftp://app.example/", "absolute"),
            ("policy_uri", "https:app.example", "absolute"),
            ("client_uri", "javascript:alert(1)", "absolute"),
            ("client_uri", "https://app.example/<x>", "printable"),
            ("initiate_login_uri", "http://127.0.0.1/login", "https"),
            ("backchannel_logout_uri", "https://app.example/out#x", "fragment"),
            ("backchannel_logout_uri", "http://app.example/out", "https"),
            ("frontchannel_logout_uri", "https://other.example/out", "redirect URI"),
            ("frontchannel_logout_uri", "https://app.example:8443/out", "redirect URI"),
            ("jwks_uri", "http://app.example/jwks", "https"),
            ("sector_identifier_uri", "http://app.example/x", "https"),
        ] {
            assert!(check(json!({ member: value })).unwrap_err().contains(said), "{member} {value}");
            assert!(check(json!({ member: value })).unwrap_err().contains(member), "{member} {value}");
        }
        for (member, value) in [
            ("policy_uri", "https://app.example/policy#en"),
            ("logo_uri", "http://127.0.0.1:9000/logo"),
            ("backchannel_logout_uri", "http://localhost:9000/out"),
            ("frontchannel_logout_uri", "https://app.example/out?x=1"),
            ("initiate_login_uri", "https://app.example/login"),
        ] {
            assert_eq!(check(json!({ member: value })), Ok(()), "{member}");
        }
    }

    #[test]
    fn keys() {
        let n = "a".repeat(342);
        let rsa = json!({ "kty": "RSA", "n": n, "e": "AQAB" });
        let ec = json!({ "kty": "EC", "crv": "P-256", "x": "x", "y": "y", "kid": "1" });
        let okp = json!({ "kty": "OKP", "crv": "Ed25519", "x": "x" });
        assert_eq!(check(json!({ "jwks": { "keys": [rsa, ec, okp] } })), Ok(()));
        for (key, said) in [
            (json!({ "kty": "RSA", "n": n, "e": "AQAB", "d": "x" }), "private"),
            (json!({ "kty": "EC", "crv": "P-256", "x": "x", "y": "y", "d": "x" }), "private"),
            (json!({ "kty": "oct", "k": "x" }), "private"),
            (json!({ "kty": "oct" }), "public"),
            (json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" }), "2048"),
            (json!("x"), "object"),
        ] {
            assert!(check(json!({ "jwks": { "keys": [key] } })).unwrap_err().contains(said), "{key}");
        }
        assert!(check(json!({ "jwks": { "keys": [] } })).unwrap_err().contains("1 to 20"));
        assert!(check(json!({ "jwks": {} })).unwrap_err().contains("set"));
        let both = json!({ "jwks": { "keys": [rsa] }, "jwks_uri": "https://app.example/jwks" });
        assert!(check(both).unwrap_err().contains("exclude"));
        assert!(check(json!({ "token_endpoint_auth_signing_alg": "none" })).unwrap_err().contains("none"));
        assert_eq!(check(json!({ "token_endpoint_auth_signing_alg": "ES256" })), Ok(()));
    }

    #[test]
    fn sectors_and_texts() {
        let pairwise = ClientMetadata { subject_type: SubjectType::Pairwise, ..ClientMetadata::default() };
        assert_eq!(pairwise.check(&redirects(&["https://a.example/1", "https://a.example/2"])), Ok(()));
        assert!(pairwise.check(&redirects(&["https://a.example/", "https://b.example/"])).is_err());
        assert!(pairwise.check(&redirects(&["com.example.app:/cb"])).is_err());
        assert!(check(json!({ "default_max_age": 40_000_000 })).is_err());
        assert!(check(json!({ "contacts": ["\u{202e}moc.elpmaxe@a"] })).is_err());
        assert!(check(json!({ "default_acr_values": ["a b"] })).is_err());
        assert!(check(json!({ "software_id": "" })).is_err());
    }
}
