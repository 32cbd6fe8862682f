//! What the tests of people's own accounts share.

use grantor::domain::audit_event::Source;
use grantor::flows::account::Person;
use grantor::flows::account::personal_tokens::{self, NewPersonalToken, PersonalTokenWithText};
use grantor::flows::caller::Caller;
use grantor::flows::error::{FlowError, FlowResult};
use grantor::flows::scopes::{self, NewScope};
use grantor::flows::users;

use crate::support::*;

/// A person as just read, without a session.
pub fn person(test: &TestServer, username: &str) -> Person {
    let user = users::show(&test.server, &Caller::command_line(), username).unwrap();
    let source = Source { address: "192.0.2.7".parse().ok(), ..Source::default() };
    Person { user, sid: None, client_id: None, source }
}

/// The same in the one session that they have.
pub fn person_in(test: &TestServer, username: &str, sid: &str) -> Person {
    Person { sid: Some(sid.to_owned()), ..person(test, username) }
}

/// Defines an ordinary scope of the platform.
pub fn define(test: &TestServer, name: &str, privileged: bool) {
    let (name, description) = (name.to_owned(), format!("May {name}"));
    let new = NewScope { name, description, resource: None, privileged };
    scopes::create(&test.server, &Caller::command_line(), new).unwrap();
}

/// Makes a personal token for an hour.
pub fn make_token(test: &TestServer, person: &Person, scopes: &[&str]) -> FlowResult<PersonalTokenWithText> {
    let new = NewPersonalToken {
        name: "backup script".to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        expires_in: 3600,
    };
    personal_tokens::create(&test.server, person, new)
}

/// The sentence of a refusal.
#[track_caller]
pub fn refusal<T>(result: FlowResult<T>) -> String {
    match result {
        Err(FlowError::Denied(denial)) => denial.public_text(),
        Err(FlowError::Failed(failure)) => panic!("failed: {failure}"),
        Ok(_) => panic!("not refused"),
    }
}
