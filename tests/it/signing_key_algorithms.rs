//! Signing keys of every algorithm: made, published, used by a library that is not ours, rotated each for itself, imported.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use grantor::config::Config;
use grantor::crypto::jwt;
use grantor::crypto::jwt::Verification;
use grantor::domain::denial::Denial;
use grantor::domain::signing_key::SigningKey;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::error::{FlowError, FlowResult};
use grantor::flows::signing_keys::{self, RotationMode};
use grantor::protocol::jwk::PublicParameters;
use grantor::protocol::signing_alg::SigningAlg;
use openidconnect::JsonWebKey as _;
use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use serde_json::{Value, json};

use crate::support::*;

on_both!(
    every_published_key_is_usable_elsewhere,
    access_tokens_are_rs256_only,
    an_upgraded_database_gets_what_is_missing,
    an_algorithm_can_be_left_out,
    each_algorithm_is_rotated_for_itself,
    keys_of_every_kind_are_imported,
    the_api_shows_and_takes_the_algorithm,
    a_registration_needs_a_key,
);

fn jwks(test: &TestServer) -> Vec<Value> {
    let answer = Answer::of(http_client().get(test.url("/.well-known/jwks.json")));
    answer.json()["keys"].as_array().unwrap().clone()
}

/// The `kid`s of an algorithm, in the order of the document.
fn published(test: &TestServer, alg: SigningAlg) -> Vec<String> {
    let keys = jwks(test);
    keys.iter().filter(|key| key["alg"] == alg.as_str()).map(|key| text(&key["kid"])).collect()
}

fn sign(test: &TestServer, alg: SigningAlg, typ: &str, claims: &Value) -> String {
    let keyring = test.server.keyring();
    jwt::sign_as(typ, claims, keyring.signing_key(alg, test.clock.now()).unwrap()).unwrap()
}

fn every_published_key_is_usable_elsewhere(engine: Engine) {
    let test = TestServer::start(engine);
    let set: CoreJsonWebKeySet = serde_json::from_value(json!({ "keys": jwks(&test) })).unwrap();
    assert_eq!(set.keys().len(), 4, "the library reads every key");
    for (alg, theirs) in [
        (SigningAlg::RS256, CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256),
        (SigningAlg::PS256, CoreJwsSigningAlgorithm::RsaSsaPssSha256),
        (SigningAlg::ES256, CoreJwsSigningAlgorithm::EcdsaP256Sha256),
        (SigningAlg::EdDsa, CoreJwsSigningAlgorithm::EdDsa),
    ] {
        let token = sign(&test, alg, "JWT", &json!({ "sub": "ada" }));
        let (message, signature) = token.rsplit_once('.').unwrap();
        let header: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
        assert_eq!((&header["alg"], &header["typ"]), (&alg.as_str().into(), &"JWT".into()));
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let kid = text(&header["kid"]);
        let key = set.keys().iter().find(|key| key.key_id().is_some_and(|id| **id == kid)).unwrap();
        key.verify_signature(&theirs, message.as_bytes(), &signature).unwrap();
        assert!(key.verify_signature(&theirs, b"another message", &signature).is_err());
    }
}

fn access_tokens_are_rs256_only(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let token = text(&test.token(&client, &[("grant_type", "client_credentials")]).json()["access_token"]);
    assert!(test.is_active(&client, &token));
    let claims = claims(&token);
    for alg in [SigningAlg::PS256, SigningAlg::ES256, SigningAlg::EdDsa] {
        // A good signature of our own key, and yet no access token.
        assert!(!test.is_active(&client, &sign(&test, alg, "at+jwt", &claims)), "{alg:?}");
    }
    assert!(test.is_active(&client, &sign(&test, SigningAlg::RS256, "at+jwt", &claims)));
    assert!(!test.is_active(&client, &sign(&test, SigningAlg::RS256, "JWT", &claims)), "of another type");
    // The header does not choose: a key of ours verifies with its own algorithm and no other.
    let keyring = test.server.keyring();
    let issuer = &test.server.config.server.issuer;
    let (header, rest) = token.split_once('.').unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    for alg in ["none", "HS256", "PS256", "ES256", "RS512"] {
        let mut forged = header.clone();
        forged["alg"] = alg.into();
        let forged = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(forged.to_string()));
        let verified = jwt::verify(&forged, issuer, &keyring, test.clock.now());
        assert!(matches!(verified, Verification::Invalid), "{alg}");
    }
}

