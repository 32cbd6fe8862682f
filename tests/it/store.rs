//! What the store promises: a write that was answered is kept, each caller gets its own answer, an error or a panic in one
//! write touches no other.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Barrier;

use diesel::RunQueryDsl as _;
use grantor::store::{DatabaseUrl, Store, StoreConnection, StoreError};

use crate::support::*;

on_both!(
    each_of_many_writes_is_kept_and_gets_its_own_answer,
    an_error_rolls_back_its_own_write_only,
    a_panic_rolls_back_its_own_write_only,
    of_many_equal_inserts_one_wins,
    a_write_is_seen_by_the_next_read,
    two_stores_write_to_one_database,
);

fn open(database: &TestDatabase) -> Store {
    Store::open(&database.settings(), &|_| ()).unwrap()
}

fn find(store: &Store, name: &str) -> Option<String> {
    store.read(|connection| connection.find_server_state(name)).unwrap()
}

/// Runs this work on many threads, all at once.
fn together<T: Send>(callers: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
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

fn mine(number: usize) -> StoreError {
    StoreError::Corrupt(format!("mine {number}"))
}

fn each_of_many_writes_is_kept_and_gets_its_own_answer(engine: Engine) {
    let database = TestDatabase::empty(engine);
    let store = open(&database);
    let answers = together(100, |number| {
        store.write(move |connection| {
            connection.insert_server_state(&format!("n{number}"), &number.to_string())?;
            Ok(number * 7)
        })
    });
    for (number, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer, Ok(number * 7));
    }
    // Kept: a store that is opened afterwards sees them all.
    drop(store);
    let store = open(&database);
    for number in 0..100 {
        assert_eq!(find(&store, &format!("n{number}")), Some(number.to_string()));
    }
}

fn an_error_rolls_back_its_own_write_only(engine: Engine) {
    let database = TestDatabase::empty(engine);
    let store = open(&database);
    let answers = together(60, |number| {
        store.write(move |connection| {
            connection.insert_server_state(&format!("n{number}"), "x")?;
            if number % 3 == 0 { Err(mine(number)) } else { Ok(number) }
        })
    });
    for (number, answer) in answers.into_iter().enumerate() {
        let failed = number % 3 == 0;
        assert_eq!(answer, if failed { Err(mine(number)) } else { Ok(number) });
        assert_eq!(find(&store, &format!("n{number}")).is_none(), failed, "{number}");
    }
}

fn a_panic_rolls_back_its_own_write_only(engine: Engine) {
    let database = TestDatabase::empty(engine);
    let store = open(&database);
    let answers = together(30, |number| {
        catch_unwind(AssertUnwindSafe(|| {
            store.write(move |connection| {
                connection.insert_server_state(&format!("n{number}"), "x")?;
                if number % 3 == 0 {
                    // A panic, less its message on the terminal.
                    resume_unwind(Box::new("on purpose"));
                }
                Ok(number)
            })
        }))
    });
    for (number, answer) in answers.into_iter().enumerate() {
        let panicked = number % 3 == 0;
        match answer {
            Ok(Ok(own)) => assert_eq!((own, panicked), (number, false)),
            Ok(Err(StoreError::Unavailable(_))) => assert!(panicked, "{number}"),
            Ok(Err(error)) => panic!("{number}: {error}"),
            Err(_) => panic!("{number}: the panic of a write reached its caller"),
        }
        assert_eq!(find(&store, &format!("n{number}")).is_none(), panicked, "{number}");
    }
    for number in 100..120 {
        store.write(move |connection| connection.insert_server_state(&format!("n{number}"), "x")).unwrap();
    }
}

