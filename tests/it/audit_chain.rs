//! The audit log proves that nothing was altered, removed or inserted; and goes on proving it after a purge, an upgrade, and
//! from an export without the database.

use std::io::Cursor;
use std::sync::Barrier;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, SqliteConnection};
use grantor::clock::Clock;
use grantor::crypto::audit_key::{AuditKey, AuditPublicKey, link};
use grantor::crypto::derived_keys::{DerivedKeys, LogState, RootKey};
use grantor::domain::audit_chain::Octets;
use grantor::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use grantor::domain::audit_record::{Broken, ChainRecord, ChainReport, ExportEnd};
use grantor::flows::caller::Caller;
use grantor::flows::purge::purge;
use grantor::flows::{audit_chain, audit_checkpoints};
use grantor::store::{DatabaseUrl, StoreConnection};

use crate::support::*;

on_both!(
    every_altered_column_is_found,
    removal_insertion_and_exchange_are_found,
    a_cut_off_end_is_found,
    a_cut_off_end_is_found_without_checkpoints,
    the_start_that_brings_the_seal_seals,
    no_start_seals_what_it_did_not_write,
    an_operator_may_take_an_end_as_it_is,
    what_no_checkpoint_covers_cannot_be_rewritten,
    the_last_checkpoints_cannot_be_removed,
    a_kept_checkpoint_finds_an_older_state,
    hashes_computed_anew_do_not_reach_a_checkpoint,
    checkpoints_cannot_be_forged_or_removed,
    a_purge_keeps_the_chain,
    a_purge_is_not_a_cover,
    classes_have_their_own_retention,
    purges_at_once_agree,
    many_writers_make_one_chain,
    a_failed_write_leaves_no_event,
    an_event_comes_last_in_its_write,
    an_export_proves_itself,
    a_changed_export_is_found,
    a_part_is_exported,
    an_older_database_is_adopted,
    what_an_older_server_writes_is_adopted_on_demand,
    of_two_checkpoints_at_once_one_is_made,
    checkpoints_are_listed,
);

fn open(test: &TestServer) -> StoreConnection {
    open_url(&test.database.url)
}

fn open_url(url: &str) -> StoreConnection {
    match DatabaseUrl::parse(url).unwrap() {
        DatabaseUrl::Sqlite(path) => {
            let mut connection = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
            connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
            StoreConnection::Sqlite(connection)
        }
        DatabaseUrl::Postgres(url) => StoreConnection::Postgres(PgConnection::establish(&url).unwrap()),
    }
}