fn only_rs256(config: &mut Config) {
    config.signing_keys.algorithms = Vec::new().into();
}

fn an_upgraded_database_gets_what_is_missing(engine: Engine) {
    // As the version before left it: a key for RS256, and no other.
    let empty = std::sync::Arc::new(TestDatabase::empty(engine));
    let clock = grantor::clock::Clock::fixed(start_time());
    let before = TestServer::start_on(std::sync::Arc::clone(&empty), clock.clone(), only_rs256);
    assert_eq!(jwks(&before).len(), 1);
    let old = published(&before, SigningAlg::RS256);
    drop(before);
    let test = TestServer::start_on(std::sync::Arc::clone(&empty), clock.clone(), |_| ());
    assert_eq!(published(&test, SigningAlg::RS256), old);
    assert_eq!(jwks(&test).len(), 4);
    assert_eq!(test.events("signing_key.created").len(), 4);
    for alg in SigningAlg::ALL {
        assert!(test.server.keyring().signing_key(alg, test.clock.now()).is_some(), "{alg:?} signs at once");
    }
    // The next start makes none, nor does an instance that starts beside it.
    let sibling = TestServer::start_on(empty, clock, |_| ());
    assert_eq!((jwks(&sibling).len(), sibling.events("signing_key.created").len()), (4, 4));
}

fn an_algorithm_can_be_left_out(engine: Engine) {
    let parsed = |text: &str| Config::from_toml(text).map(|config| config.signing_keys.algorithms);
    let two = parsed("[signing_keys]\nalgorithms = ['EdDSA']").unwrap();
    assert_eq!(two.iter().collect::<Vec<_>>(), [SigningAlg::RS256, SigningAlg::EdDsa], "RS256 is always there");
    assert_eq!(parsed("[signing_keys]\nalgorithms = 'ES256, PS256'").unwrap().iter().count(), 3);
    for bad in ["['none']", "['HS256']", "['rs256']", "['RS512']"] {
        assert!(parsed(&format!("[signing_keys]\nalgorithms = {bad}")).is_err(), "{bad}");
    }
    // What was taken out is offered no more, and goes on for those who have it.
    let test = TestServer::start_with(engine, only_rs256);
    assert_eq!(jwks(&test).len(), 4);
    let made = signing_keys::rotate(&test.server, &Caller::command_line(), RotationMode::AtOnce, SigningAlg::ES256);
    assert_eq!(made.unwrap().alg, SigningAlg::ES256);
    let clock = grantor::clock::Clock::fixed(start_time());
    let bare = TestServer::start_on(std::sync::Arc::new(TestDatabase::empty(engine)), clock, only_rs256);
    let refused = signing_keys::rotate(&bare.server, &Caller::command_line(), RotationMode::AtOnce, SigningAlg::ES256);
    assert!(matches!(refused, Err(FlowError::Denied(Denial::Conflict(_)))), "{refused:?}");
}

fn rotate(test: &TestServer, mode: RotationMode, alg: SigningAlg) -> String {
    signing_keys::rotate(&test.server, &Caller::command_line(), mode, alg).unwrap().kid
}

