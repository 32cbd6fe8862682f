//! A password that is changed between its check and what follows from it (`confirm_password`).

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use grantor::crypto::password::{HashMemory, PasswordCost, PasswordHashing};
use grantor::store::Store;

use crate::support::*;

on_both!(a_password_grant_loses_against_a_new_password, a_sign_in_loses_against_a_new_password);

/// Another hash of the same password: whoever reads it before the check passes, so that a refusal means that it was
/// changed after the check.
fn another_hash() -> String {
    let cost = PasswordCost { memory_kib: 7_168, iterations: 5, parallelism: 1 };
    PasswordHashing::new(cost).unwrap().hash(PASSWORD, &mut HashMemory::default()).unwrap()
}

/// Logs in while a change of the password is being written, which ends after `hold` at the latest.
fn log_in_during_a_change<T: Send>(
    test: &TestServer,
    user: &str,
    hold: Duration,
    log_in: impl FnOnce() -> T + Send,
) -> T {
    let other = Store::open(&test.database.settings(), &|_| ()).unwrap();
    let ((begun, begin), (done, end)) = (channel(), channel::<()>());
    let (user, hash) = (user.to_owned(), another_hash());
    thread::scope(|scope| {
        let change = scope.spawn(move || {
            other.write(move |connection| {
                assert!(connection.update_user_password(&user, &hash, start_time())?);
                begun.send(()).unwrap();
                // The log-in cannot end before this does, unless it was refused for the wrong reason.
                let _ = end.recv_timeout(hold);
                Ok(())
            })
        });
        begin.recv().unwrap();
        let answer = log_in();
        let _ = done.send(());
        change.join().unwrap().unwrap();
        answer
    })
}

/// Tries with longer and longer changes, until one was written between the check and what follows.
fn loses(test: &TestServer, user: &str, log_in: impl Fn() -> Answer + Sync) -> Answer {
    for hold in [100, 200, 400, 800, 1600, 3200] {
        let answer = log_in_during_a_change(test, user, Duration::from_millis(hold), &log_in);
        if !matches!(answer.status.as_u16(), 200 | 303) {
            return answer;
        }
    }
    panic!("every log-in won against a new password");
}

fn a_password_grant_loses_against_a_new_password(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    let client = test.confidential();
    let form = [("grant_type", "password"), ("username", "ada"), ("password", PASSWORD)];
    let before = test.events("login.succeeded").len();
    let refused = loses(&test, &user, || test.token(&client, &form));
    refused.assert_error(400, "invalid_grant");
    assert_eq!(refused.json()["error_description"], "username or password is wrong");
    assert_eq!(test.token(&client, &form).status, 200);
    assert!(test.events("login.succeeded").len() > before);
}

fn a_sign_in_loses_against_a_new_password(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    let refused = loses(&test, &user, || Browser::new(&test).sign_in("", "ada", PASSWORD));
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert!(refused.headers.get_all("set-cookie").iter().all(|line| !line.to_str().unwrap().contains("-session=ls_")));
    assert_eq!(Browser::new(&test).sign_in("", "ada", PASSWORD).status, 303);
}
