//! The life of signing keys, by a clock that stands still: published, signing, retired, gone; rotation under races.

use std::collections::BTreeSet;
use std::sync::{Barrier, OnceLock};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use grantor::domain::denial::Denial;
use grantor::domain::signing_key::{SigningKey, SigningKeyState};
use grantor::flows::caller::Caller;
use grantor::flows::clients::ClientMembers;
use grantor::flows::error::{FlowError, FlowResult};
use grantor::flows::signing_keys::{self, RotationMode};
use grantor::protocol::jwk::PublicParameters;
use grantor::protocol::signing_alg::SigningAlg;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BigUint, RsaPrivateKey};
use serde_json::Value;

use crate::support::*;

on_both!(
    a_scheduled_key_is_published_before_it_signs,
    a_key_at_once_signs_and_the_old_one_stays_published,
    a_compromised_key_is_refused_at_once,
    compromise_takes_a_pending_key_along,
    rotation_comes_when_it_is_due,
    of_many_rotations_one_wins,
    of_many_due_rotations_one_wins,
    a_sibling_verifies_a_key_it_has_not_loaded,
    a_sibling_signs_with_the_new_key_at_the_same_moment,
    keys_from_elsewhere_are_imported,
    unusable_keys_are_refused,
    private_parts_stay_inside,
);

const DAY: u64 = 86_400;

/// RSA keys of this test run, made once: 2048 bits each.
fn keys() -> &'static [RsaPrivateKey] {
    static KEYS: OnceLock<Vec<RsaPrivateKey>> = OnceLock::new();
    KEYS.get_or_init(|| (0..4).map(|_| RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap()).collect())
}

fn pem(key: &RsaPrivateKey) -> String {
    key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string()
}

fn import(test: &TestServer, mode: RotationMode, pem: &str) -> FlowResult<SigningKey> {
    signing_keys::import(&test.server, &Caller::command_line(), mode, pem, Some(SigningAlg::RS256))
}

/// Imports one of the prepared keys: quicker than making one, and otherwise a rotation like any other.
fn rotate(test: &TestServer, mode: RotationMode, number: usize) -> String {
    import(test, mode, &pem(&keys()[number])).unwrap().kid
}

/// The `kid`s of RS256 in the JWKS.
fn published(test: &TestServer) -> BTreeSet<String> {
    let answer = Answer::of(http_client().get(test.url("/.well-known/jwks.json")));
    assert_eq!(answer.status, 200);
    let keys = answer.json()["keys"].as_array().unwrap().clone();
    keys.iter().filter(|key| key["alg"] == "RS256").map(|key| text(&key["kid"])).collect()
}

fn set(kids: &[&String]) -> BTreeSet<String> {
    kids.iter().map(|kid| (*kid).clone()).collect()
}

fn issue(test: &TestServer, client: &TestClient) -> String {
    text(&test.token(client, &[("grant_type", "client_credentials")]).json()["access_token"])
}

fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    text(&serde_json::from_slice::<Value>(&header).unwrap()["kid"])
}

fn current(test: &TestServer) -> String {
    test.server.keyring().signing_key(SigningAlg::RS256, test.clock.now()).unwrap().kid.clone()
}

fn states(test: &TestServer) -> Vec<SigningKeyState> {
    let keys = signing_keys::list(&test.server, &Caller::command_line()).unwrap();
    keys.into_iter().filter(|(key, _)| key.alg == SigningAlg::RS256).map(|(_, state)| state).collect()
}

/// A client whose tokens live as long as any may.
fn long_lived(test: &TestServer) -> TestClient {
    test.client(ClientMembers { access_token_lifetime: Some(Some(86_400)), ..confidential_members("web") })
}

fn a_scheduled_key_is_published_before_it_signs(engine: Engine) {
    let test = TestServer::start(engine);
    let client = long_lived(&test);
    let old = current(&test);
    let etag = Answer::of(http_client().get(test.url("/.well-known/jwks.json"))).header("etag");
    let new = rotate(&test, RotationMode::Scheduled, 0);
    let changed = http_client().get(test.url("/.well-known/jwks.json")).header("if-none-match", &etag);
    assert_eq!(Answer::of(changed).status, 200, "the validator changes with the keys");
    assert_eq!(published(&test), set(&[&old, &new]));
    assert_eq!(states(&test), [SigningKeyState::Pending, SigningKeyState::Active]);
    assert_eq!(kid(&issue(&test, &client)), old);
    test.advance(DAY - 1);
    let last = issue(&test, &client);
    assert_eq!(kid(&last), old, "the old key signs until the new one takes over");
    test.advance(1);
    let first = issue(&test, &client);
    assert_eq!(kid(&first), new);
    assert_eq!(states(&test), [SigningKeyState::Active, SigningKeyState::Retired]);
    test.advance(DAY - 2);
    assert!(test.is_active(&client, &last), "what the old key signed last is good to its end");
    assert_eq!(published(&test), set(&[&old, &new]));
    test.advance(1);
    assert_eq!(published(&test), set(&[&old, &new]));
    test.advance(1);
    assert_eq!(published(&test), set(&[&new]));
    assert_eq!(states(&test), [SigningKeyState::Active, SigningKeyState::Expired]);
    assert!(!test.is_active(&client, &last));
    assert_eq!(test.events("signing_key.imported").len(), 1);
}

