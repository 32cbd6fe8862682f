//! The schema: up, down, up again, alike on both databases, and opened by two at the same moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, SqliteConnection};
use grantor::clock::Clock;
use grantor::config::{Config, HiddenText};
use grantor::flows::Server;
use grantor::protocol::signing_alg::SigningAlg;
use grantor::store::{DatabaseUrl, Store, StoreConnection, StoreSettings, migrate};

use crate::support::*;

on_both!(
    the_schema_goes_up_and_down_and_up_again,
    going_up_twice_changes_nothing,
    stores_may_open_a_fresh_database_together,
    servers_that_start_together_agree,
    sessions_clients_and_keys_of_before_openid_go_on,
);

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    required: i64,
    #[diesel(sql_type = BigInt)]
    key: i64,
}

#[derive(QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    is_unique: i64,
    #[diesel(sql_type = BigInt)]
    is_partial: i64,
    /// `c` by CREATE INDEX, `u` by UNIQUE, `p` the primary key.
    #[diesel(sql_type = Text)]
    origin: String,
    #[diesel(sql_type = Text)]
    columns: String,
}

#[derive(QueryableByName)]
struct Reference {
    #[diesel(sql_type = Text)]
    from_column: String,
    #[diesel(sql_type = Text)]
    to_table: String,
    #[diesel(sql_type = Text)]
    on_delete: String,
}

/// What both databases must have alike in a table.
#[derive(Debug, PartialEq, Eq)]
struct Table {
    /// Name, type, required; in order.
    columns: Vec<(String, String, bool)>,
    primary_key: Vec<String>,
    uniques: BTreeSet<String>,
    /// Name to columns, unique, partial.
    indexes: BTreeMap<String, (String, bool, bool)>,
    references: BTreeSet<(String, String, String)>,
}

/// The type mapping between the two, by SQLite's storage classes: a 64-bit INTEGER there is bigint, integer or boolean on
/// PostgreSQL, and BLOB is bytea.
fn as_sqlite(postgres: &str) -> &'static str {
    match postgres {
        "text" => "TEXT",
        "bigint" | "integer" | "boolean" => "INTEGER",
        "bytea" => "BLOB",
        other => panic!("a type that is not mapped: {other}"),
    }
}

fn open(database: &TestDatabase) -> StoreConnection {
    match DatabaseUrl::parse(&database.url).unwrap() {
        DatabaseUrl::Sqlite(path) => {
            StoreConnection::Sqlite(SqliteConnection::establish(&path.to_string_lossy()).unwrap())
        }
        DatabaseUrl::Postgres(url) => StoreConnection::Postgres(PgConnection::establish(&url).unwrap()),
    }
}

/// Rows of the same query, written for each database.
macro_rules! load {
    ($connection:expr, $row:ty, $sqlite:expr, $postgres:expr) => {
        match $connection {
            StoreConnection::Sqlite(connection) => diesel::sql_query($sqlite).load::<$row>(connection).unwrap(),
            StoreConnection::Postgres(connection) => diesel::sql_query($postgres).load::<$row>(connection).unwrap(),
        }
    };
}

/// Every table, index and sequence that a migration could have made.
fn things(connection: &mut StoreConnection) -> BTreeSet<String> {
    let rows = load!(
        connection,
        Name,
        "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND tbl_name <> '__diesel_schema_migrations'",
        "SELECT relname::text AS name FROM pg_class WHERE relnamespace = current_schema()::regnamespace \
         AND relname NOT LIKE '\\_\\_diesel%'"
    );
    rows.into_iter().map(|row| row.name).collect()
}

fn tables(connection: &mut StoreConnection) -> Vec<String> {
    let rows = load!(
        connection,
        Name,
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_\\_%' ESCAPE '\\'",
        "SELECT relname::text AS name FROM pg_class WHERE relkind = 'r' \
         AND relnamespace = current_schema()::regnamespace AND relname NOT LIKE '\\_\\_%'"
    );
    rows.into_iter().map(|row| row.name).collect()
}

fn columns(connection: &mut StoreConnection, table: &str) -> Vec<Column> {
    let sqlite = format!(
        "SELECT name, type AS kind, CAST(\"notnull\" AS BIGINT) AS required, CAST(pk AS BIGINT) AS key FROM pragma_table_info('{table}') ORDER BY cid"
    );
    // The catalog itself: the views of information_schema look through every schema of the cluster first.
    let postgres = format!(
        "SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS kind, \
         a.attnotnull::int::bigint AS required, \
         COALESCE((SELECT array_position(x.indkey::int2[], a.attnum) + 1 FROM pg_index x \
           WHERE x.indrelid = a.attrelid AND x.indisprimary), 0)::bigint AS key \
         FROM pg_attribute a WHERE a.attrelid = '{table}'::regclass AND a.attnum > 0 AND NOT a.attisdropped \
         ORDER BY a.attnum"
    );
    load!(connection, Column, sqlite, postgres)
}

