//! What has expired is removed, and nothing else, by the clock; a purge can stop and go on later.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl as _};
use grantor::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use grantor::domain::authorization_code::AuthorizationCode;
use grantor::domain::client::{ClientSecret, SecretVerifier};
use grantor::domain::grant::Grant;
use grantor::domain::ids::{ClientId, ClientSecretId, GrantId, UserId};
use grantor::domain::login_session::LoginSession;
use grantor::domain::revoked_access_token::RevokedAccessToken;
use grantor::flows::caller::Caller;
use grantor::flows::purge::purge;
use grantor::flows::signing_keys::{self, RotationMode};
use grantor::protocol::resource::Resource;
use grantor::protocol::scope::Scope;
use grantor::protocol::signing_alg::SigningAlg;
use grantor::store::StoreConnection;

use crate::support::*;

on_both!(
    exactly_the_expired_rows_go,
    a_grant_takes_what_came_from_it_along,
    expired_signing_keys_go,
    a_purge_stops_when_told_and_goes_on_later,
    a_live_session_and_family_survive,
);

#[derive(QueryableByName)]
struct Label {
    #[diesel(sql_type = Text)]
    label: String,
}

/// One column of a table, as text.
fn labels(test: &TestServer, column: &str, table: &str) -> BTreeSet<String> {
    let query = format!("SELECT CAST({column} AS TEXT) AS label FROM {table}");
    let rows: Vec<Label> = test
        .server
        .store
        .read(|connection| {
            Ok(match connection {
                StoreConnection::Sqlite(connection) => diesel::sql_query(&query).load(connection)?,
                StoreConnection::Postgres(connection) => diesel::sql_query(&query).load(connection)?,
            })
        })
        .unwrap();
    rows.into_iter().map(|row| row.label).collect()
}

fn grant(id: &str, user: &str, expires_at: DateTime<Utc>) -> Grant {
    Grant {
        id: GrantId(id.to_owned()),
        client_id: ClientId("web".to_owned()),
        user_id: UserId(user.to_owned()),
        scope: Scope::parse("read").unwrap(),
        resources: vec![Resource::parse("https://api.example").unwrap()],
        auth_time: start_time(),
        sid: None,
        claims: None,
        created_at: start_time(),
        expires_at,
        revoked_at: None,
    }
}

fn code(grant_id: &str, label: &str, expires_at: DateTime<Utc>) -> AuthorizationCode {
    AuthorizationCode {
        grant_id: GrantId(grant_id.to_owned()),
        client_id: ClientId("web".to_owned()),
        redirect_uri: label.to_owned(),
        redirect_uri_sent: true,
        code_challenge: None,
        nonce: None,
        created_at: start_time(),
        expires_at,
        consumed_at: None,
    }
}

fn secret(label: &str, expires_at: Option<DateTime<Utc>>) -> ClientSecret {
    ClientSecret {
        id: ClientSecretId(label.to_owned()),
        client_id: ClientId("web".to_owned()),
        verifier: SecretVerifier::Digest(label.as_bytes().to_vec()),
        last_four: label.to_owned(),
        created_at: start_time(),
        expires_at,
        sealed: None,
    }
}

fn revoked(jti: &str, expires_at: DateTime<Utc>) -> RevokedAccessToken {
    RevokedAccessToken { jti: jti.to_owned(), client_id: "web".to_owned(), revoked_at: start_time(), expires_at }
}

/// Rows of every table with an end: one that ended a microsecond before `purge` may take it, one exactly then, one later.
fn fill(test: &TestServer, user: &str, now: DateTime<Utc>) {
    let day = TimeDelta::days(1);
    let retention = TimeDelta::days(400);
    let ends = [("gone", -TimeDelta::microseconds(1)), ("edge", TimeDelta::zero()), ("kept", TimeDelta::hours(1))];
    let user = user.to_owned();
    let write = move |connection: &mut StoreConnection| {
        connection.insert_grant(&grant("standing", &user, now + day))?;
        for (label, offset) in ends {
            connection.insert_grant(&grant(label, &user, now - day + offset))?;
            connection.insert_authorization_code(label.as_bytes(), &code("standing", label, now - day + offset))?;
            let standing = GrantId("standing".to_owned());
            connection.insert_refresh_token(label.as_bytes(), &standing, start_time(), now + offset)?;
            connection.revoke_access_token(&revoked(label, now + offset))?;
            let session = LoginSession {
                sid: label.to_owned(),
                user_id: UserId(user.clone()),
                created_at: start_time(),
                auth_time: start_time(),
                last_used_at: start_time(),
                expires_at: now + offset,
                address: None,
                user_agent: None,
            };
            connection.insert_login_session(label.as_bytes(), &session)?;
            connection.insert_client_secret(&secret(label, Some(now - day + offset)))?;
            let event = NewAuditEvent::success(AuditAction::LogoutDone, Actor::Server, Source::default()).detail(label);
            connection.insert_audit_event(&event, now - retention + offset)?;
        }
        connection.insert_client_secret(&secret("open", None))
    };
    test.server.store.write(write).unwrap();
}