fn a_key_at_once_signs_and_the_old_one_stays_published(engine: Engine) {
    let test = TestServer::start(engine);
    let client = long_lived(&test);
    let (old, before) = (current(&test), issue(&test, &client));
    let new = rotate(&test, RotationMode::AtOnce, 0);
    assert_eq!(kid(&issue(&test, &client)), new);
    assert_eq!(published(&test), set(&[&old, &new]));
    assert!(test.is_active(&client, &before));
    test.advance(DAY - 1);
    assert!(test.is_active(&client, &before));
    assert_eq!(published(&test), set(&[&old, &new]));
    test.advance(1);
    assert_eq!(published(&test), set(&[&new]));
}

fn a_compromised_key_is_refused_at_once(engine: Engine) {
    let test = TestServer::start(engine);
    let client = long_lived(&test);
    let admin = test.admin_token("admin");
    let ask = || Answer::of(http_client().get(test.url("/v1/clients")).bearer_auth(&admin));
    let (first, before) = (current(&test), issue(&test, &client));
    let second = rotate(&test, RotationMode::AtOnce, 0);
    let between = issue(&test, &client);
    assert_eq!((kid(&before), kid(&between)), (first, second));
    assert_eq!(ask().status, 200);
    let third = rotate(&test, RotationMode::Compromised, 1);
    assert_eq!(published(&test), set(&[&third]), "every key from before leaves at once");
    assert!(!test.is_active(&client, &before) && !test.is_active(&client, &between));
    assert_eq!((ask().status.as_u16(), ask().json()["code"].clone()), (401, Value::from("invalid_token")));
    let fresh = issue(&test, &client);
    assert_eq!(kid(&fresh), third);
    assert!(test.is_active(&client, &fresh));
    assert_eq!(test.events("signing_key.imported")[0].detail.as_deref(), Some("Compromised"));
}

fn compromise_takes_a_pending_key_along(engine: Engine) {
    let test = TestServer::start(engine);
    let client = long_lived(&test);
    let before = issue(&test, &client);
    rotate(&test, RotationMode::Scheduled, 0);
    let new = rotate(&test, RotationMode::Compromised, 1);
    assert_eq!(published(&test), set(&[&new]));
    assert!(!test.is_active(&client, &before));
    assert_eq!(kid(&issue(&test, &client)), new);
    // The key that was to take over never does.
    test.advance(2 * DAY);
    assert_eq!((published(&test), kid(&issue(&test, &client))), (set(&[&new]), new));
}

fn rotation_comes_when_it_is_due(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let old = current(&test);
    // The first key has been signing for an hour when a test starts.
    test.advance(89 * DAY - 3_601);
    assert!(signing_keys::rotate_if_due(&test.server).unwrap().is_empty());
    test.advance(1);
    let made = signing_keys::rotate_if_due(&test.server).unwrap();
    let algorithms: BTreeSet<SigningAlg> = made.iter().map(|key| key.alg).collect();
    assert_eq!((made.len(), algorithms), (4, BTreeSet::from(SigningAlg::ALL)), "each algorithm alike");
    let new = made.into_iter().find(|key| key.alg == SigningAlg::RS256).unwrap();
    assert_eq!(new.active_from, test.clock.now() + Duration::from_secs(DAY), "ninety days after the one before");
    assert_eq!(kid(&issue(&test, &client)), old);
    assert!(signing_keys::rotate_if_due(&test.server).unwrap().is_empty(), "one at a time");
    test.advance(DAY);
    assert_eq!(kid(&issue(&test, &client)), new.kid);
    assert!(signing_keys::rotate_if_due(&test.server).unwrap().is_empty());
    let events = test.events("signing_key.rotated");
    assert!(events.iter().all(|event| event.actor_kind == "server"));
    assert!(events.iter().any(|event| event.target_id.as_deref() == Some(new.kid.as_str())));
}