fn indexes(connection: &mut StoreConnection, table: &str) -> Vec<Index> {
    let sqlite = format!(
        "SELECT l.name, CAST(l.\"unique\" AS BIGINT) AS is_unique, CAST(l.partial AS BIGINT) AS is_partial, \
         CASE l.origin WHEN 'pk' THEN 'p' ELSE l.origin END AS origin, \
         (SELECT group_concat(COALESCE(i.name, 'expression')) FROM pragma_index_info(l.name) i) AS columns \
         FROM pragma_index_list('{table}') l"
    );
    let postgres = format!(
        "SELECT i.relname::text AS name, x.indisunique::int::bigint AS is_unique, \
         (x.indpred IS NOT NULL)::int::bigint AS is_partial, \
         CASE WHEN x.indisprimary THEN 'p' \
           WHEN EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = x.indexrelid) THEN 'u' ELSE 'c' END AS origin, \
         (SELECT string_agg(COALESCE(a.attname::text, 'expression'), ',' ORDER BY k.place) \
           FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS k (number, place) \
           LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.number AND k.number > 0) AS columns \
         FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid \
         WHERE x.indrelid = '{table}'::regclass"
    );
    load!(connection, Index, sqlite, postgres)
}

fn references(connection: &mut StoreConnection, table: &str) -> Vec<Reference> {
    let sqlite = format!(
        "SELECT \"from\" AS from_column, \"table\" AS to_table, on_delete FROM pragma_foreign_key_list('{table}')"
    );
    let postgres = format!(
        "SELECT a.attname::text AS from_column, c.confrelid::regclass::text AS to_table, \
         CASE c.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'a' THEN 'NO ACTION' ELSE c.confdeltype::text END AS on_delete \
         FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) \
         WHERE c.contype = 'f' AND c.conrelid = '{table}'::regclass"
    );
    load!(connection, Reference, sqlite, postgres)
}

fn describe(connection: &mut StoreConnection, name: &str) -> Table {
    let on_postgres = matches!(connection, StoreConnection::Postgres(_));
    let columns = columns(connection, name);
    let kind = |kind: &str| if on_postgres { as_sqlite(kind).to_owned() } else { kind.to_owned() };
    let mut key: Vec<&Column> = columns.iter().filter(|column| column.key > 0).collect();
    key.sort_by_key(|column| column.key);
    let primary_key = key.into_iter().map(|column| column.name.clone()).collect();
    let shape = columns.iter().map(|column| (column.name.clone(), kind(&column.kind), column.required == 1)).collect();
    let indexes = indexes(connection, name);
    let uniques = indexes.iter().filter(|index| index.origin == "u").map(|index| index.columns.clone()).collect();
    let named = indexes.into_iter().filter(|index| index.origin == "c");
    let named = named.map(|index| (index.name, (index.columns, index.is_unique == 1, index.is_partial == 1))).collect();
    let references = references(connection, name).into_iter();
    let references = references.map(|one| (one.from_column, one.to_table, one.on_delete)).collect();
    Table { columns: shape, primary_key, uniques, indexes: named, references }
}

fn schema(connection: &mut StoreConnection) -> BTreeMap<String, Table> {
    let names = tables(connection);
    names.into_iter().map(|name| (name.clone(), describe(connection, &name))).collect()
}

fn the_schema_goes_up_and_down_and_up_again(engine: Engine) {
    let database = TestDatabase::empty(engine);
    let mut connection = open(&database);
    assert_eq!(things(&mut connection), BTreeSet::new());
    let mut said = Vec::new();
    let progress = std::cell::RefCell::new(&mut said);
    migrate::up(&mut connection, &|line| progress.borrow_mut().push(line.to_owned())).unwrap();
    assert!(said[0].starts_with("migration 1 of "), "{said:?}");
    let (first, named) = (schema(&mut connection), things(&mut connection));
    assert!(first.len() >= 14, "{:?}", first.keys());
    migrate::down(&mut connection).unwrap();
    assert_eq!(things(&mut connection), BTreeSet::new(), "nothing is left behind");
    migrate::up(&mut connection, &|_| ()).unwrap();
    assert_eq!((schema(&mut connection), things(&mut connection)), (first, named));
    // And it works.
    let store = Store::open(&database.settings(), &|_| ()).unwrap();
    store.write(|connection| connection.insert_server_state("a", "b")).unwrap();
    assert_eq!(store.read(|connection| connection.find_server_state("a")).unwrap().as_deref(), Some("b"));
}