fn of_many_equal_inserts_one_wins(engine: Engine) {
    let database = TestDatabase::empty(engine);
    let store = open(&database);
    let answers = together(40, |number| {
        store.write(move |connection| {
            connection.insert_server_state(&format!("own {number}"), "x")?;
            connection.insert_server_state("one", &number.to_string())
        })
    });
    let won: Vec<usize> = (0..40).filter(|number| answers[*number].is_ok()).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    assert_eq!(find(&store, "one"), Some(won[0].to_string()));
    for (number, answer) in answers.iter().enumerate() {
        assert!(matches!(answer, Ok(()) | Err(StoreError::Conflict(_))), "{answer:?}");
        // What a loser wrote before it lost is gone too.
        assert_eq!(find(&store, &format!("own {number}")).is_some(), number == won[0]);
    }
}

fn a_write_is_seen_by_the_next_read(engine: Engine) {
    let database = TestDatabase::empty(engine);
    let store = open(&database);
    together(8, |caller| {
        for turn in 0..20 {
            let name = format!("{caller}.{turn}");
            let written = name.clone();
            store.write(move |connection| connection.insert_server_state(&written, "x")).unwrap();
            assert!(find(&store, &name).is_some(), "{name}");
        }
    });
}

fn two_stores_write_to_one_database(engine: Engine) {
    let database = TestDatabase::empty(engine);
    let stores = [open(&database), open(&database)];
    let answers = together(40, |number| {
        stores[number % 2].write(move |connection| connection.insert_server_state(&format!("n{number}"), "x"))
    });
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    for number in 0..40 {
        assert!(find(&stores[(number + 1) % 2], &format!("n{number}")).is_some());
    }
}

/// On PostgreSQL a read runs on a connection that could write; nothing of ours does.
#[test]
fn on_sqlite_a_read_refuses_to_write() {
    let database = TestDatabase::empty(Engine::Sqlite);
    let store = open(&database);
    let refused = store.read(|connection| connection.insert_server_state("a", "b"));
    assert!(matches!(&refused, Err(StoreError::Unavailable(text)) if text.contains("readonly")), "{refused:?}");
    assert_eq!(find(&store, "a"), None);
    assert_eq!(store.ping(), Ok(()));
}

fn setting(connection: &mut StoreConnection, name: &str) -> String {
    use diesel::dsl::sql;
    let StoreConnection::Postgres(connection) = connection else { return String::new() };
    diesel::select(sql::<diesel::sql_types::Text>(&format!("current_setting('{name}')")))
        .get_result(connection)
        .unwrap()
}

#[test]
fn a_request_has_time_limits_and_its_plans_use_indexes_on_postgres() {
    if !postgres_is_there() {
        return;
    }
    let database = TestDatabase::empty(Engine::Postgres);
    let store = open(&database);
    let limits = |connection: &mut StoreConnection| {
        Ok(["statement_timeout", "idle_in_transaction_session_timeout", "random_page_cost"]
            .map(|name| setting(connection, name)))
    };
    assert_eq!(store.read(limits).unwrap(), ["5s", "10s", "1.1"]);
    assert_eq!(store.write(limits).unwrap(), ["5s", "10s", "1.1"]);
    // Not for what nobody waits for, and only within it.
    let lifted = store.write(move |connection| {
        connection.lift_statement_timeout()?;
        limits(connection)
    });
    assert_eq!(lifted.unwrap(), ["0", "10s", "1.1"]);
    assert_eq!(store.write(limits).unwrap(), ["5s", "10s", "1.1"]);
    // What the operator set in the URL stands, here for a statement that then takes too long.
    let mut settings = database.settings();
    let DatabaseUrl::Postgres(url) = &mut settings.url else { panic!("not PostgreSQL") };
    url.push_str("%20-cstatement_timeout%3D2000");
    let hasty = Store::open(&settings, &|_| ()).unwrap();
    assert_eq!(hasty.read(limits).unwrap(), ["2s", "10s", "1.1"]);
    let slept = hasty.read(|connection| {
        let StoreConnection::Postgres(connection) = connection else { return Ok(()) };
        Ok(diesel::connection::SimpleConnection::batch_execute(connection, "SELECT pg_sleep(10)")?)
    });
    assert!(matches!(slept, Err(StoreError::Unavailable(_))), "{slept:?}");
    assert_eq!(hasty.read(|_| Ok(7)), Ok(7));
}