fn sql(test: &TestServer, statement: &str) {
    open(test).batch_execute(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
}

const SAVED: [&str; 4] = ["audit_events", "audit_chain", "audit_checkpoints", "audit_purged_ranges"];

/// Keeps the log aside.
fn save(test: &TestServer) {
    for table in SAVED {
        sql(test, &format!("CREATE TABLE saved_{table} AS SELECT * FROM {table}"));
    }
}

/// Puts back what was kept.
fn restore(test: &TestServer) {
    for table in SAVED {
        sql(test, &format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved_{table}"));
    }
}

/// Leaves this many events of an action.
fn write(test: &TestServer, action: AuditAction, count: usize) {
    for number in 0..count {
        let source = Source {
            address: Some("192.0.2.7".parse().unwrap()),
            user_agent: Some("a browser".to_owned()),
            request_id: Some("r1".to_owned()),
            ..Source::default()
        };
        let event = NewAuditEvent::success(action, Actor::User("ada".to_owned()), source);
        let event = event.on("client", "web").through("web").detail(format!("number {number}"));
        let now = test.clock.now();
        test.server.store.write(move |connection| connection.insert_audit_event(&event, now)).unwrap();
    }
}

fn verify(test: &TestServer) -> Result<ChainReport, Broken> {
    audit_chain::verify(&test.server, &Caller::command_line(), &|_| ()).unwrap()
}

#[track_caller]
fn whole(test: &TestServer) -> ChainReport {
    verify(test).unwrap_or_else(|broken| panic!("{broken}"))
}

#[track_caller]
fn broken(test: &TestServer) -> Broken {
    verify(test).expect_err("it should not hold")
}

fn checkpoint(test: &TestServer) {
    audit_checkpoints::take_checkpoint(&test.server).unwrap().unwrap();
}

fn every_altered_column_is_found(engine: Engine) {
    let test = TestServer::start(engine);
    write(&test, AuditAction::LoginSucceeded, 9);
    assert_eq!(whole(&test).events, whole(&test).sequence);
    save(&test);
    let octet = if engine == Engine::Sqlite { "x'00'" } else { "'\\x00'::bytea" };
    let texts = [
        "action",
        "outcome",
        "actor_kind",
        "actor_id",
        "target_kind",
        "target_id",
        "client_id",
        "address",
        "user_agent",
        "request_id",
        "detail",
        "class",
    ];
    let mut changes: Vec<String> = texts.iter().map(|column| format!("{column} = 'x'")).collect();
    for column in ["actor_id", "target_kind", "target_id", "client_id", "address", "user_agent", "request_id", "detail"]
    {
        changes.push(format!("{column} = NULL"));
        changes.push(format!("{column} = ''"));
    }
    changes
        .extend(["id = id + 1000", "occurred_at = occurred_at + 1", "salt = NULL", "hash = NULL"].map(str::to_owned));
    changes.extend([format!("salt = {octet}"), format!("hash = {octet}")]);
    for change in changes {
        sql(&test, &format!("UPDATE audit_events SET {change} WHERE sequence = 5"));
        assert!(matches!(broken(&test), Broken::Altered { sequence: 5, .. }), "{change}: {}", broken(&test));
        restore(&test);
        whole(&test);
    }
}

fn removal_insertion_and_exchange_are_found(engine: Engine) {
    let test = TestServer::start(engine);
    write(&test, AuditAction::LoginSucceeded, 9);
    let head = whole(&test).sequence;
    save(&test);
    let columns = "occurred_at, action, outcome, actor_kind, class, salt, hash";
    let cases = [
        ("DELETE FROM audit_events WHERE sequence = 4".to_owned(), Broken::Removed { first: 4, last: 4 }),
        ("DELETE FROM audit_events WHERE sequence <= 3".to_owned(), Broken::Removed { first: 1, last: 3 }),
        (
            "UPDATE audit_events SET sequence = sequence + 1000 WHERE sequence = 4".to_owned(),
            Broken::Removed { first: 4, last: 4 },
        ),
        (
            format!(
                "INSERT INTO audit_events (id, {columns}, sequence) SELECT 900, {columns}, {head} + 1 FROM audit_events WHERE sequence = {head}"
            ),
            Broken::Altered { sequence: head + 1, id: 900 },
        ),
        (
            format!(
                "INSERT INTO audit_events (id, {columns}, sequence) SELECT 900, {columns}, NULL FROM audit_events WHERE sequence = 2"
            ),
            Broken::Outside { count: 1, id: 900 },
        ),
    ];
    for (statement, expected) in cases {
        sql(&test, &statement);
        assert_eq!(broken(&test), expected, "{statement}");
        restore(&test);
    }
    sql(
        &test,
        "UPDATE audit_events SET sequence = -1 WHERE sequence = 4; UPDATE audit_events SET sequence = 4 WHERE sequence = 5; \
         UPDATE audit_events SET sequence = 5 WHERE sequence = -1",
    );
    assert!(matches!(broken(&test), Broken::Altered { sequence: 4, .. }));
    restore(&test);
    // With a hash that fits, but without moving the end of the chain along.
    let events = records(&test);
    let ChainRecord::Event(last) = events.iter().rfind(|record| matches!(record, ChainRecord::Event(_))).unwrap()
    else {
        unreachable!()
    };
    let mut forged = last.clone();
    forged.event.id += 1;
    forged.event.sequence = Some(head + 1);
    let hash = link(&last.event.hash.as_ref().unwrap().0, &forged.salt.0, &forged.event.canonical());
    let copied = "occurred_at, action, outcome, actor_kind, actor_id, target_kind, target_id, client_id, address, user_agent, request_id, detail, class, salt";
    sql(
        &test,
        &format!(
            "INSERT INTO audit_events (id, sequence, hash, {copied}) SELECT {}, {}, {}, {copied} FROM audit_events WHERE sequence = {head}",
            forged.event.id,
            head + 1,
            blob(engine, &hash)
        ),
    );
    assert_eq!(broken(&test), Broken::BehindTheEnd { sequence: head + 1, head });
}

fn blob(engine: Engine, octets: &[u8]) -> String {
    let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    if engine == Engine::Sqlite { format!("x'{hex}'") } else { format!("'\\x{hex}'::bytea") }
}

fn a_cut_off_end_is_found(engine: Engine) {
    let test = TestServer::start(engine);
    write(&test, AuditAction::LoginSucceeded, 9);
    let head = whole(&test).sequence;
    checkpoint(&test);
    save(&test);
    sql(&test, &format!("DELETE FROM audit_events WHERE sequence > {head} - 2"));
    assert_eq!(broken(&test), Broken::Truncated { sequence: head - 2, reached: head });
    // The end of the chain is set back too: the checkpoint still knows.
    sql(
        &test,
        &format!(
            "UPDATE audit_chain SET sequence = {head} - 2, hash = (SELECT hash FROM audit_events WHERE sequence = {head} - 2)"
        ),
    );
    assert_eq!(broken(&test), Broken::Truncated { sequence: head - 2, reached: head });
    // And when more was written since.
    write(&test, AuditAction::LoginSucceeded, 1);
    assert_eq!(broken(&test), Broken::Truncated { sequence: head - 1, reached: head });
    write(&test, AuditAction::LoginSucceeded, 3);
    assert_eq!(broken(&test), Broken::Rewritten { sequence: head });
    restore(&test);
    whole(&test);
}

/// The end and all checkpoints are cut off, and the end of the chain is set back to fit.
fn cut(test: &TestServer, sequence: i64) {
    sql(
        test,
        &format!(
            "DELETE FROM audit_checkpoints; DELETE FROM audit_events WHERE sequence > {sequence}; \
             UPDATE audit_chain SET sequence = {sequence}, checkpoints = 0, \
             hash = (SELECT hash FROM audit_events WHERE sequence = {sequence})"
        ),
    );
}

fn a_cut_off_end_is_found_without_checkpoints(engine: Engine) {
    let test = TestServer::start(engine);
    write(&test, AuditAction::LoginSucceeded, 9);
    checkpoint(&test);
    whole(&test);
    save(&test);
    cut(&test, 6);
    assert_eq!(broken(&test), Broken::ForgedEnd { sequence: 6 });
    assert!(audit_checkpoints::take_checkpoint(&test.server).is_err(), "it signs nothing that it did not write");
    let lines = lines(&records(&test));
    assert_eq!(check(&lines, None), Err(Broken::Incomplete), "nor an export");
    // What the server writes behind it does not make it its own, nor does another start.
    write(&test, AuditAction::LoginSucceeded, 2);
    assert_eq!(broken(&test), Broken::ForgedEnd { sequence: 8 });
    drop(test.sibling());
    assert!(matches!(broken(&test), Broken::ForgedEnd { .. }));
    restore(&test);
    whole(&test);
    write(&test, AuditAction::LoginSucceeded, 2);
    checkpoint(&test);
    whole(&test);
}

/// As the version before left it: without the seal's columns, and with the check value of such a version where asked for.
fn unseal(test: &TestServer, with_check_value: bool) {
    sql(
        test,
        "ALTER TABLE audit_chain DROP COLUMN seal; ALTER TABLE audit_chain DROP COLUMN checkpoints; \
         DELETE FROM __diesel_schema_migrations WHERE version = '20261123000003'",
    );
    if with_check_value {
        let value = test.server.keys.check_value(LogState::BeforeSeals);
        sql(test, &format!("UPDATE server_state SET value = '{value}' WHERE name = 'root_key_check'"));
    }
}

fn the_start_that_brings_the_seal_seals(engine: Engine) {
    let test = TestServer::start(engine);
    write(&test, AuditAction::LoginSucceeded, 2);
    checkpoint(&test);
    write(&test, AuditAction::LoginSucceeded, 2);
    unseal(&test, true);
    let upgraded = test.sibling();
    whole(&upgraded);
    write(&upgraded, AuditAction::LoginSucceeded, 2);
    checkpoint(&upgraded);
    whole(&upgraded);
    assert!(upgraded.events("audit_chain.adopted").is_empty());
}

/// Whoever can write to the database makes it look as if an older version had made it, or a new one: no start seals it.
fn no_start_seals_what_it_did_not_write(engine: Engine) {
    let cut_and_unsealed = |test: &TestServer| {
        cut(test, 6);
        unseal(test, false);
    };
    let without_check_value = |test: &TestServer| {
        cut_and_unsealed(test);
        sql(test, "DELETE FROM server_state WHERE name = 'root_key_check'; DELETE FROM signing_keys");
    };
    let zero = if engine == Engine::Sqlite { "zeroblob(32)" } else { "decode(repeat('00', 32), 'hex')" };
    let begun_anew = |test: &TestServer| {
        sql(
            test,
            &format!(
                "DELETE FROM audit_events WHERE id > 6; DELETE FROM audit_checkpoints; \
                 UPDATE audit_events SET sequence = NULL, salt = NULL, hash = NULL, class = NULL; \
                 UPDATE audit_chain SET sequence = 0, hash = {zero}, checkpoints = 0, seal = NULL, \
                 adopt_until = (SELECT MAX(id) FROM audit_events)"
            ),
        );
    };
    let slipped_in = |test: &TestServer| {
        sql(
            test,
            &format!(
                "INSERT INTO audit_events (occurred_at, action, outcome, actor_kind) VALUES ({}, 'login.succeeded', 'success', 'user'); \
                 UPDATE audit_chain SET adopt_until = (SELECT MAX(id) FROM audit_events)",
                start_time().timestamp_micros()
            ),
        );
    };
    type Attack<'a> = (&'a str, &'a dyn Fn(&TestServer));
    let attacks: [Attack<'_>; 4] = [
        ("an older version's", &cut_and_unsealed),
        ("an older version's, of another key", &without_check_value),
        ("a new one's", &begun_anew),
        ("an event of before the chain", &slipped_in),
    ];
    for (name, attack) in attacks {
        let test = TestServer::start(engine);
        write(&test, AuditAction::LoginSucceeded, 9);
        checkpoint(&test);
        whole(&test);
        attack(&test);
        for _ in 0..2 {
            let again = test.sibling();
            assert!(matches!(broken(&again), Broken::ForgedEnd { .. }), "{name}");
            assert!(audit_checkpoints::take_checkpoint(&again.server).is_err(), "{name}");
        }
    }
}

fn an_operator_may_take_an_end_as_it_is(engine: Engine) {
    let test = TestServer::start(engine);
    write(&test, AuditAction::LoginSucceeded, 9);
    let adopt = || audit_chain::adopt_outside(&test.server, &Caller::command_line(), &|_| ()).unwrap();
    assert_eq!(adopt(), (0, false), "nothing to do");
    assert!(test.events("audit_chain.adopted").is_empty());
    cut(&test, 6);
    assert_eq!(broken(&test), Broken::ForgedEnd { sequence: 6 });
    assert_eq!(adopt(), (0, true));
    let told = test.events("audit_chain.adopted");
    assert_eq!(told.len(), 1);
    assert!(told[0].detail.as_deref().unwrap().contains("at 6 "), "{told:?}");
    whole(&test);
    checkpoint(&test);
    whole(&test);
}

fn what_no_checkpoint_covers_cannot_be_rewritten(engine: Engine) {
    let test = TestServer::start(engine);
    write(&test, AuditAction::LoginSucceeded, 9);
    let head = whole(&test).sequence;
    rewrite_from(&test, engine, 5);
    assert_eq!(broken(&test), Broken::ForgedEnd { sequence: head });
}

fn the_last_checkpoints_cannot_be_removed(engine: Engine) {
    let test = TestServer::start(engine);
    for _ in 0..3 {
        write(&test, AuditAction::LoginSucceeded, 2);
        checkpoint(&test);
    }
    sql(&test, "DELETE FROM audit_checkpoints WHERE number > 1");
    assert_eq!(broken(&test), Broken::MissingCheckpoint { number: 2 });
    write(&test, AuditAction::LoginSucceeded, 2);
    assert!(audit_checkpoints::take_checkpoint(&test.server).is_err());
    assert_eq!(broken(&test), Broken::MissingCheckpoint { number: 2 });
}

fn a_kept_checkpoint_finds_an_older_state(engine: Engine) {
    let test = TestServer::start(engine);
    let compare = |kept| audit_checkpoints::verify_checkpoint(&test.server, &Caller::command_line(), kept).unwrap();
    write(&test, AuditAction::LoginSucceeded, 2);
    let first = audit_checkpoints::take_checkpoint(&test.server).unwrap().unwrap();
    save(&test);
    write(&test, AuditAction::LoginSucceeded, 2);
    let kept = audit_checkpoints::take_checkpoint(&test.server).unwrap().unwrap();
    assert_eq!((compare(&first), compare(&kept)), (Ok(()), Ok(())));
    restore(&test);
    whole(&test);
    assert_eq!(compare(&first), Ok(()));
    assert_eq!(compare(&kept), Err(Broken::Truncated { sequence: first.sequence, reached: kept.sequence }));
    write(&test, AuditAction::LoginSucceeded, 3);
    assert_eq!(compare(&kept), Err(Broken::MissingCheckpoint { number: 2 }));
    let mut forged = first.clone();
    forged.sequence += 1;
    assert_eq!(compare(&forged), Err(Broken::OtherCheckpoint { number: 1 }));
}

/// Alters an event and computes every hash behind it anew, as somebody would who can write to the database.
fn rewrite_from(test: &TestServer, engine: Engine, sequence: i64) {
    let mut previous = Octets::default();
    for record in records(test) {
        let ChainRecord::Event(mut chained) = record else { continue };
        if chained.event.sequence >= Some(sequence) {
            if chained.event.sequence == Some(sequence) {
                chained.event.detail = Some("forged".to_owned());
                sql(test, &format!("UPDATE audit_events SET detail = 'forged' WHERE sequence = {sequence}"));
            }
            let hash = link(&previous.0, &chained.salt.0, &chained.event.canonical());
            let set = blob(engine, &hash);
            let place = chained.event.sequence.unwrap();
            sql(test, &format!("UPDATE audit_events SET hash = {set} WHERE sequence = {place}"));
            sql(test, &format!("UPDATE audit_chain SET hash = {set} WHERE sequence = {place}"));
            chained.event.hash = Some(Octets(hash));
        }
        previous = chained.event.hash.unwrap();
    }
}

fn hashes_computed_anew_do_not_reach_a_checkpoint(engine: Engine) {
    let test = TestServer::start(engine);
    write(&test, AuditAction::LoginSucceeded, 9);
    checkpoint(&test);
    let signed = whole(&test).signed_until;
    write(&test, AuditAction::LoginSucceeded, 3);
    let report = whole(&test);
    assert_eq!((report.checkpoints, report.sequence - report.signed_until), (1, 3));
    rewrite_from(&test, engine, 5);
    assert_eq!(broken(&test), Broken::Rewritten { sequence: signed });
}

fn checkpoints_cannot_be_forged_or_removed(engine: Engine) {
    let test = TestServer::start(engine);
    for _ in 0..3 {
        write(&test, AuditAction::LoginSucceeded, 2);
        checkpoint(&test);
    }
    assert!(audit_checkpoints::take_checkpoint(&test.server).unwrap().is_none(), "nothing moved");
    assert_eq!(whole(&test).checkpoints, 3);
    save(&test);
    let foreign = AuditKey::from_seed(&[9; 32]).unwrap();
    let octets = blob(engine, &foreign.sign(b"anything"));
    for (statement, expected) in [
        ("DELETE FROM audit_checkpoints WHERE number = 2".to_owned(), Broken::MissingCheckpoint { number: 2 }),
        ("DELETE FROM audit_checkpoints WHERE number = 1".to_owned(), Broken::MissingCheckpoint { number: 1 }),
        (
            "UPDATE audit_checkpoints SET number = 4 WHERE number = 3".to_owned(),
            Broken::MissingCheckpoint { number: 3 },
        ),
        (
            "UPDATE audit_checkpoints SET occurred_at = occurred_at + 1 WHERE number = 2".to_owned(),
            Broken::ForgedCheckpoint { number: 2 },
        ),
        (
            format!("UPDATE audit_checkpoints SET signature = {octets} WHERE number = 2"),
            Broken::ForgedCheckpoint { number: 2 },
        ),
        (
            format!("UPDATE audit_checkpoints SET kid = '{}' WHERE number = 3", foreign.public().kid()),
            Broken::ForgedCheckpoint { number: 3 },
        ),
    ] {
        sql(&test, &statement);
        assert_eq!(broken(&test), expected, "{statement}");
        restore(&test);
    }
    whole(&test);
}

const DAY: u64 = 86_400;

fn a_purge_keeps_the_chain(engine: Engine) {
    let test = TestServer::start(engine);
    for _ in 0..4 {
        write(&test, AuditAction::LoginSucceeded, 300);
        checkpoint(&test);
        test.advance(100 * DAY);
    }
    let before = whole(&test).sequence;
    // The first and the second have passed: more than one batch.
    test.advance(150 * DAY);
    let gone = purge(&test.server, &|| true).unwrap();
    assert!(gone >= 600, "{gone}");
    let report = whole(&test);
    assert_eq!(report.sequence, before + 1, "the purge is an event");
    assert_eq!((report.events + report.purged, report.checkpoints), (report.sequence, 4));
    assert!(report.purged >= 600);
    assert_eq!(test.events("audit_events.purged")[0].actor_kind, "server");
    // One range, however many batches it took.
    let ranges = test.server.store.read(|connection| connection.list_purged_ranges(0, i64::MAX)).unwrap();
    assert_eq!(
        ranges.iter().map(|range| (range.first_sequence, range.last_sequence)).collect::<Vec<_>>(),
        [(1, report.purged)]
    );
    save(&test);
    for (statement, expected) in [
        ("DELETE FROM audit_purged_ranges".to_owned(), Broken::Removed { first: 1, last: report.purged }),
        (
            "UPDATE audit_purged_ranges SET last_sequence = last_sequence + 1".to_owned(),
            Broken::ForgedPurge { first: 1, last: report.purged + 1 },
        ),
        (
            format!("UPDATE audit_events SET sequence = 17 WHERE sequence = {}", report.sequence),
            Broken::Inserted { sequence: 17, id: test.events("audit_events.purged")[0].id },
        ),
        (
            format!("DELETE FROM audit_events WHERE sequence = {} + 1", report.purged),
            Broken::Removed { first: report.purged + 1, last: report.purged + 1 },
        ),
    ] {
        sql(&test, &statement);
        assert_eq!(broken(&test), expected, "{statement}");
        restore(&test);
    }
    // Everything goes, and the chain goes on.
    test.advance(500 * DAY);
    purge(&test.server, &|| true).unwrap();
    assert_eq!(whole(&test).events, 1);
    write(&test, AuditAction::LoginSucceeded, 2);
    assert_eq!(whole(&test).events, 3);
}

fn a_purge_is_not_a_cover(engine: Engine) {
    let test = TestServer::start(engine);
    write(&test, AuditAction::LoginSucceeded, 5);
    checkpoint(&test);
    write(&test, AuditAction::LoginSucceeded, 20);
    let last = whole(&test).sequence;
    save(&test);
    test.advance(401 * DAY);
    for tampering in [
        format!("UPDATE audit_events SET detail = 'forged' WHERE sequence = {last} - 3"),
        format!("DELETE FROM audit_events WHERE sequence = {last} - 3"),
    ] {
        sql(&test, &tampering);
        let refused = purge(&test.server, &|| true).unwrap_err();
        assert!(format!("{refused:?}").contains("the audit chain does not hold"), "{refused:?}");
        assert!(verify(&test).is_err(), "and it still shows");
        restore(&test);
    }
    purge(&test.server, &|| true).unwrap();
    whole(&test);
}

fn classes_have_their_own_retention(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.audit.retention_access = Some(std::time::Duration::from_secs(DAY));
        config.audit.retention_security = Some(std::time::Duration::from_secs(10 * DAY));
    });
    for _ in 0..6 {
        write(&test, AuditAction::TokenIssued, 2);
        write(&test, AuditAction::LoginFailed, 1);
        write(&test, AuditAction::ClientUpdated, 1);
    }
    checkpoint(&test);
    test.advance(DAY + 1);
    purge(&test.server, &|| true).unwrap();
    assert_eq!(whole(&test).purged, 12);
    assert_eq!(test.events("login.failed").len(), 6);
    let ranges = |test: &TestServer| {
        test.server.store.read(|connection| connection.list_purged_ranges(0, i64::MAX)).unwrap().len()
    };
    assert_eq!(ranges(&test), 6);
    test.advance(10 * DAY);
    purge(&test.server, &|| true).unwrap();
    assert!(whole(&test).purged >= 18);
    assert_eq!((test.events("login.failed").len(), test.events("client.updated").len()), (0, 6));
    test.advance(400 * DAY);
    purge(&test.server, &|| true).unwrap();
    whole(&test);
    assert_eq!(ranges(&test), 1, "what lies side by side is one range");
    assert_eq!(test.events("client.updated").len(), 0);
}