fn going_up_twice_changes_nothing(engine: Engine) {
    let database = TestDatabase::empty(engine);
    let store = Store::open(&database.settings(), &|_| ()).unwrap();
    store.write(|connection| connection.insert_server_state("a", "b")).unwrap();
    let before = schema(&mut open(&database));
    let again = Store::open(&database.settings(), &|line| panic!("nothing is pending: {line}")).unwrap();
    assert_eq!(schema(&mut open(&database)), before);
    assert_eq!(again.read(|connection| connection.find_server_state("a")).unwrap().as_deref(), Some("b"));
}

/// A database as an older version left it: with the migrations up to this one.
fn database_at(engine: Engine, last: &str) -> TestDatabase {
    let database = TestDatabase::empty(engine);
    let mut connection = open(&database);
    let folder = if engine == Engine::Sqlite { "sqlite" } else { "postgres" };
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    connection
        .batch_execute(
            "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, \
             run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)",
        )
        .unwrap();
    for name in names.iter().filter(|name| name.as_str() <= last) {
        connection.batch_execute(&std::fs::read_to_string(folder.join(name).join("up.sql")).unwrap()).unwrap();
        let version: String = name.split('_').next().unwrap().chars().filter(char::is_ascii_digit).collect();
        let row = format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}')");
        connection.batch_execute(&row).unwrap();
    }
    database
}

fn sessions_clients_and_keys_of_before_openid_go_on(engine: Engine) {
    let database = database_at(engine, "2026-11-23-000003_audit_seal");
    let octets = |text: &str| match engine {
        Engine::Sqlite => format!("CAST('{text}' AS BLOB)"),
        Engine::Postgres => format!("'{text}'::bytea"),
    };
    let flag = if engine == Engine::Sqlite { "1" } else { "true" };
    let mut connection = open(&database);
    for row in [
        "INSERT INTO users VALUES ('u', 'ada', 'ada', 'Ada', NULL, 'h', '', 'active', 1, 2, 3)".to_owned(),
        format!("INSERT INTO login_sessions VALUES ({}, 'u', 1, 2, 9)", octets("first")),
        format!("INSERT INTO login_sessions VALUES ({}, 'u', 1, 3, 9)", octets("second")),
        format!(
            "INSERT INTO clients (client_id, client_name, description, environment, status, token_endpoint_auth_method, \
             grant_types, redirect_uris, scope, resources, allowed_origins, roles, require_pkce, first_party, may_introspect, \
             refresh_token_policy, created_at, updated_at, allowed_addresses) VALUES ('web', 'Web', '', 'live', 'active', \
             'none', 'authorization_code', 'https://a.example/', '', 'https://api.example', '', '', {flag}, {flag}, {flag}, \
             'rotate', 1, 1, '')"
        ),
        "INSERT INTO grants VALUES ('g', 'web', 'u', '', 'https://api.example', 1, 1, 9, NULL, NULL)".to_owned(),
    ] {
        connection.batch_execute(&row).unwrap_or_else(|error| panic!("{row}: {error}"));
    }
    drop(connection);
    let store = Store::open(&database.settings(), &|_| ()).unwrap();
    let session =
        |digest: &'static [u8]| store.read(move |connection| connection.find_login_session(digest)).unwrap().unwrap().0;
    let (first, second) = (session(b"first"), session(b"second"));
    assert!(first.sid.len() == 32 && second.sid.len() == 32 && first.sid != second.sid);
    assert_eq!((first.auth_time.timestamp_micros(), second.auth_time.timestamp_micros()), (2, 3));
    let client = store.read(|connection| connection.find_client("web")).unwrap().unwrap();
    assert_eq!(client.metadata, grantor::domain::client_metadata::ClientMetadata::default());
    let (grant, user) = store.read(|connection| connection.find_grant("g")).unwrap().unwrap();
    assert_eq!((grant.sid, grant.claims), (None, None));
    assert!(user.profile.is_empty() && user.name.as_deref() == Some("Ada"));
}

