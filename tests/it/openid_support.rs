//! What the tests of OpenID Connect share: clients that speak it, a user of whom everything is known, and the way to tokens.

use grantor::domain::profile::Profile;
use grantor::flows::caller::Caller;
use grantor::flows::clients::ClientMembers;
use grantor::flows::users::{self, NewPassword, NewUser};
use grantor::protocol::scope::Scope;
use serde_json::{Value, json};

use crate::support::*;

/// Every scope of OpenID Connect.
pub const EVERYTHING: &str = "openid profile email address phone offline_access";

/// A public first-party client that is registered for every scope of OpenID Connect.
pub fn openid_members(client_id: &str) -> ClientMembers {
    ClientMembers {
        scope: Some(Scope::parse(&format!("{EVERYTHING} read write")).unwrap()),
        ..public_members(client_id)
    }
}

/// The same of somebody else, so that people are asked.
pub fn third_party_members(client_id: &str) -> ClientMembers {
    ClientMembers { first_party: Some(false), ..openid_members(client_id) }
}

/// Everything that a profile can hold.
pub fn whole_profile() -> Value {
    json!({
        "given_name": "Ada", "family_name": "Lovelace", "middle_name": "King", "nickname": "Countess",
        "preferred_username": "ada.l", "profile": "https://people.example/ada", "picture": "https://people.example/ada.png",
        "website": "https://ada.example", "email_verified": true, "gender": "female", "birthdate": "1815-12-10",
        "zoneinfo": "Europe/London", "locale": "en-GB", "phone_number": "+44 20 7946 0000", "phone_number_verified": false,
        "address": { "formatted": "12 St James's Square\nLondon", "locality": "London", "country": "UK" },
    })
}

/// A user of whom everything is known; the identifier.
pub fn known_user(test: &TestServer, username: &str) -> String {
    let new = NewUser {
        username: username.to_owned(),
        password: NewPassword(zeroize::Zeroizing::new(PASSWORD.to_owned())),
        name: Some("Ada Lovelace".to_owned()),
        email: Some("ada@ada.example".to_owned()),
        profile: serde_json::from_value::<Profile>(whole_profile()).unwrap(),
        roles: Vec::new(),
    };
    users::create(&test.server, &Caller::command_line(), new).map_err(|error| format!("{error:?}")).unwrap().id.0
}

/// GET `/oauth/authorize` in this browser.
pub fn ask(browser: &Browser<'_>, client: &TestClient, changes: &[(&str, &str)]) -> Answer {
    browser.get(&format!("/oauth/authorize?{}", authorize_query(client, changes)))
}

/// The form of a page, posted to where it says, with these fields beside its form token.
pub fn submit(browser: &Browser<'_>, page: &Answer, fields: &[(&str, &str)]) -> Answer {
    let (_, rest) = page.body.split_once("action=\"").unwrap_or_else(|| panic!("no form: {page:?}"));
    let action = rest.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
    let token = csrf(page);
    let mut form = vec![("csrf", token.as_str())];
    form.extend(fields);
    browser.post(&action, &form)
}

/// The fields of the log-in form.
pub fn as_user(username: &str) -> [(&str, &str); 2] {
    [("username", username), ("password", PASSWORD)]
}

/// Follows redirects within the server to the page that they end on, or to the answer that leaves it.
pub fn settle(browser: &Browser<'_>, mut answer: Answer) -> Answer {
    for _ in 0..5 {
        if answer.status.as_u16() != 303 || answer.header("location").starts_with(REDIRECT_URI) {
            return answer;
        }
        answer = browser.follow(&answer);
    }
    panic!("redirected in circles: {answer:?}");
}

/// Signs in and allows wherever that is asked for, up to the answer to the client.
pub fn walk(browser: &Browser<'_>, client: &TestClient, username: &str, changes: &[(&str, &str)]) -> Answer {
    let mut answer = settle(browser, ask(browser, client, changes));
    for _ in 0..3 {
        if answer.body.contains("id=\"login-submit\"") {
            answer = settle(browser, submit(browser, &answer, &as_user(username)));
        } else if answer.body.contains("id=\"consent-allow\"") {
            answer = settle(browser, submit(browser, &answer, &[("decision", "allow")]));
        }
    }
    answer
}

/// The tokens of an answer with a code.
pub fn exchange(test: &TestServer, client: &TestClient, answer: &Answer) -> Value {
    let code = answer.parameter("code").unwrap_or_else(|| panic!("no code: {answer:?}"));
    let tokens = test.token(client, &code_parameters(&code));
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    tokens.json()
}

/// Tokens for this scope in a new browser.
pub fn openid_tokens(test: &TestServer, client: &TestClient, username: &str, scope: &str) -> Value {
    exchange(test, client, &walk(&Browser::new(test), client, username, &[("scope", scope)]))
}

/// GET `/oauth/userinfo` with this access token.
pub fn userinfo(test: &TestServer, token: &str) -> Answer {
    Answer::of(http_client().get(test.url("/oauth/userinfo")).bearer_auth(token))
}