fn purges_at_once_agree(engine: Engine) {
    let test = TestServer::start(engine);
    write(&test, AuditAction::LoginSucceeded, 700);
    let sibling = test.sibling();
    test.advance(401 * DAY);
    let barrier = Barrier::new(4);
    std::thread::scope(|scope| {
        for number in 0..4 {
            let server = if number % 2 == 0 { &test.server } else { &sibling.server };
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                purge(server, &|| true).unwrap();
            });
        }
    });
    let report = whole(&test);
    assert_eq!(report.events + report.purged, report.sequence);
    assert!(report.purged >= 700);
}

fn many_writers_make_one_chain(engine: Engine) {
    let issuing = |config: &mut grantor::config::Config| config.audit.token_issuance = true;
    let test = TestServer::start_with(engine, issuing);
    let client = test.confidential();
    let issuer = test.server.config.server.issuer.clone();
    let sibling = TestServer::start_on(std::sync::Arc::clone(&test.database), test.clock.clone(), |config| {
        issuing(config);
        config.server.issuer = issuer;
    });
    let before = whole(&test).sequence;
    std::thread::scope(|scope| {
        for number in 0..16 {
            // An SQLite file is for one server; a command line beside it is tested elsewhere.
            let server = if engine == Engine::Postgres && number % 2 == 1 { &sibling } else { &test };
            let (client, test) = (&client, &test);
            scope.spawn(move || {
                for turn in 0..8 {
                    let answer = server.token(client, &[("grant_type", "client_credentials")]);
                    assert_eq!(answer.status, 200, "{}", answer.body);
                    if turn == 4 && number == 0 {
                        whole(test);
                    }
                }
            });
        }
    });
    let report = whole(&test);
    assert_eq!(report.sequence, before + 128);
    let places: Vec<i64> = test.events("token.issued").iter().map(|event| event.sequence.unwrap()).collect();
    assert!(places.is_sorted_by(|one, other| one > other), "ids are in the order of the chain");
}

