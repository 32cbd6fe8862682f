//! Keys of clients and what they sign, made with aws-lc alone: nothing of the server's own code has a part in it.

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair,
};
use aws_lc_rs::{hmac, rsa};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use grantor::flows::clients::ClientMembers;
use grantor::protocol::client_auth_method::ClientAuthMethod;
use grantor::protocol::grant_type::GrantType;
use serde_json::{Value, json};

use crate::alerts_support::Receiver;
use crate::support::*;

/// The one type of assertions.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What signs.
pub enum Key {
    /// RS256 and PS256.
    Rsa(RsaKeyPair),
    /// ES256.
    Ec(EcdsaKeyPair),
    /// EdDSA.
    Ed(Ed25519KeyPair),
    /// HS256.
    Secret(Vec<u8>),
}

impl Key {
    /// A new RSA key.
    pub fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(rsa::KeySize::Rsa2048).unwrap())
    }

    /// A new P-256 key.
    pub fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    /// A new Ed25519 key.
    pub fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    /// The public part.
    pub fn jwk(&self, kid: Option<&str>) -> Value {
        let encode = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
        let mut jwk = match self {
            Self::Rsa(pair) => {
                let public = pair.public_key();
                let trim = |octets: &[u8]| encode(octets);
                json!({ "kty": "RSA", "n": trim(public.modulus().big_endian_without_leading_zero()),
                    "e": trim(public.exponent().big_endian_without_leading_zero()) })
            }
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..65]) })
            }
            Self::Ed(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) }),
            Self::Secret(_) => panic!("a secret has no public part"),
        };
        if let Some(kid) = kid {
            jwk["kid"] = json!(kid);
        }
        jwk
    }

    fn sign(&self, alg: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let padding: &'static dyn aws_lc_rs::signature::RsaEncoding =
                    if alg == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                pair.sign(padding, &random, message, &mut signature).unwrap();
                signature
            }
            Self::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Secret(secret) => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec(),
        }
    }
}

/// A signed JWT.
pub fn signed(header: &Value, claims: &Value, key: &Key) -> String {
    let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", text(header), text(claims));
    let signature = key.sign(header["alg"].as_str().unwrap(), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A JWK Set of these keys, each with its kid.
pub fn jwks(keys: &[(&Key, Option<&str>)]) -> Value {
    json!({ "keys": keys.iter().map(|(key, kid)| key.jwk(*kid)).collect::<Vec<_>>() })
}

/// Members of a client with every grant that goes with a key.
pub fn key_members(client_id: &str, jwks: Option<Value>) -> ClientMembers {
    let grants = GrantType::ALL.into_iter().filter(|grant| *grant != GrantType::Workflow).collect();
    ClientMembers {
        token_endpoint_auth_method: Some(ClientAuthMethod::PrivateKeyJwt),
        grant_types: Some(grants),
        jwks: jwks.map(Some),
        ..confidential_members(client_id)
    }
}

/// Good claims of this client, with an identifier of their own, with these changed; null removes.
pub fn assertion_claims(test: &TestServer, client_id: &str, changes: &Value) -> Value {
    let now = test.clock.now().timestamp();
    let jti = grantor::crypto::random::opaque_id().unwrap();
    let mut claims = json!({ "iss": client_id, "sub": client_id, "aud": test.server.config.server.issuer,
        "iat": now, "exp": now + 60, "jti": jti });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

/// A request with an assertion.
pub fn post_assertion(test: &TestServer, path: &str, assertion: &str, parameters: &[(&str, &str)]) -> Answer {
    let mut form = vec![("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)];
    form.extend(parameters);
    Answer::of(http_client().post(test.url(path)).form(&form))
}

/// A token request by client_credentials with an assertion.
pub fn ask_with(test: &TestServer, assertion: &str) -> Answer {
    post_assertion(test, "/oauth/token", assertion, &[("grant_type", "client_credentials")])
}

/// Publishes what is in the mutex, as whatever status is beside it.
pub fn publisher(document: &Arc<Mutex<(u16, String)>>) -> Receiver {
    let document = Arc::clone(document);
    Receiver::start(Box::new(move |_, stream| {
        let (status, body) = document.lock().unwrap().clone();
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
        let _ = write!(stream, "{head}location: http://127.0.0.1:1/\r\n\r\n{body}");
    }))
}
