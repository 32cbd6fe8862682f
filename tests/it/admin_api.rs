//! The admin API: clients, users, scopes, signing keys, lists. Who may call it and what it leaves behind: `admin_guard`.
//! Longer than most files: each resource with its rules in one place.

use std::collections::BTreeSet;

use grantor::domain::role::ADMIN_API_SCOPES;
use grantor::domain::standard_claims::OPENID_SCOPES;
use grantor::flows::clients::ClientMembers;
use grantor::protocol::scope::Scope;
use reqwest::Method;
use reqwest::blocking::Client as HttpClient;
use serde_json::{Value, json};

use crate::support::*;

on_both!(
    a_registered_client_is_shown_and_its_secret_only_once,
    a_registration_takes_the_defaults,
    a_public_client_gets_no_secret,
    a_client_edit_changes_what_it_names,
    a_client_edit_refuses_what_is_fixed,
    invalid_registrations_are_refused,
    a_revoked_client_is_final,
    a_disabled_client_returns,
    a_rotated_secret_replaces_the_old,
    users_are_made_and_edited,
    invalid_users_are_refused,
    a_set_password_closes_what_the_old_one_opened,
    a_disabled_user_is_refused_at_once,
    scopes_are_defined_and_removed,
    scopes_of_this_api_are_fixed,
    signing_keys_are_listed_and_rotated,
    revoked_tokens_are_listed_until_they_expire,
    every_list_comes_in_pages,
    limits_have_bounds,
    unknown_members_and_parameters_are_refused,
);

/// The scopes of the admin API, all of them.
pub fn every_scope() -> Scope {
    Scope::from_tokens(ADMIN_API_SCOPES.into_iter().map(|(name, _)| name))
}

/// The tool by which admins get their tokens.
fn tool(test: &TestServer) -> TestClient {
    test.client(ClientMembers { scope: Some(every_scope()), ..confidential_members("tool") })
}

/// A token for the API by the password grant.
pub fn token(test: &TestServer, tool: &TestClient, username: &str, scope: &str) -> String {
    let parameters = [("grant_type", "password"), ("username", username), ("password", PASSWORD), ("scope", scope)];
    let answer = test.token(tool, &parameters);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["scope"], scope);
    text(&answer.json()["access_token"])
}

/// Someone who calls the API with a token.
pub struct Admin<'a> {
    pub test: &'a TestServer,
    pub http: HttpClient,
    pub tool: TestClient,
    pub token: String,
    /// `root`'s identifier.
    pub id: String,
}

impl<'a> Admin<'a> {
    /// A user `root` with the role `admin` and a token that says so.
    pub fn new(test: &'a TestServer) -> Self {
        let tool = tool(test);
        let id = test.user("root", &["admin"]);
        Self { test, http: http_client(), token: token(test, &tool, "root", "admin"), tool, id }
    }

    /// The same person with a token of this scope only.
    pub fn with(&self, scope: &str) -> Self {
        let token = token(self.test, &self.tool, "root", scope);
        let (http, tool, id) = (self.http.clone(), self.tool.clone(), self.id.clone());
        Self { test: self.test, http, tool, token, id }
    }

    pub fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let request = self.http.request(method, self.test.url(path)).bearer_auth(&self.token);
        Answer::of(match body {
            Some(body) => request.json(body),
            None => request,
        })
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None)
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body))
    }

    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, Some(body))
    }

    /// Reads a whole list, page by page.
    pub fn collect(&self, path: &str, limit: usize) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{path}?limit={limit}{cursor}")).ok();
            let rows = page["items"].as_array().unwrap().clone();
            assert!(rows.len() <= limit);
            items.extend(rows);
            let Some(next) = page["next_cursor"].as_str() else { return items };
            assert_eq!(page["items"].as_array().unwrap().len(), limit, "only the last page may be short");
            let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
            cursor = format!("&cursor={next}");
        }
    }
}

impl Answer {
    /// The body of a 200 that may not be stored.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("content-type"), "application/json");
        self.json()
    }

    /// The body of a 201, whose `Location` is this path.
    #[track_caller]
    pub fn created(&self, test: &TestServer, path: &str) -> Value {
        assert_eq!(self.status, 201, "{}", self.body);
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("location"), format!("{}{path}", test.server.config.server.issuer));
        self.json()
    }

    /// Asserts a problem document (RFC 9457 §3) that may not be stored; answers its sentence.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        let body = self.json();
        let title = self.status.canonical_reason().unwrap();
        let detail = text(&body["detail"]);
        assert!(!detail.is_empty());
        let wanted = json!({ "type": "about:blank", "title": title, "status": status, "code": code, "detail": detail });
        assert_eq!(body, wanted);
        detail
    }
}