fn a_failed_write_leaves_no_event(engine: Engine) {
    let test = TestServer::start(engine);
    let before = whole(&test).sequence;
    let now = test.clock.now();
    let event = NewAuditEvent::success(AuditAction::LoginFailed, Actor::Anonymous, Source::default());
    let failed = test.server.store.write(move |connection| {
        connection.insert_audit_event(&event, now)?;
        connection.insert_server_state("root_key_check", "taken")
    });
    assert!(failed.is_err());
    let panicked = test.server.store.write(move |connection| -> Result<(), _> {
        let event = NewAuditEvent::success(AuditAction::LoginFailed, Actor::Anonymous, Source::default());
        connection.insert_audit_event(&event, now)?;
        panic!("in the middle");
    });
    assert!(panicked.is_err());
    write(&test, AuditAction::LoginSucceeded, 1);
    assert_eq!(whole(&test).sequence, before + 1);
    assert!(test.events("login.failed").is_empty());
}

/// Two writes that touch the same row before and after their events would wait for each other, did the event lock at once.
fn an_event_comes_last_in_its_write(engine: Engine) {
    let test = TestServer::start(engine);
    for name in ["a", "b"] {
        test.server.store.write(move |connection| connection.insert_server_state(name, "x")).unwrap();
    }
    std::thread::scope(|scope| {
        for number in 0..8_usize {
            let test = &test;
            scope.spawn(move || {
                for turn in 0..10 {
                    let now = test.clock.now();
                    let written = test.server.store.write(move |connection| {
                        let event =
                            NewAuditEvent::success(AuditAction::LoginFailed, Actor::Anonymous, Source::default());
                        connection.insert_audit_event(&event, now)?;
                        let statement = format!("UPDATE server_state SET value = '{number} {turn}' WHERE name = 'a'");
                        connection.batch_execute(&statement)?;
                        connection.insert_audit_event(&event, now)
                    });
                    written.unwrap();
                }
            });
        }
    });
    whole(&test);
    assert_eq!(test.events("login.failed").len(), 160);
}