fn exactly_the_expired_rows_go(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    test.confidential();
    test.advance(86_400);
    let now = test.clock.now();
    fill(&test, &user, now);
    let with = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let secrets: BTreeSet<String> = labels(&test, "id", "client_secrets");
    let events = labels(&test, "detail", "audit_events WHERE detail IS NOT NULL");
    assert_eq!(events, with(&["gone", "edge", "kept"]));
    assert_eq!(purge(&test.server, &|| true).unwrap(), 7, "one of each table");
    assert_eq!(labels(&test, "id", "grants"), with(&["standing", "edge", "kept"]));
    assert_eq!(labels(&test, "redirect_uri", "authorization_codes"), with(&["edge", "kept"]));
    let ends = |offset: i64| (now.timestamp_micros() + offset).to_string();
    assert_eq!(labels(&test, "expires_at", "refresh_tokens"), BTreeSet::from([ends(0), ends(3_600_000_000)]));
    assert_eq!(labels(&test, "jti", "revoked_access_tokens"), with(&["edge", "kept"]));
    assert_eq!(labels(&test, "expires_at", "login_sessions"), BTreeSet::from([ends(0), ends(3_600_000_000)]));
    let left: BTreeSet<String> = secrets.into_iter().filter(|id| id != "gone").collect();
    assert_eq!(labels(&test, "id", "client_secrets"), left);
    let left = labels(&test, "detail", "audit_events WHERE detail IS NOT NULL");
    assert_eq!(left, with(&["edge", "kept", "security=1"]), "and what tells of the purge");
    assert_eq!(purge(&test.server, &|| true).unwrap(), 0, "once is enough");
    // Everything has its end.
    test.advance(3_601);
    assert_eq!(purge(&test.server, &|| true).unwrap(), 14);
    test.advance(10 * 366 * 86_400);
    purge(&test.server, &|| true).unwrap();
    for table in ["grants", "authorization_codes", "refresh_tokens", "revoked_access_tokens", "login_sessions"] {
        assert_eq!(labels(&test, "1", table), BTreeSet::new(), "{table}");
    }
    assert_eq!(labels(&test, "action", "audit_events"), with(&["audit_events.purged"]), "of this purge");
    assert_eq!(labels(&test, "username", "users"), with(&["ada"]));
    assert_eq!(labels(&test, "client_id", "clients"), with(&["web"]));
}

fn a_grant_takes_what_came_from_it_along(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    test.confidential();
    let now = test.clock.now();
    let write = move |connection: &mut StoreConnection| {
        connection.insert_grant(&grant("old", &user, now - TimeDelta::days(2)))?;
        connection.insert_authorization_code(b"c", &code("old", "c", now + TimeDelta::days(9)))?;
        connection.insert_refresh_token(b"r", &GrantId("old".to_owned()), now, now + TimeDelta::days(9))
    };
    test.server.store.write(write).unwrap();
    assert_eq!(purge(&test.server, &|| true).unwrap(), 1);
    for table in ["grants", "authorization_codes", "refresh_tokens"] {
        assert_eq!(labels(&test, "1", table), BTreeSet::new(), "{table}");
    }
}

fn expired_signing_keys_go(engine: Engine) {
    let test = TestServer::start(engine);
    let others = || labels(&test, "kid", "signing_keys WHERE alg <> 'RS256'");
    let own = || labels(&test, "kid", "signing_keys WHERE alg = 'RS256'");
    let (old, untouched) = (own(), others());
    let new = signing_keys::rotate(&test.server, &Caller::command_line(), RotationMode::AtOnce, SigningAlg::RS256)
        .unwrap()
        .kid;
    test.advance(86_400);
    purge(&test.server, &|| true).unwrap();
    assert_eq!(own().len(), 2, "{old:?} has only just ended");
    test.clock.advance(Duration::from_micros(1));
    purge(&test.server, &|| true).unwrap();
    assert_eq!(own(), BTreeSet::from([new.clone()]));
    test.advance(10 * 366 * 86_400);
    purge(&test.server, &|| true).unwrap();
    assert_eq!(own(), BTreeSet::from([new]), "the current key has no end");
    assert_eq!((others(), untouched.len()), (untouched, 3));
}

fn a_purge_stops_when_told_and_goes_on_later(engine: Engine) {
    let test = TestServer::start(engine);
    let now = test.clock.now();
    let write = move |connection: &mut StoreConnection| {
        for number in 0..1_200 {
            connection.revoke_access_token(&revoked(&number.to_string(), now - TimeDelta::seconds(1)))?;
        }
        connection.revoke_access_token(&revoked("kept", now)).map(drop)
    };
    test.server.store.write(write).unwrap();
    assert_eq!(purge(&test.server, &|| false).unwrap(), 0);
    assert_eq!(labels(&test, "jti", "revoked_access_tokens").len(), 1_201);
    // It is asked once for each table that is empty, and once for each batch of 500.
    let asked = Cell::new(0);
    let until_the_first_batch = || {
        asked.set(asked.get() + 1);
        labels(&test, "jti", "revoked_access_tokens").len() == 1_201
    };
    assert_eq!(purge(&test.server, &until_the_first_batch).unwrap(), 500);
    assert!(asked.get() > 1);
    assert_eq!(labels(&test, "jti", "revoked_access_tokens").len(), 701);
    assert_eq!(purge(&test.server, &|| true).unwrap(), 700);
    assert_eq!(labels(&test, "jti", "revoked_access_tokens"), BTreeSet::from(["kept".to_owned()]));
}

fn a_live_session_and_family_survive(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    let browser = Browser::new(&test);
    let code = browser.code(&client, "ada");
    let mut refresh = text(&test.token(&client, &code_parameters(&code)).json()["refresh_token"]);
    for _ in 0..4 {
        test.advance(3_000);
        purge(&test.server, &|| true).unwrap();
        browser.code(&client, "ada");
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
        refresh = text(&test.token(&client, &parameters).json()["refresh_token"]);
    }
    // A replay of the code is recognised for a day.
    test.advance(70_000);
    purge(&test.server, &|| true).unwrap();
    test.token(&client, &code_parameters(&code)).assert_error(400, "invalid_grant");
    assert_eq!(test.events("authorization_code.replayed").len(), 1);
    let parameters = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
    test.token(&client, &parameters).assert_error(400, "invalid_grant");
}