fn a_registered_client_is_shown_and_its_secret_only_once(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let issuer = &test.server.config.server.issuer;
    let members = json!({
        "client_id": "shop", "client_name": "The Shop", "description": "Sells", "environment": "test",
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "redirect_uris": ["https://shop.example/cb", "com.example.shop:/cb"], "scope": "read write",
        "resources": ["https://api.example"], "allowed_origins": ["https://shop.example"], "roles": ["support"],
        "require_pkce": false, "first_party": true, "may_introspect": true, "refresh_token_policy": "keep",
        "plan": null, "requests_per_minute": null, "requests_per_hour": null, "allowed_addresses": [],
        "access_token_lifetime": 60, "refresh_token_lifetime": 3600, "refresh_token_max_lifetime": 7200,
        "plan": null, "requests_per_minute": null, "requests_per_hour": null, "allowed_addresses": [],
    });
    let made = admin.post("/v1/clients", &members).created(&test, "/v1/clients/shop");
    let secret = text(&made["client_secret"]);
    assert!(secret.starts_with("cs_") && secret.len() == 52, "{secret}");
    let mut wanted = members;
    for (name, value) in
        [("status", "active"), ("created_at", "2026-01-01T12:00:00Z"), ("updated_at", "2026-01-01T12:00:00Z")]
    {
        wanted[name] = json!(value);
    }
    wanted["last_used_at"] = json!(null);
    assert_eq!(admin.get("/v1/clients/shop").ok(), wanted);
    wanted["client_secret"] = json!(secret);
    assert_eq!(made, wanted);
    let list = admin.get("/v1/clients");
    assert!(list.body.contains("\"shop\"") && !list.body.contains("client_secret\"") && !list.body.contains(&secret));
    let parameters = [("grant_type", "client_credentials"), ("scope", "read")];
    let shop = TestClient { id: "shop".to_owned(), secret: Some(secret) };
    let claims = claims(&text(&test.token(&shop, &parameters).json()["access_token"]));
    assert_eq!(
        (&claims["iss"], &claims["aud"], &claims["env"]),
        (&json!(issuer), &json!("https://api.example"), &json!("test"))
    );
    admin
        .post("/v1/clients", &json!({ "client_id": "shop", "redirect_uris": ["https://a.example/"] }))
        .problem(409, "conflict");
}

fn a_registration_takes_the_defaults(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let answer = admin.post("/v1/clients", &json!({ "redirect_uris": ["https://a.example/cb"] }));
    let id = text(&answer.json()["client_id"]);
    assert!(id.len() >= 22, "{id}");
    let made = answer.created(&test, &format!("/v1/clients/{id}"));
    assert_eq!(
        made,
        json!({
            "client_id": id, "client_secret": made["client_secret"], "client_name": id, "description": "",
            "environment": "live", "status": "active", "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": ["authorization_code"], "redirect_uris": ["https://a.example/cb"], "scope": "",
            "resources": [test.server.config.server.issuer], "allowed_origins": [], "roles": [], "require_pkce": true,
            "first_party": false, "may_introspect": false, "refresh_token_policy": "rotate",
            "plan": null, "requests_per_minute": null, "requests_per_hour": null, "allowed_addresses": [],
            "access_token_lifetime": null, "refresh_token_lifetime": null, "refresh_token_max_lifetime": null,
            "plan": null, "requests_per_minute": null, "requests_per_hour": null, "allowed_addresses": [],
            "created_at": "2026-01-01T12:00:00Z", "last_used_at": null, "updated_at": "2026-01-01T12:00:00Z",
        })
    );
    // A secret that was brought along works, and is given back once like any other.
    let brought =
        json!({ "client_id": "old", "client_secret": "hunter2 hunter2", "grant_types": ["client_credentials"] });
    assert_eq!(
        admin.post("/v1/clients", &brought).created(&test, "/v1/clients/old")["client_secret"],
        "hunter2 hunter2"
    );
    let old = TestClient { id: "old".to_owned(), secret: Some("hunter2 hunter2".to_owned()) };
    assert_eq!(test.token(&old, &[("grant_type", "client_credentials")]).status, 200);
    let stored = test.server.store.read(|connection| connection.find_live_client_secrets("old", start_time())).unwrap();
    assert_eq!((stored.len(), stored[0].last_four.as_str()), (1, "ter2"));
}

fn a_public_client_gets_no_secret(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let members =
        json!({ "client_id": "app", "token_endpoint_auth_method": "none", "redirect_uris": ["http://127.0.0.1/cb"] });
    let made = admin.post("/v1/clients", &members).created(&test, "/v1/clients/app");
    assert_eq!((made.get("client_secret"), &made["require_pkce"]), (None, &json!(true)));
    let rotated = admin.post("/v1/clients/app/rotate-secret", &json!({}));
    assert_eq!(rotated.problem(409, "conflict"), "a public client has no secret");
    let with_secret = json!({
        "token_endpoint_auth_method": "none", "client_secret": "hunter2 hunter2", "redirect_uris": ["https://a.example/"]
    });
    admin.post("/v1/clients", &with_secret).problem(400, "invalid_request");
}