/// The whole export as records.
fn records(test: &TestServer) -> Vec<ChainRecord> {
    exported(test, None, None).0
}

fn exported(
    test: &TestServer,
    since: Option<chrono::DateTime<chrono::Utc>>,
    until: Option<chrono::DateTime<chrono::Utc>>,
) -> (Vec<ChainRecord>, ExportEnd) {
    let mut records = Vec::new();
    let mut write = |record: &ChainRecord| {
        records.push(record.clone());
        Ok(())
    };
    let end = audit_chain::export(&test.server, &Caller::command_line(), (since, until), &mut write).unwrap();
    (records, end)
}

fn lines(records: &[ChainRecord]) -> Vec<String> {
    records.iter().map(|record| serde_json::to_string(record).unwrap()).collect()
}

fn check(lines: &[String], key: Option<AuditPublicKey>) -> Result<ChainReport, Broken> {
    audit_chain::verify_export(Cursor::new(lines.join("\n")), key)
}

fn an_export_proves_itself(engine: Engine) {
    let test = TestServer::start(engine);
    write(&test, AuditAction::LoginSucceeded, 1_200);
    checkpoint(&test);
    test.advance(401 * DAY);
    purge(&test.server, &|| true).unwrap();
    write(&test, AuditAction::TokenIssued, 1_100);
    checkpoint(&test);
    write(&test, AuditAction::TokenIssued, 2);
    let lines = lines(&records(&test));
    let key = audit_chain::public_key(&test.server, &Caller::command_line()).unwrap();
    let report = check(&lines, Some(key)).unwrap();
    assert_eq!(report, whole(&test));
    assert_eq!(check(&lines, None).unwrap(), report);
    let foreign = AuditKey::from_seed(&[9; 32]).unwrap();
    assert!(check(&lines, Some(foreign.public().clone())).is_err(), "signed by another key");
    assert!(lines.iter().all(|line| !line.contains(&test.server.config.root_key.value.as_ref().unwrap().0)));
}