#[test]
fn both_databases_are_alike() {
    if !postgres_is_there() {
        return;
    }
    let [sqlite, postgres] = [Engine::Sqlite, Engine::Postgres].map(|engine| {
        let database = TestDatabase::empty(engine);
        let mut connection = open(&database);
        migrate::up(&mut connection, &|_| ()).unwrap();
        schema(&mut connection)
    });
    assert_eq!(sqlite.keys().collect::<Vec<_>>(), postgres.keys().collect::<Vec<_>>());
    for (name, table) in &sqlite {
        assert_eq!(table, &postgres[name], "{name}: left SQLite, right PostgreSQL");
    }
    // What the rules of the code rest on.
    assert_eq!(sqlite["refresh_tokens"].uniques, BTreeSet::from(["digest".to_owned()]));
    let current = sqlite["signing_keys"].indexes["signing_keys_one_current"].clone();
    assert_eq!(current, ("alg".to_owned(), true, true));
    // Same names and the same number of migrations on both sides.
    let folders = |engine: &str| -> BTreeSet<String> {
        let folder = format!("{}/migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(folders("sqlite"), folders("postgres"));
}

/// The constraints that introspection does not show.
#[test]
fn both_databases_check_alike() {
    let engines = [Engine::Sqlite, Engine::Postgres];
    for engine in engines.into_iter().filter(|engine| *engine == Engine::Sqlite || postgres_is_there()) {
        let database = TestDatabase::empty(engine);
        let mut connection = open(&database);
        migrate::up(&mut connection, &|_| ()).unwrap();
        if engine == Engine::Sqlite {
            connection.batch_execute("PRAGMA foreign_keys = ON").unwrap();
        }
        let user = |id: &str, status: &str| {
            format!(
                "INSERT INTO users VALUES ('{id}', '{id}', '{id}', NULL, NULL, 'h', '', '{status}', 0, 0, 0, '{{}}')"
            )
        };
        connection.batch_execute(&user("a", "active")).unwrap();
        for refused in [
            user("b", "revoked"),
            user("b", "ACTIVE"),
            user("a", "active"),
            "INSERT INTO login_sessions VALUES ('x', 'nobody', 0, 0, 0, 's', 0, NULL, NULL)".to_owned(),
            "INSERT INTO client_origins VALUES ('https://a.example', 'nobody')".to_owned(),
            "INSERT INTO server_state VALUES ('a', NULL)".to_owned(),
        ] {
            assert!(connection.batch_execute(&refused).is_err(), "{engine:?}: {refused}");
        }
    }
}

fn stores_may_open_a_fresh_database_together(engine: Engine) {
    for round in 0..5 {
        let database = TestDatabase::empty(engine);
        let settings = database.settings();
        let barrier = Barrier::new(4);
        let opened: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        Store::open(&settings, &|_| ())
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (number, store) in opened.into_iter().enumerate() {
            let store = store.unwrap_or_else(|error| panic!("round {round}: {error}"));
            let name = format!("from {number}");
            store.write(move |connection| connection.insert_server_state(&name, "x")).unwrap();
        }
    }
}

fn servers_that_start_together_agree(engine: Engine) {
    let database = Arc::new(TestDatabase::empty(engine));
    let config = || {
        let mut config = Config::default();
        config.database.url.clone_from(&database.url);
        config.database.connect_timeout = Duration::from_secs(10);
        config.root_key.value = Some(HiddenText(ROOT_KEY.to_owned()));
        config
    };
    let barrier = Barrier::new(2);
    let servers: Vec<Server> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    Server::open(config(), Clock::fixed(start_time()), &|_| ()).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let kids: Vec<String> = servers
        .iter()
        .map(|server| server.keyring().signing_key(SigningAlg::RS256, start_time()).unwrap().kid.clone())
        .collect();
    assert_eq!(kids[0], kids[1]);
    assert_eq!(servers[0].store.read(|connection| connection.list_signing_keys()).unwrap().len(), 4);
}

#[test]
fn a_database_that_is_not_there_is_an_error() {
    let settings = |url: &str| StoreSettings {
        url: DatabaseUrl::parse(url).unwrap(),
        pool_size: 1,
        connect_timeout: Duration::from_millis(200),
    };
    for url in ["sqlite:/nowhere/at/all/test.db", "postgres://nobody@127.0.0.1:1/nothing"] {
        let refused = Store::open(&settings(url), &|_| ()).err().unwrap();
        assert!(refused.to_string().starts_with("the database is not available"), "{refused}");
    }
}