fn a_client_edit_changes_what_it_names(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    test.client(ClientMembers { access_token_lifetime: Some(Some(60)), ..confidential_members("web") });
    let before = admin.get("/v1/clients/web").ok();
    test.advance(1);
    assert_eq!(admin.patch("/v1/clients/web", &json!({})).ok()["access_token_lifetime"], 60);
    let edited =
        admin.patch("/v1/clients/web", &json!({ "description": "new", "allowed_origins": ["https://a.example"] }));
    let mut wanted = before.clone();
    wanted["description"] = json!("new");
    wanted["allowed_origins"] = json!(["https://a.example"]);
    wanted["updated_at"] = json!("2026-01-01T12:00:01Z");
    assert_eq!(edited.ok(), wanted);
    assert_eq!(admin.get("/v1/clients/web").ok(), wanted);
    // An explicit null empties, as far as the member can be empty.
    let nulls = json!({ "access_token_lifetime": null });
    assert_eq!(admin.patch("/v1/clients/web", &nulls).ok()["access_token_lifetime"], Value::Null);
    assert_eq!(admin.get("/v1/clients/web").ok()["access_token_lifetime"], Value::Null);
    for member in ["client_name", "description", "grant_types", "scope", "roles", "require_pkce", "redirect_uris"] {
        admin.patch("/v1/clients/web", &json!({ member: null })).problem(400, "invalid_request");
    }
    assert_eq!(admin.get("/v1/clients/web").ok()["description"], "new");
    let empty = json!({ "description": "", "allowed_origins": [], "roles": [], "scope": "" });
    let emptied = admin.patch("/v1/clients/web", &empty).ok();
    assert_eq!(
        (&emptied["description"], &emptied["allowed_origins"], &emptied["scope"]),
        (&json!(""), &json!([]), &json!(""))
    );
}

fn a_client_edit_refuses_what_is_fixed(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    test.confidential();
    test.public();
    let before = (admin.get("/v1/clients/web").ok(), admin.get("/v1/clients/app").ok());
    for (path, change, word) in [
        ("/v1/clients/web", json!({ "environment": "test" }), "environment"),
        ("/v1/clients/web", json!({ "client_id": "other" }), "client_id"),
        ("/v1/clients/web", json!({ "client_secret": "hunter2 hunter2" }), "client_secret"),
        ("/v1/clients/app", json!({ "token_endpoint_auth_method": "client_secret_basic" }), "public"),
        ("/v1/clients/app", json!({ "require_pkce": false }), "require_pkce"),
        ("/v1/clients/app", json!({ "refresh_token_policy": "keep" }), "refresh_token_policy"),
        ("/v1/clients/app", json!({ "grant_types": ["client_credentials"] }), "client_credentials"),
    ] {
        let detail = admin.patch(path, &change).problem(400, "invalid_request");
        assert!(detail.contains(word), "{change}: {detail}");
    }
    let to_public = json!({
        "token_endpoint_auth_method": "none", "grant_types": ["authorization_code"], "may_introspect": false
    });
    let detail = admin.patch("/v1/clients/web", &to_public).problem(400, "invalid_request");
    assert!(detail.contains("public or confidential"), "{detail}");
    assert_eq!(before, (admin.get("/v1/clients/web").ok(), admin.get("/v1/clients/app").ok()));
}