fn a_changed_export_is_found(engine: Engine) {
    let test = TestServer::start(engine);
    write(&test, AuditAction::LoginSucceeded, 6);
    checkpoint(&test);
    write(&test, AuditAction::LoginSucceeded, 6);
    let lines = lines(&records(&test));
    check(&lines, None).unwrap();
    for number in 0..lines.len() {
        let mut fewer = lines.clone();
        fewer.remove(number);
        assert!(check(&fewer, None).is_err(), "without {}", lines[number]);
        let mut more = lines.clone();
        more.insert(number, lines[number].clone());
        assert!(check(&more, None).is_err(), "twice {}", lines[number]);
        if number > 0 {
            let mut swapped = lines.clone();
            swapped.swap(number - 1, number);
            assert!(check(&swapped, None).is_err(), "exchanged {}", lines[number]);
            assert!(check(&lines[..number], None).is_err(), "cut off before {}", lines[number]);
        }
    }
    for (from, to) in [
        ("login.succeeded", "login.failed"),
        ("number 3", "number 4"),
        ("192.0.2.7", "192.0.2.8"),
        ("\"actor_id\":\"ada\"", "\"actor_id\":\"bob\""),
        ("\"actor_id\":\"ada\",", ""),
        ("12:00:00Z", "12:00:01Z"),
    ] {
        for number in 0..lines.len() {
            let mut changed = lines.clone();
            changed[number] = changed[number].replace(from, to);
            assert!(changed == lines || check(&changed, None).is_err(), "{from}: {}", changed[number]);
        }
    }
    for bad in ["", "{}", "null", "\u{0}", "{\"record\":\"start\"}"] {
        assert!(check(&[bad.to_owned()], None).is_err(), "{bad}");
    }
}