fn at_once<T: Send>(callers: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(callers);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..callers)
            .map(|number| {
                let (barrier, work) = (&barrier, &work);
                scope.spawn(move || {
                    barrier.wait();
                    work(number)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn of_many_rotations_one_wins(engine: Engine) {
    for mode in [RotationMode::Scheduled, RotationMode::AtOnce] {
        let test = TestServer::start(engine);
        let instances = [&test, &test.sibling()];
        let pems: Vec<String> = keys().iter().map(pem).collect();
        let old = current(&test);
        let done = at_once(4, |number| import(instances[number % 2], mode, &pems[number]));
        // The winner may have been the other instance: each reads the keys as its job does every few seconds.
        for instance in instances {
            signing_keys::reload(&instance.server).unwrap();
        }
        let won: Vec<&SigningKey> = done.iter().flatten().collect();
        let lost = done.iter().filter(|done| matches!(done, Err(FlowError::Denied(Denial::Conflict(_))))).count();
        if mode == RotationMode::Scheduled {
            assert_eq!((won.len(), lost), (1, 3), "{done:?}");
            assert_eq!(published(&test), set(&[&old, &won[0].kid]));
        }
        assert!(!won.is_empty() && won.len() + lost == 4, "{done:?}");
        let open = test.server.store.read(|connection| connection.list_signing_keys()).unwrap();
        let open: Vec<_> = open.into_iter().filter(|row| row.key.alg == SigningAlg::RS256).collect();
        assert_eq!(open.len(), won.len() + 1, "each winner is there, no loser");
        assert_eq!(open.iter().filter(|row| row.key.retired_at.is_none()).count(), 1, "one is current");
        assert_eq!(current(instances[0]), current(instances[1]));
        assert_eq!(test.events("signing_key.imported").len(), won.len());
    }
}

fn of_many_due_rotations_one_wins(engine: Engine) {
    let test = TestServer::start(engine);
    let sibling = test.sibling();
    test.advance(90 * DAY);
    let done = at_once(4, |number| {
        let instance = if number % 2 == 0 { &test } else { &sibling };
        signing_keys::rotate_if_due(&instance.server).unwrap()
    });
    let made: Vec<SigningAlg> = done.into_iter().flatten().map(|key| key.alg).collect();
    assert_eq!((made.len(), made.into_iter().collect::<BTreeSet<_>>().len()), (4, 4), "one for each algorithm");
    // The winner may have been the other instance: this one reads the keys as its job does every few seconds.
    signing_keys::reload(&test.server).unwrap();
    assert_eq!(published(&test).len(), 2);
}

fn a_sibling_verifies_a_key_it_has_not_loaded(engine: Engine) {
    let test = TestServer::start(engine);
    let sibling = test.sibling();
    let client = test.confidential();
    test.advance(1);
    let new = rotate(&test, RotationMode::AtOnce, 0);
    let issued = issue(&test, &client);
    assert_eq!(kid(&issued), new);
    assert!(!published(&sibling).contains(&new), "it has not heard of it");
    assert!(sibling.is_active(&client, &issued));
    assert!(published(&sibling).contains(&new));
    // A token with a key that nobody has does not cost a query each time: one reload a second.
    let made_at = sibling.server.keyring().made_at();
    let forged = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"typ":"at+jwt","alg":"RS256","kid":"nobody"}"#),
        issued.split_once('.').unwrap().1
    );
    assert!(!sibling.is_active(&client, &forged));
    assert_eq!(sibling.server.keyring().made_at(), made_at);
    test.advance(1);
    assert!(!sibling.is_active(&client, &forged));
    assert_eq!(sibling.server.keyring().made_at(), test.clock.now());
}

fn a_sibling_signs_with_the_new_key_at_the_same_moment(engine: Engine) {
    let test = TestServer::start(engine);
    let sibling = test.sibling();
    let client = test.confidential();
    let (old, new) = (current(&test), rotate(&test, RotationMode::Scheduled, 0));
    signing_keys::reload(&sibling.server).unwrap();
    assert_eq!((kid(&issue(&test, &client)), kid(&issue(&sibling, &client))), (old.clone(), old));
    test.advance(DAY);
    assert_eq!((kid(&issue(&test, &client)), kid(&issue(&sibling, &client))), (new.clone(), new));
}

fn keys_from_elsewhere_are_imported(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let (one, other) = (&keys()[0], &keys()[1]);
    let pkcs8 = import(&test, RotationMode::AtOnce, &pem(one)).unwrap();
    let public = |key: &RsaPrivateKey| PublicParameters::rsa(&key.n().to_bytes_be(), &[1, 0, 1]);
    assert_eq!((&pkcs8.public_jwk.parameters, pkcs8.bits), (&public(one), 2048));
    assert_eq!(kid(&issue(&test, &client)), pkcs8.kid);
    let text = other.to_pkcs1_pem(LineEnding::CRLF).unwrap().to_string();
    assert!(text.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    let pkcs1 = import(&test, RotationMode::AtOnce, &text).unwrap();
    assert_eq!(pkcs1.public_jwk.parameters, public(other));
    let issued = issue(&test, &client);
    assert_eq!(kid(&issued), pkcs1.kid);
    assert!(test.is_active(&client, &issued));
    for again in [pem(one), pem(other)] {
        let refused = import(&test, RotationMode::AtOnce, &again);
        assert!(matches!(refused, Err(FlowError::Denied(Denial::Conflict(_)))), "{refused:?}");
    }
    assert_eq!(current(&test), pkcs1.kid, "what was refused changed nothing");
}

fn unusable_keys_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    let old = current(&test);
    let small = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 1024).unwrap();
    let odd = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2050).unwrap();
    let weak = RsaPrivateKey::new_with_exp(&mut rsa::rand_core::OsRng, 2048, &BigUint::from(3_u8)).unwrap();
    let elliptic = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
    let elliptic =
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(elliptic.as_ref()));
    let good = pem(&keys()[0]);
    let public = keys()[0].to_public_key().to_public_key_pem(LineEnding::LF).unwrap();
    for (name, text) in [
        ("1024 bits", pem(&small)),
        ("2050 bits", pem(&odd)),
        ("exponent 3", pem(&weak)),
        ("elliptic", elliptic),
        ("public", public),
        ("cut", good[..good.len() / 2].to_owned()),
        ("changed", good.replace("MII", "MIJ")),
        ("encrypted", good.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")),
        ("empty", String::new()),
        ("garbage", "not a key\0\u{fffd}".to_owned()),
    ] {
        let refused = import(&test, RotationMode::Compromised, &text);
        assert!(matches!(refused, Err(FlowError::Denied(Denial::InvalidMember(_)))), "{name}: {refused:?}");
    }
    assert_eq!(published(&test), set(&[&old]));
    assert!(test.events("signing_key.imported").is_empty());
}