fn invalid_registrations_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let uri = |uri: &str| json!({ "redirect_uris": [uri] });
    let public = |name: &str, value: Value| json!({ "token_endpoint_auth_method": "none", "redirect_uris": ["https://a.example/cb"], name: value });
    let with = |name: &str, value: Value| json!({ "redirect_uris": ["https://a.example/cb"], name: value });
    let long = |length: usize| json!("x".repeat(length));
    let many: Vec<String> = (0..51).map(|number| format!("https://a.example/{number}")).collect();
    let bad = [
        uri("https://a.example/cb#fragment"),
        uri("https://a.example/*"),
        uri("https://*.example/cb"),
        uri("http://a.example/cb"),
        uri("http://127.0.0.1.example/cb"),
        uri("javascript:alert(1)"),
        uri("data:text/html,x"),
        uri("myapp://cb"),
        uri("/cb"),
        uri(""),
        uri("https://user@a.example/"),
        uri("https://a.example/ b"),
        uri(&format!("https://a.example/{}", "x".repeat(2048))),
        json!({}),
        json!({ "redirect_uris": [] }),
        with("redirect_uris", json!(many)),
        with("redirect_uris", json!("https://a.example/cb")),
        public("grant_types", json!(["client_credentials"])),
        public("refresh_token_policy", json!("keep")),
        public("require_pkce", json!(false)),
        public("may_introspect", json!(true)),
        public("roles", json!(["support"])),
        with("client_id", json!("")),
        with("client_id", json!("a b")),
        with("client_id", json!("ä")),
        with("client_id", long(129)),
        with("client_id", json!("a:b")),
        with("client_name", json!(" ")),
        with("client_name", long(201)),
        with("description", long(2001)),
        with("grant_types", json!([])),
        with("grant_types", json!(["implicit"])),
        with("grant_types", json!(["refresh_token"])),
        with("token_endpoint_auth_method", json!("private_key_jwt")),
        with("environment", json!("nowhere")),
        with("roles", json!(["nobody"])),
        with("scope", json!("a\"b")),
        with("scope", json!(["a"])),
        with("scope", long(4097)),
        with("resources", json!(["relative"])),
        with("resources", json!(["https://a.example/#x"])),
        with("allowed_origins", json!(["https://a.example/"])),
        with("allowed_origins", json!(["*"])),
        with("allowed_origins", json!(["null"])),
        with("access_token_lifetime", json!(9)),
        with("access_token_lifetime", json!(86_401)),
        with("access_token_lifetime", json!(-1)),
        with("refresh_token_lifetime", json!(59)),
        with("refresh_token_max_lifetime", json!(316_224_001_u32)),
        with("refresh_token_lifetime", json!(u64::MAX)),
        with("client_secret", json!("short")),
        with("client_secret", long(257)),
        with("client_secret", json!("with a tab\tin it")),
        with("first_party", json!("yes")),
    ];
    for members in &bad {
        admin.post("/v1/clients", members).problem(400, "invalid_request");
    }
    assert_eq!(admin.collect("/v1/clients", 200).len(), 1, "only the tool is registered");
    // A scope that belongs to a resource needs that resource.
    let scope = json!({ "name": "photos", "description": "See photos", "resource": "https://photos.example" });
    admin.post("/v1/scopes", &scope).created(&test, "/v1/scopes/photos");
    let without =
        json!({ "redirect_uris": ["https://a.example/"], "scope": "photos", "resources": ["https://other.example"] });
    assert!(admin.post("/v1/clients", &without).problem(400, "invalid_request").contains("https://photos.example"));
}

fn a_revoked_client_is_final(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let client = test.confidential();
    let credentials = [("grant_type", "client_credentials")];
    let issued = text(&test.token(&client, &credentials).json()["access_token"]);
    let other = test.client(confidential_members("other"));
    assert!(test.is_active(&other, &issued));
    assert_eq!(admin.post("/v1/clients/web/revoke", &json!({})).ok()["status"], "revoked");
    test.token(&client, &credentials).assert_error(401, "invalid_client");
    assert!(!test.is_active(&other, &issued));
    for (path, body) in [
        ("/v1/clients/web/enable", json!({})),
        ("/v1/clients/web/disable", json!({})),
        ("/v1/clients/web/revoke", json!({})),
        ("/v1/clients/web/rotate-secret", json!({})),
    ] {
        assert!(admin.post(path, &body).problem(409, "conflict").contains("final"), "{path}");
    }
    assert!(admin.patch("/v1/clients/web", &json!({ "description": "x" })).problem(409, "conflict").contains("final"));
    assert_eq!(admin.get("/v1/clients/web").ok()["status"], "revoked");
    // Its name stays taken: tokens and audit speak of it.
    let again = json!({ "client_id": "web", "redirect_uris": ["https://a.example/"] });
    admin.post("/v1/clients", &again).problem(409, "conflict");
}

fn a_disabled_client_returns(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let client = test.confidential();
    let ask = || test.token(&client, &[("grant_type", "client_credentials")]);
    for _ in 0..2 {
        assert_eq!(admin.post("/v1/clients/web/disable", &json!({})).ok()["status"], "inactive");
        ask().assert_error(401, "invalid_client");
    }
    test.advance(5);
    let enabled = admin.send(Method::POST, "/v1/clients/web/enable", None).ok();
    assert_eq!((&enabled["status"], &enabled["updated_at"]), (&json!("active"), &json!("2026-01-01T12:00:05Z")));
    assert_eq!(ask().status, 200);
}

fn a_rotated_secret_replaces_the_old(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let old = test.confidential();
    let works = |client: &TestClient| test.token(client, &[("grant_type", "client_credentials")]).status == 200;
    let rotate = |body: Value| {
        let secret = text(&admin.post("/v1/clients/web/rotate-secret", &body).ok()["client_secret"]);
        TestClient { id: "web".to_owned(), secret: Some(secret) }
    };
    let second = rotate(json!({ "grace_seconds": 100 }));
    assert_ne!(old.secret, second.secret);
    test.advance(99);
    assert!(works(&old) && works(&second));
    test.advance(1);
    assert!(!works(&old) && works(&second));
    let third = rotate(json!({}));
    assert!(!works(&second) && works(&third), "without a grace the old secret ends at once");
    admin.post("/v1/clients/web/rotate-secret", &json!({ "grace_seconds": 2_592_001 })).problem(400, "invalid_request");
    admin.post("/v1/clients/web/rotate-secret", &json!({ "grace_seconds": -1 })).problem(400, "invalid_request");
    assert!(works(&third));
}