fn a_part_is_exported(engine: Engine) {
    let test = TestServer::start(engine);
    write(&test, AuditAction::LoginSucceeded, 10);
    checkpoint(&test);
    test.advance(3_600);
    let since = test.clock.now();
    write(&test, AuditAction::LoginFailed, 10);
    checkpoint(&test);
    test.advance(3_600);
    let until = test.clock.now();
    write(&test, AuditAction::LogoutDone, 10);
    let (part, end) = exported(&test, Some(since), Some(until));
    let report = check(&lines(&part), None).unwrap();
    assert_eq!((report.events, report.checkpoints, report.sequence), (10, 1, end.sequence));
    assert_eq!(report.signed_until, report.sequence);
    let (rest, _) = exported(&test, Some(until), None);
    assert_eq!(check(&lines(&rest), None).unwrap().events, 10);
    let (none, _) = exported(&test, Some(until + TimeDelta::days(1)), None);
    assert_eq!(check(&lines(&none), None).unwrap().events, 0);
    let (first, _) = exported(&test, None, Some(since));
    assert_eq!(check(&lines(&first), None).unwrap().checkpoints, 1);
}

/// The schema as the first release made it, with events in it.
fn old_database(engine: Engine, events: i64) -> TestDatabase {
    let database = TestDatabase::empty(engine);
    let mut connection = open_url(&database.url);
    let folder = if engine == Engine::Sqlite { "sqlite" } else { "postgres" };
    let up = format!("{}/migrations/{folder}/2026-11-22-000000_foundation/up.sql", env!("CARGO_MANIFEST_DIR"));
    connection.batch_execute(&std::fs::read_to_string(up).unwrap()).unwrap();
    connection
        .batch_execute(
            "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, \
             run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP); \
             INSERT INTO __diesel_schema_migrations (version) VALUES ('20261122000000')",
        )
        .unwrap();
    connection
        .batch_execute(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {events}) \
             INSERT INTO audit_events (occurred_at, action, outcome, actor_kind, detail) \
             SELECT {} + i, 'login.failed', 'failure', 'anonymous', 'old ' || i FROM n",
            start_time().timestamp_micros()
        ))
        .unwrap();
    connection.batch_execute("DELETE FROM audit_events WHERE id % 7 = 3").unwrap();
    let keys = DerivedKeys::derive(&RootKey::parse(ROOT_KEY).unwrap()).unwrap();
    let value = keys.check_value(LogState::BeforeSeals);
    connection.batch_execute(&format!("INSERT INTO server_state VALUES ('root_key_check', '{value}')")).unwrap();
    database
}