/// Does `haystack` hold any 16 octets in a row of `needle`?
fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    let pieces: BTreeSet<&[u8]> = needle.windows(16).collect();
    haystack.windows(16).any(|piece| pieces.contains(piece))
}

fn private_parts_stay_inside(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = test.admin_token("admin");
    let key = &keys()[2];
    let kid = rotate(&test, RotationMode::AtOnce, 2);
    let parts: Vec<Vec<u8>> = key.primes().iter().chain([key.d()]).map(BigUint::to_bytes_be).collect();
    let rows = test.server.store.read(|connection| connection.list_signing_keys()).unwrap();
    let row = rows.iter().find(|row| row.key.kid == kid).unwrap();
    assert!(row.private_sealed.len() > 1_000);
    assert!(parts.iter().all(|part| !holds(&row.private_sealed, part)), "the stored part is sealed");
    // Sealed for its own name: another row's cannot be put in its place.
    let opened = test.server.keys.sealing.open(&kid, &row.private_sealed).unwrap();
    assert!(parts.iter().all(|part| holds(&opened, part)));
    assert!(test.server.keys.sealing.open("another kid", &row.private_sealed).is_err());
    let mut changed = row.private_sealed.clone();
    changed[40] ^= 1;
    assert!(test.server.keys.sealing.open(&kid, &changed).is_err());
    let read = |path: &str| Answer::of(http_client().get(test.url(path)).bearer_auth(&admin));
    let jwks = read("/.well-known/jwks.json");
    for jwk in jwks.json()["keys"].as_array().unwrap() {
        let members: BTreeSet<&str> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
        let (kty, own) = match text(&jwk["alg"]).as_str() {
            "ES256" => ("EC", ["crv", "x", "y"].as_slice()),
            "EdDSA" => ("OKP", ["crv", "x"].as_slice()),
            _ => ("RSA", ["e", "n"].as_slice()),
        };
        assert_eq!(members, ["alg", "kid", "kty", "use"].iter().chain(own).copied().collect());
        assert_eq!((text(&jwk["kty"]).as_str(), text(&jwk["use"]).as_str()), (kty, "sig"));
        assert!(kty != "RSA" || jwk["e"] == "AQAB");
    }
    let spoken = [jwks.body, read("/v1/signing-keys").body, read("/v1/audit-events?limit=200").body];
    for part in &parts {
        let encodings = [URL_SAFE_NO_PAD.encode(part), STANDARD.encode(part)];
        assert!(encodings.iter().all(|form| spoken.iter().all(|text| !text.contains(&form[..20]))));
    }
    if engine == Engine::Sqlite {
        for name in ["test.db", "test.db-wal"] {
            let file = std::fs::read(test.database.folder.path().join(name)).unwrap();
            assert!(parts.iter().all(|part| !holds(&file, part)), "{name}");
        }
    }
}