fn users_are_made_and_edited(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let new = json!({ "username": "Ada", "password": PASSWORD, "name": "Ada L.", "email": "ada@a.example", "roles": ["support"] });
    let answer = admin.post("/v1/users", &new);
    let id = text(&answer.json()["id"]);
    let made = answer.created(&test, &format!("/v1/users/{id}"));
    let time = "2026-01-01T12:00:00Z";
    let mut wanted = json!({
        "id": id, "username": "Ada", "name": "Ada L.", "email": "ada@a.example", "roles": ["support"], "status": "active",
        "created_at": time, "updated_at": time, "password_changed_at": time,
    });
    assert_eq!(made, wanted);
    assert_eq!(admin.get(&format!("/v1/users/{id}")).ok(), wanted);
    assert_eq!(admin.get("/v1/users/ada").ok(), wanted, "by name, without regard to case");
    test.advance(1);
    wanted["updated_at"] = json!("2026-01-01T12:00:01Z");
    wanted["name"] = json!("Ada Lovelace");
    assert_eq!(admin.patch(&format!("/v1/users/{id}"), &json!({ "name": "Ada Lovelace" })).ok(), wanted);
    let emptied = admin.patch(&format!("/v1/users/{id}"), &json!({ "name": null, "email": null, "roles": [] })).ok();
    assert_eq!((emptied.get("name"), emptied.get("email"), &emptied["roles"]), (None, None, &json!([])));
    assert_eq!(admin.get(&format!("/v1/users/{id}")).ok(), emptied);
    for member in ["username", "roles"] {
        admin.patch("/v1/users/ada", &json!({ member: null })).problem(400, "invalid_request");
    }
    assert_eq!(admin.patch("/v1/users/ada", &json!({ "username": "countess" })).ok()["username"], "countess");
    admin.get("/v1/users/ada").problem(404, "not_found");
    assert_eq!(token_status(&test, "COUNTESS"), 200);
}

fn token_status(test: &TestServer, username: &str) -> u16 {
    let parameters = [("grant_type", "password"), ("username", username), ("password", PASSWORD)];
    test.token(&test.confidential(), &parameters).status.as_u16()
}

fn invalid_users_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    test.user("Ada", &[]);
    let with = |name: &str, value: Value| {
        let mut user = json!({ "username": "bob", "password": PASSWORD });
        user[name] = value;
        user
    };
    let bad = [
        with("username", json!("")),
        with("username", json!(" bob")),
        with("username", json!("bob\n")),
        with("username", json!("x".repeat(101))),
        with("password", json!("seven77")),
        with("password", json!("x".repeat(1025))),
        with("password", json!(12_345_678)),
        with("roles", json!(["nobody"])),
        with("roles", json!("admin")),
        with("email", json!("nowhere")),
        with("email", json!("a b@c.example")),
        with("email", json!("x@")),
        with("name", json!("a\u{7}")),
        with("name", json!("x".repeat(201))),
        with("id", json!("mine")),
        with("status", json!("active")),
        with("password_hash", json!("$argon2id$")),
        json!({ "username": "bob" }),
        json!({ "password": PASSWORD }),
    ];
    for user in &bad {
        admin.post("/v1/users", user).problem(400, "invalid_request");
    }
    for (path, body) in [
        ("/v1/users/ada", json!({ "email": "nowhere" })),
        ("/v1/users/ada", json!({ "username": "" })),
        ("/v1/users/ada", json!({ "password": PASSWORD })),
        ("/v1/users/ada", json!({ "status": "inactive" })),
    ] {
        admin.patch(path, &body).problem(400, "invalid_request");
    }
    for refused in ["short", "password", "Iloveyou", "qwertyuiop"] {
        admin.post("/v1/users/ada/set-password", &json!({ "password": refused })).problem(400, "invalid_request");
    }
    let own_name = json!({ "username": "Grace.Hopper", "password": "grace.hopper" });
    assert!(admin.post("/v1/users", &own_name).problem(400, "invalid_request").contains("everybody knows"));
    let taken = admin.post("/v1/users", &json!({ "username": "aDA", "password": PASSWORD }));
    assert!(taken.problem(409, "conflict").contains("exists already"));
    assert!(admin.patch("/v1/users/ada", &json!({ "username": "ROOT" })).problem(409, "conflict").contains("exists"));
    assert_eq!(admin.collect("/v1/users", 200).len(), 2);
}