fn each_algorithm_is_rotated_for_itself(engine: Engine) {
    let test = TestServer::start(engine);
    let day = 86_400;
    let signs = |alg| test.server.keyring().signing_key(alg, test.clock.now()).unwrap().kid.clone();
    let before: Vec<_> = SigningAlg::ALL.iter().map(|alg| published(&test, *alg)).collect();
    for alg in [SigningAlg::ES256, SigningAlg::EdDsa] {
        let old = signs(alg);
        let next = rotate(&test, RotationMode::Scheduled, alg);
        assert_eq!((published(&test, alg).len(), signs(alg)), (2, old.clone()), "published ahead");
        let again = signing_keys::rotate(&test.server, &Caller::command_line(), RotationMode::Scheduled, alg);
        assert!(matches!(again, Err(FlowError::Denied(Denial::Conflict(_)))), "one at a time");
        test.advance(day);
        assert_eq!(signs(alg), next);
        assert!(published(&test, alg).contains(&old), "until the last token has expired");
        test.advance(day);
        assert_eq!(published(&test, alg), [next]);
    }
    // A compromised key takes those of its own algorithm along, and no others.
    let retired = signs(SigningAlg::ES256);
    rotate(&test, RotationMode::AtOnce, SigningAlg::ES256);
    let between = signs(SigningAlg::EdDsa);
    let token = sign(&test, SigningAlg::ES256, "JWT", &json!({}));
    let last = rotate(&test, RotationMode::AtOnce, SigningAlg::EdDsa);
    let fresh = rotate(&test, RotationMode::Compromised, SigningAlg::ES256);
    assert_eq!(published(&test, SigningAlg::ES256), std::slice::from_ref(&fresh));
    assert!(!published(&test, SigningAlg::ES256).contains(&retired));
    let eddsa = published(&test, SigningAlg::EdDsa);
    assert!(eddsa.contains(&between) && eddsa.contains(&last) && eddsa.len() == 2);
    let verified = jwt::verify_as::<Value>("JWT", None, &token, (&test.server.keyring(), test.clock.now()));
    assert!(matches!(verified, jwt::Signed::UnknownKey));
    assert_eq!(published(&test, SigningAlg::RS256), before[0]);
    assert_eq!(published(&test, SigningAlg::PS256), before[1]);
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn import(test: &TestServer, pem: &str, alg: Option<SigningAlg>) -> FlowResult<SigningKey> {
    signing_keys::import(&test.server, &Caller::command_line(), RotationMode::AtOnce, pem, alg)
}

fn keys_of_every_kind_are_imported(engine: Engine) {
    let test = TestServer::start(engine);
    let random = SystemRandom::new();
    let p256 = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let (one, two) = (p256(), p256());
    let pkcs8 = pem("PRIVATE KEY", one.to_pkcs8v1().unwrap().as_ref());
    let sec1 = pem("EC PRIVATE KEY", two.private_key().as_der().unwrap().as_ref());
    let ed_v1 = pem("PRIVATE KEY", Ed25519KeyPair::generate_pkcs8v1(&random).unwrap().as_ref());
    let ed_v2 = pem("PRIVATE KEY", Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref());
    let rsa = grantor::crypto::key_pair::generate(SigningAlg::PS256, 2048).unwrap();
    let rsa = pem("PRIVATE KEY", &rsa);
    for (text, named, alg) in [
        (&pkcs8, None, SigningAlg::ES256),
        (&sec1, Some(SigningAlg::ES256), SigningAlg::ES256),
        (&ed_v1, None, SigningAlg::EdDsa),
        (&ed_v2, Some(SigningAlg::EdDsa), SigningAlg::EdDsa),
        (&rsa, Some(SigningAlg::PS256), SigningAlg::PS256),
    ] {
        let made = import(&test, text, named).unwrap();
        assert_eq!((made.alg, made.public_jwk.alg), (alg, alg));
        assert!(published(&test, alg).contains(&made.kid));
        let token = sign(&test, alg, "JWT", &json!({ "sub": "ada" }));
        let verified = jwt::verify_as::<Value>("JWT", None, &token, (&test.server.keyring(), test.clock.now()));
        assert!(matches!(verified, jwt::Signed::Claims(claims) if claims["sub"] == "ada"));
    }
    // One key, one algorithm: the same again is refused, also for another one.
    for named in [None, Some(SigningAlg::PS256)] {
        let refused = import(&test, &rsa, named);
        assert!(matches!(refused, Err(FlowError::Denied(Denial::Conflict(_)))), "{refused:?}");
    }
    let p384 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
    for (text, named) in [
        (pkcs8.clone(), Some(SigningAlg::RS256)),
        (pkcs8.clone(), Some(SigningAlg::EdDsa)),
        (ed_v1, Some(SigningAlg::ES256)),
        (rsa, Some(SigningAlg::EdDsa)),
        (pem("PRIVATE KEY", p384.as_ref()), None),
        (pem("EC PRIVATE KEY", b"garbage"), None),
        (pem("PRIVATE KEY", &one.to_pkcs8v1().unwrap().as_ref()[..40]), None),
        (pem("PUBLIC KEY", b"x"), None),
    ] {
        let refused = import(&test, &text, named);
        assert!(matches!(refused, Err(FlowError::Denied(Denial::InvalidMember(_)))), "{text} {refused:?}");
    }
    let kinds: Vec<_> = jwks(&test).iter().map(|key| text(&key["kty"])).collect();
    assert_eq!(kinds.iter().filter(|kty| *kty == "EC").count(), 3);
    let known = signing_keys::list(&test.server, &Caller::command_line()).unwrap();
    let is_point = |key: &SigningKey| matches!(&key.public_jwk.parameters, PublicParameters::Ec { x, y, .. } if x.len() == 43 && y.len() == 43);
    assert!(
        known.iter().filter(|(key, _)| key.alg == SigningAlg::ES256).all(|(key, _)| is_point(key) && key.bits == 256)
    );
}

fn the_api_shows_and_takes_the_algorithm(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = test.admin_token("admin");
    let post = |body: Value| {
        Answer::of(http_client().post(test.url("/v1/signing-keys/rotate")).bearer_auth(&admin).json(&body))
    };
    let made = post(json!({ "mode": "at_once", "alg": "EdDSA" }));
    assert_eq!((made.status.as_u16(), &made.json()["alg"]), (200, &"EdDSA".into()), "{}", made.body);
    assert_eq!(made.json()["public_jwk"]["kty"], "OKP");
    assert_eq!(post(json!({ "mode": "scheduled" })).json()["alg"], "RS256", "the default");
    for bad in [json!({ "alg": "none" }), json!({ "alg": "HS256" }), json!({ "alg": null })] {
        assert_eq!(post(bad.clone()).status.as_u16(), 400, "{bad}");
    }
    let listed = Answer::of(http_client().get(test.url("/v1/signing-keys")).bearer_auth(&admin)).json();
    let algs: Vec<_> = listed["items"].as_array().unwrap().iter().map(|key| text(&key["alg"])).collect();
    assert_eq!((algs.len(), algs.iter().filter(|alg| *alg == "EdDSA").count()), (6, 2), "{listed}");
}

fn a_registration_needs_a_key(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.signing_keys.algorithms = vec![SigningAlg::ES256].into();
    });
    let register = |id: &str, members: ClientMembers| {
        let members = ClientMembers { client_id: Some(id.to_owned()), ..members };
        clients::create(&test.server, &Caller::command_line(), members)
    };
    let id_token = |alg| ClientMembers { id_token_signed_response_alg: Some(alg), ..confidential_members("x") };
    let userinfo = |alg| ClientMembers { userinfo_signed_response_alg: Some(Some(alg)), ..confidential_members("x") };
    assert!(register("a", id_token(SigningAlg::ES256)).is_ok());
    assert!(register("b", userinfo(SigningAlg::RS256)).is_ok());
    for (members, member) in [
        (id_token(SigningAlg::EdDsa), "id_token_signed_response_alg"),
        (userinfo(SigningAlg::PS256), "userinfo_signed_response_alg"),
    ] {
        match register("c", members) {
            Err(FlowError::Denied(Denial::InvalidMember(text))) => assert!(text.starts_with(member), "{text}"),
            other => panic!("{:?}", other.map(|made| made.client)),
        }
    }
}
