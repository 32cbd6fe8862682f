//! The public keys of a client (RFC 7517), and the check of an assertion's signature (RFC 7515) with one of them or with the
//! client's secret. jsonwebtoken verifies.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::Value;

use crate::protocol::client_assertion::{AssertionAlg, ClientAssertion};

/// Most keys of a set that are looked at: each fitting one costs a verification.
const MAX_KEYS: usize = 20;

/// One key of a client.
struct ClientKey {
    kid: Option<String>,
    /// The algorithms that it may be used with.
    algs: Vec<AssertionAlg>,
    decoding: DecodingKey,
}

/// The keys of a client. What is no usable signature key is left out: a set may hold keys for other purposes.
pub struct ClientKeys(Vec<ClientKey>);

/// A set that cannot be used, as a sentence for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidKeySet(&'static str);

/// What a set says of an assertion's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAnswer {
    /// One of the keys made it.
    Valid,
    /// There are keys that fit, and none made it.
    Invalid,
    /// No key fits: a newer set may have one.
    NoKey,
}

impl ClientKeys {
    /// Reads a JWK Set (RFC 7517 §5). Refuses one with a private or secret key: it has been given away.
    pub fn parse(set: &Value) -> Result<Self, InvalidKeySet> {
        let keys = set.get("keys").and_then(Value::as_array).ok_or(InvalidKeySet("jwks must be a JWK Set"))?;
        if keys.len() > MAX_KEYS {
            return Err(InvalidKeySet("jwks must hold at most 20 keys"));
        }
        if keys.iter().any(|key| ["d", "p", "q", "dp", "dq", "qi", "k"].iter().any(|name| key.get(name).is_some())) {
            return Err(InvalidKeySet("jwks must hold public keys only"));
        }
        Ok(Self(keys.iter().filter_map(ClientKey::read).collect()))
    }

    /// Is there no key to verify with?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks the signature: with the key of the named `kid` or one without any, or with every fitting key where none is
    /// named.
    pub fn verify(&self, assertion: &ClientAssertion) -> KeyAnswer {
        let named = |key: &&ClientKey| match (&assertion.kid, &key.kid) {
            (Some(wanted), Some(kid)) => wanted == kid,
            (None, _) | (_, None) => true,
        };
        let mut fitting = self.0.iter().filter(named).filter(|key| key.algs.contains(&assertion.alg)).peekable();
        if fitting.peek().is_none() {
            return KeyAnswer::NoKey;
        }
        match fitting.any(|key| is_signed_by(assertion, &key.decoding)) {
            true => KeyAnswer::Valid,
            false => KeyAnswer::Invalid,
        }
    }
}

impl ClientKey {
    fn read(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let operations = jwk.get("key_ops").and_then(Value::as_array);
        if operations.is_some_and(|named| !named.iter().any(|operation| operation == "verify")) {
            return None;
        }
        let (mut algs, decoding) = match (text("kty")?, text("crv")) {
            ("RSA", _) => (
                vec![AssertionAlg::RS256, AssertionAlg::PS256],
                DecodingKey::from_rsa_components(text("n")?, text("e")?),
            ),
            ("EC", Some("P-256")) => {
                (vec![AssertionAlg::ES256], DecodingKey::from_ec_components(text("x")?, text("y")?))
            }
            ("OKP", Some("Ed25519")) => (vec![AssertionAlg::EdDsa], DecodingKey::from_ed_components(text("x")?)),
            _ => return None,
        };
        if let Some(alg) = text("alg") {
            // RFC 9864 gives EdDSA with Ed25519 a name of its own.
            algs.retain(|own| own.as_str() == alg || (*own == AssertionAlg::EdDsa && alg == "Ed25519"));
        }
        let usable = decoding.ok().filter(|_| !algs.is_empty())?;
        Some(Self { kid: text("kid").map(str::to_owned), algs, decoding: usable })
    }
}

/// Was the assertion made with this secret (HS256)?
pub fn is_made_with_secret(assertion: &ClientAssertion, secret: &[u8]) -> bool {
    assertion.alg.is_symmetric() && is_signed_by(assertion, &DecodingKey::from_secret(secret))
}

fn is_signed_by(assertion: &ClientAssertion, key: &DecodingKey) -> bool {
    let algorithm = match assertion.alg {
        AssertionAlg::RS256 => Algorithm::RS256,
        AssertionAlg::PS256 => Algorithm::PS256,
        AssertionAlg::ES256 => Algorithm::ES256,
        AssertionAlg::EdDsa => Algorithm::EdDSA,
        AssertionAlg::HS256 => Algorithm::HS256,
    };
    let mut validation = Validation::new(algorithm);
    // The claims are checked by the domain: only the signature is asked for here.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    decode::<Value>(assertion.text.as_str(), key, &validation).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn which_sets_and_keys_are_read() {
        let ec = json!({ "kty": "EC", "crv": "P-256", "kid": "a",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" });
        let with = |name: &str, value: &str| {
            let mut key = ec.clone();
            key[name] = json!(value);
            key
        };
        let count = |key: Value| ClientKeys::parse(&json!({ "keys": [key] })).map(|keys| keys.0.len());
        assert_eq!(count(ec.clone()), Ok(1));
        assert_eq!(count(with("alg", "ES256")), Ok(1));
        for other in [with("use", "enc"), with("alg", "ES384"), with("crv", "P-384"), with("kty", "oct"), json!(1)] {
            assert_eq!(count(other.clone()), Ok(0), "{other}");
        }
        assert!(count(with("d", "x")).is_err() && count(json!({ "kty": "oct", "k": "x" })).is_err());
        assert!(ClientKeys::parse(&json!([])).is_err());
        assert!(ClientKeys::parse(&json!({ "keys": vec![ec.clone(); 21] })).is_err());
    }
}