fn a_set_password_closes_what_the_old_one_opened(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let id = test.user("ada", &[]);
    let client = test.confidential();
    let browser = Browser::new(&test);
    let code = browser.code(&client, "ada");
    let tokens = test.token(&client, &code_parameters(&code)).json();
    let (access, refresh) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
    let unused = browser.code(&client, "ada");
    test.advance(10);
    let answer = admin.post(&format!("/v1/users/{id}/set-password"), &json!({ "password": "another good password" }));
    assert_eq!(answer.ok()["password_changed_at"], "2026-01-01T12:00:10Z");
    assert!(!test.is_active(&client, &access));
    test.token(&client, &[("grant_type", "refresh_token"), ("refresh_token", &refresh)])
        .assert_error(400, "invalid_grant");
    test.token(&client, &code_parameters(&unused)).assert_error(400, "invalid_grant");
    let again = browser.get(&format!("/oauth/authorize?{}", authorize_query(&client, &[])));
    assert_eq!(again.location().path(), "/login", "the session has ended");
    let sign_in = |password: &str| {
        let parameters = [("grant_type", "password"), ("username", "ada"), ("password", password)];
        test.token(&client, &parameters)
    };
    sign_in(PASSWORD).assert_error(400, "invalid_grant");
    assert_eq!(sign_in("another good password").status, 200);
}

fn a_disabled_user_is_refused_at_once(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    test.user("ada", &[]);
    let client = test.confidential();
    let browser = Browser::new(&test);
    let code = browser.code(&client, "ada");
    let tokens = test.token(&client, &code_parameters(&code)).json();
    let (access, refresh) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
    assert_eq!(admin.post("/v1/users/ada/disable", &json!({})).ok()["status"], "inactive");
    let ask = |parameters: &[(&str, &str)]| test.token(&client, parameters);
    let renew = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
    ask(&renew).assert_error(400, "invalid_grant");
    assert!(!test.is_active(&client, &access));
    let password = [("grant_type", "password"), ("username", "ada"), ("password", PASSWORD)];
    ask(&password).assert_error(400, "invalid_grant");
    let again = browser.get(&format!("/oauth/authorize?{}", authorize_query(&client, &[])));
    assert_eq!(again.location().path(), "/login");
    assert_eq!(admin.send(Method::POST, "/v1/users/ada/enable", None).ok()["status"], "active");
    assert_eq!(ask(&password).status, 200);
    ask(&renew).assert_error(400, "invalid_grant");
}

fn scopes_are_defined_and_removed(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let new = json!({ "name": "photos:see", "description": "See photos", "resource": "https://photos.example", "privileged": true });
    let made = admin.post("/v1/scopes", &new).created(&test, "/v1/scopes/photos:see");
    let mut wanted = new.clone();
    wanted["created_at"] = json!("2026-01-01T12:00:00Z");
    assert_eq!(made, wanted);
    assert_eq!(admin.get("/v1/scopes/photos:see").ok(), wanted);
    admin.post("/v1/scopes", &new).problem(409, "conflict");
    test.advance(60);
    let put = |path: &str, body: &Value| admin.send(Method::PUT, path, Some(body));
    let changed = json!({ "name": "photos:see", "description": "See your photos" });
    let shorter = json!({
        "name": "photos:see", "description": "See your photos", "privileged": false, "created_at": "2026-01-01T12:00:00Z"
    });
    assert_eq!(put("/v1/scopes/photos:see", &changed).ok(), shorter, "a replacement replaces all but the time");
    assert_eq!(admin.get("/v1/scopes/photos:see").ok(), shorter);
    assert!(put("/v1/scopes/other", &changed).problem(400, "invalid_request").contains("name"));
    put("/v1/scopes/absent", &json!({ "name": "absent", "description": "x" })).problem(404, "not_found");
    for bad in [
        json!({ "name": "a b", "description": "x" }),
        json!({ "name": "", "description": "x" }),
        json!({ "name": "ä", "description": "x" }),
        json!({ "name": "x".repeat(101), "description": "x" }),
        json!({ "name": "x", "description": " " }),
        json!({ "name": "x", "description": "x".repeat(501) }),
        json!({ "name": "x", "description": "a\nb" }),
        json!({ "name": "x", "description": "x", "resource": "relative" }),
        json!({ "name": "x" }),
    ] {
        admin.post("/v1/scopes", &bad).problem(400, "invalid_request");
    }
    let removed = admin.send(Method::DELETE, "/v1/scopes/photos:see", None);
    assert_eq!((removed.status.as_u16(), removed.body.as_str()), (204, ""));
    admin.send(Method::DELETE, "/v1/scopes/photos:see", None).problem(404, "not_found");
    admin.get("/v1/scopes/photos:see").problem(404, "not_found");
    assert_eq!(admin.collect("/v1/scopes", 200).len(), ADMIN_API_SCOPES.len() + OPENID_SCOPES.len());
}