fn an_older_database_is_adopted(engine: Engine) {
    let database = old_database(engine, 2_500);
    let test = TestServer::start_on(std::sync::Arc::new(database), Clock::fixed(start_time()), |config| {
        config.signing_keys.bits = 2048;
    });
    let report = whole(&test);
    let adopted = test.events("audit_chain.adopted");
    assert_eq!(adopted.len(), 1);
    let count = 2_500 - 357;
    assert_eq!(adopted[0].detail.as_deref(), Some(&*format!("events={count}")));
    assert_eq!(adopted[0].sequence, Some(count + 1));
    assert!(report.sequence > count);
    let old = &test.events("login.failed")[0];
    assert_eq!((old.sequence, old.class.as_deref()), (Some(count), Some("security")));
    // Once.
    drop(test.sibling());
    assert_eq!(test.events("audit_chain.adopted").len(), 1);
    sql(&test, "UPDATE audit_events SET detail = 'forged' WHERE sequence = 100");
    assert!(matches!(broken(&test), Broken::Altered { sequence: 100, .. }));
}

fn what_an_older_server_writes_is_adopted_on_demand(engine: Engine) {
    let test = TestServer::start(engine);
    write(&test, AuditAction::LoginSucceeded, 2);
    sql(
        &test,
        &format!(
            "INSERT INTO audit_events (occurred_at, action, outcome, actor_kind) VALUES ({}, 'login.failed', 'failure', 'anonymous')",
            start_time().timestamp_micros()
        ),
    );
    assert!(matches!(broken(&test), Broken::Outside { count: 1, .. }));
    write(&test, AuditAction::LoginSucceeded, 2);
    drop(test.sibling());
    assert!(matches!(broken(&test), Broken::Outside { count: 1, .. }), "no start adopts it by itself");
    let adopted = audit_chain::adopt_outside(&test.server, &Caller::command_line(), &|_| ()).unwrap();
    assert_eq!(adopted, (1, false));
    assert_eq!(test.events("audit_chain.adopted").len(), 1);
    whole(&test);
    write(&test, AuditAction::LoginSucceeded, 2);
    whole(&test);
}

fn of_two_checkpoints_at_once_one_is_made(engine: Engine) {
    let test = TestServer::start(engine);
    let sibling = test.sibling();
    for _ in 0..5 {
        write(&test, AuditAction::LoginSucceeded, 1);
        let barrier = Barrier::new(4);
        let made: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|number| {
                    let server = if number % 2 == 0 { &test.server } else { &sibling.server };
                    let barrier = &barrier;
                    scope.spawn(move || {
                        barrier.wait();
                        usize::from(audit_checkpoints::take_checkpoint(server).unwrap().is_some())
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(made, 1);
    }
    assert_eq!(whole(&test).checkpoints, 5);
}

fn checkpoints_are_listed(engine: Engine) {
    let test = TestServer::start(engine);
    let token = test.admin_token("audit-events:read");
    for _ in 0..3 {
        write(&test, AuditAction::LoginSucceeded, 1);
        checkpoint(&test);
    }
    let get = |path: &str| Answer::of(http_client().get(test.url(path)).bearer_auth(&token));
    let page = get("/v1/audit-checkpoints?limit=2").json();
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    assert_eq!(page["items"][0]["number"], 3);
    let next = get(&format!("/v1/audit-checkpoints?cursor={}", text(&page["next_cursor"]))).json();
    assert_eq!(next["items"][0]["number"], 1);
    assert_eq!(get("/v1/audit-checkpoints?cursor=x").status, 400);
    let events = get("/v1/audit-events?class=security&limit=1").json();
    let event = &events["items"][0];
    assert_eq!((&event["class"], event["hash"].as_str().unwrap().len()), (&"security".into(), 43));
    assert!(event["sequence"].is_i64() && event.get("salt").is_none());
}