fn scopes_of_this_api_are_fixed(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    for (name, _) in ADMIN_API_SCOPES {
        let weaker = json!({ "name": name, "description": "harmless", "privileged": false });
        admin.post("/v1/scopes", &weaker).problem(400, "invalid_request");
        admin.send(Method::PUT, &format!("/v1/scopes/{name}"), Some(&weaker)).problem(400, "invalid_request");
        admin.send(Method::DELETE, &format!("/v1/scopes/{name}"), None).problem(400, "invalid_request");
        let found = admin.get(&format!("/v1/scopes/{name}")).ok();
        let resource = format!("{}/v1", test.server.config.server.issuer);
        assert_eq!((&found["privileged"], &found["resource"]), (&json!(true), &json!(resource)));
    }
}

fn signing_keys_are_listed_and_rotated(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let keys = || {
        let list = admin.get("/v1/signing-keys").ok();
        let items = list["items"].as_array().unwrap().clone();
        assert!(list.get("next_cursor").is_none());
        assert_eq!(items.iter().filter(|key| key["alg"] != "RS256").count(), 3);
        items.into_iter().filter(|key| key["alg"] == "RS256").collect::<Vec<_>>()
    };
    let first = keys();
    assert_eq!(first.len(), 1);
    let members: BTreeSet<&str> = first[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, BTreeSet::from(["state", "kid", "alg", "bits", "public_jwk", "created_at", "active_from"]));
    assert_eq!((&first[0]["state"], &first[0]["bits"]), (&json!("active"), &json!(2048)));
    let rotated = admin.post("/v1/signing-keys/rotate", &json!({})).ok();
    assert_eq!(rotated["active_from"], "2026-01-02T12:00:00Z", "scheduled is the default");
    let states = |keys: &[Value]| keys.iter().map(|key| text(&key["state"])).collect::<Vec<_>>();
    assert_eq!(states(&keys()), ["pending", "active"]);
    let again = admin.post("/v1/signing-keys/rotate", &json!({ "mode": "scheduled" }));
    assert!(again.problem(409, "conflict").contains("under way"));
    admin.post("/v1/signing-keys/rotate", &json!({ "mode": "never" })).problem(400, "invalid_request");
    let at_once = admin.post("/v1/signing-keys/rotate", &json!({ "mode": "at_once" })).ok();
    assert_eq!(at_once["active_from"], "2026-01-01T12:00:00Z");
    assert_eq!(keys().len(), 3);
    let private = ["\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"qi\"", "private"];
    let body = admin.get("/v1/signing-keys").body;
    assert!(private.iter().all(|member| !body.contains(member)), "{body}");
}

fn revoked_tokens_are_listed_until_they_expire(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let client = test.client(ClientMembers { access_token_lifetime: Some(Some(100)), ..confidential_members("web") });
    let issued = text(&test.token(&client, &[("grant_type", "client_credentials")]).json()["access_token"]);
    assert_eq!(admin.get("/v1/revoked-tokens").ok(), json!({ "items": [] }));
    test.advance(10);
    assert_eq!(test.post_as(&client, "/oauth/revoke", &[("token", &issued)]).status, 200);
    let wanted = json!({
        "jti": claims(&issued)["jti"], "client_id": "web",
        "revoked_at": "2026-01-01T12:00:10Z", "expires_at": "2026-01-01T12:01:40Z",
    });
    assert_eq!(admin.get("/v1/revoked-tokens").ok(), json!({ "items": [wanted] }));
    test.advance(89);
    assert_eq!(admin.collect("/v1/revoked-tokens", 10).len(), 1);
    test.advance(1);
    assert_eq!(admin.get("/v1/revoked-tokens").ok(), json!({ "items": [] }));
}

/// Reads a list in pages of several sizes and as one; answers the keys in it.
#[track_caller]
fn assert_pages(admin: &Admin, path: &str, key: &str) -> Vec<String> {
    let keys = |limit| admin.collect(path, limit).iter().map(|item| item[key].to_string()).collect::<Vec<_>>();
    let all = keys(200);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{path}: repeats");
    for limit in [1, 2, 3, all.len(), all.len() + 1] {
        assert_eq!(keys(limit), all, "{path} in pages of {limit}");
    }
    all
}

fn every_list_comes_in_pages(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let client = test.client(confidential_members("Zulu"));
    for name in ["a.b", "a-b", "a_b", "A~b", "ab"] {
        test.client(public_members(name));
        test.user(name, &[]);
        admin
            .post("/v1/scopes", &json!({ "name": name, "description": "x" }))
            .created(&test, &format!("/v1/scopes/{name}"));
        let issued = text(&test.token(&client, &[("grant_type", "client_credentials")]).json()["access_token"]);
        test.post_as(&client, "/oauth/revoke", &[("token", &issued)]);
    }
    assert_eq!(assert_pages(&admin, "/v1/clients", "client_id").len(), 7);
    assert_eq!(assert_pages(&admin, "/v1/users", "id").len(), 6);
    assert_eq!(assert_pages(&admin, "/v1/scopes", "name").len(), 5 + ADMIN_API_SCOPES.len() + OPENID_SCOPES.len());
    assert_eq!(assert_pages(&admin, "/v1/revoked-tokens", "jti").len(), 5);
    let events = assert_pages(&admin, "/v1/audit-events", "id");
    let numbers: Vec<i64> = events.iter().map(|id| id.parse().unwrap()).collect();
    assert!(numbers.len() >= 24 && numbers.is_sorted_by(|newer, older| newer > older), "{numbers:?}");
    // A page stays right while rows come: what is read on from a cursor has no gap and no repeat.
    let first = admin.get("/v1/clients?limit=3").ok();
    let cursor = text(&first["next_cursor"]);
    test.client(public_members("A"));
    test.client(public_members("zz"));
    let rest = admin.get(&format!("/v1/clients?cursor={cursor}")).ok();
    let ids = |page: &Value| {
        page["items"].as_array().unwrap().iter().map(|item| text(&item["client_id"])).collect::<Vec<_>>()
    };
    let read: Vec<String> = ids(&first).into_iter().chain(ids(&rest)).collect();
    assert_eq!(read.iter().filter(|id| *id != "A" && *id != "zz").count(), 7, "{read:?}");
    assert_eq!(read.iter().collect::<BTreeSet<_>>().len(), read.len(), "{read:?}");
}

fn limits_have_bounds(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    for number in 0..51 {
        let name = format!("s{number}");
        let scope = json!({ "name": name, "description": "x" });
        admin.post("/v1/scopes", &scope).created(&test, &format!("/v1/scopes/{name}"));
    }
    let count = |path: &str| admin.get(path).ok()["items"].as_array().unwrap().len();
    assert_eq!(count("/v1/scopes"), 50);
    assert_eq!(count("/v1/scopes?limit="), 50, "an empty parameter counts as omitted");
    assert_eq!(count("/v1/scopes?limit=1"), 1);
    assert_eq!(count("/v1/scopes?limit=200"), 51 + ADMIN_API_SCOPES.len() + OPENID_SCOPES.len());
    for list in ["clients", "users", "scopes", "audit-events", "revoked-tokens"] {
        for limit in ["0", "-1", "201", "x", "1.5", "99999999999999999999", "1&limit=2"] {
            admin.get(&format!("/v1/{list}?limit={limit}")).problem(400, "invalid_request");
        }
        admin.get(&format!("/v1/{list}?cursor=a&cursor=b")).problem(400, "invalid_request");
        admin.get(&format!("/v1/{list}?cursor=%00")).problem(400, "invalid_request");
        // What cannot be a key of the list is refused.
        admin.get(&format!("/v1/{list}?cursor=a%5Cb")).problem(400, "invalid_request");
        let answer = admin.get(&format!("/v1/{list}?cursor=nonsense"));
        if matches!(list, "clients" | "scopes" | "users") {
            // One that is gone, or never was, is a place in the order.
            answer.ok();
        } else {
            answer.problem(400, "invalid_request");
        }
    }
    let gone = grantor::crypto::random::id(start_time()).unwrap();
    admin.get(&format!("/v1/users?cursor={gone}")).ok();
    admin.get(&format!("/v1/revoked-tokens?cursor={gone}")).ok();
}

fn unknown_members_and_parameters_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    test.confidential();
    test.user("ada", &[]);
    let scope = json!({ "name": "photos", "description": "See photos" });
    admin.post("/v1/scopes", &scope).created(&test, "/v1/scopes/photos");
    for (method, path, body) in [
        (Method::POST, "/v1/clients", json!({ "redirect_uris": ["https://a.example/"] })),
        (Method::PATCH, "/v1/clients/web", json!({})),
        (Method::POST, "/v1/clients/web/rotate-secret", json!({})),
        (Method::POST, "/v1/users", json!({ "username": "bob", "password": PASSWORD })),
        (Method::PATCH, "/v1/users/ada", json!({})),
        (Method::POST, "/v1/users/ada/set-password", json!({ "password": PASSWORD })),
        (Method::POST, "/v1/scopes", json!({ "name": "x", "description": "x" })),
        (Method::PUT, "/v1/scopes/photos", scope),
        (Method::POST, "/v1/signing-keys/rotate", json!({})),
    ] {
        let mut body = body;
        body["surprise"] = json!(1);
        let detail = admin.send(method.clone(), path, Some(&body)).problem(400, "invalid_request");
        assert!(detail.contains("surprise"), "{method} {path}: {detail}");
    }
    for list in ["clients", "users", "scopes", "signing-keys", "audit-events", "audit-checkpoints", "revoked-tokens"] {
        let detail = admin.get(&format!("/v1/{list}?surprise=1")).problem(400, "invalid_request");
        assert!(detail.contains("surprise"), "{list}: {detail}");
    }
    admin.get("/v1/signing-keys?limit=1").problem(400, "invalid_request");
}
