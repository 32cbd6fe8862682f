//! The tables as diesel sees them: only types that exist on both databases.
#![allow(missing_docs, reason = "diesel generates the modules; the migrations document the columns")]

diesel::table! {
    server_state (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    scopes (name) {
        name -> Text,
        description -> Text,
        resource -> Nullable<Text>,
        privileged -> Bool,
        created_at -> BigInt,
    }
}

diesel::table! {
    clients (client_id) {
        client_id -> Text,
        client_name -> Text,
        description -> Text,
        environment -> Text,
        status -> Text,
        token_endpoint_auth_method -> Text,
        grant_types -> Text,
        redirect_uris -> Text,
        scope -> Text,
        resources -> Text,
        allowed_origins -> Text,
        roles -> Text,
        require_pkce -> Bool,
        first_party -> Bool,
        may_introspect -> Bool,
        refresh_token_policy -> Text,
        access_token_lifetime -> Nullable<Integer>,
        refresh_token_lifetime -> Nullable<Integer>,
        refresh_token_max_lifetime -> Nullable<Integer>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    client_origins (origin, client_id) {
        origin -> Text,
        client_id -> Text,
    }
}

diesel::table! {
    client_secrets (id) {
        id -> Text,
        client_id -> Text,
        digest -> Nullable<Binary>,
        password_hash -> Nullable<Text>,
        last_four -> Text,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    users (id) {
        id -> Text,
        username -> Text,
        username_key -> Text,
        name -> Nullable<Text>,
        email -> Nullable<Text>,
        password_hash -> Text,
        roles -> Text,
        status -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        password_changed_at -> BigInt,
    }
}

diesel::table! {
    grants (id) {
        id -> Text,
        client_id -> Text,
        user_id -> Text,
        scope -> Text,
        resources -> Text,
        auth_time -> BigInt,
        created_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        revocation_reason -> Nullable<Text>,
    }
}

diesel::table! {
    authorization_codes (digest) {
        digest -> Binary,
        grant_id -> Text,
        client_id -> Text,
        redirect_uri -> Text,
        redirect_uri_sent -> Bool,
        code_challenge -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> BigInt,
        consumed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    refresh_tokens (id) {
        id -> BigInt,
        digest -> Binary,
        grant_id -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        consumed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    revoked_access_tokens (jti) {
        jti -> Text,
        client_id -> Text,
        revoked_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    consents (user_id, client_id) {
        user_id -> Text,
        client_id -> Text,
        scope -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    login_sessions (digest) {
        digest -> Binary,
        user_id -> Text,
        created_at -> BigInt,
        auth_time -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        bits -> Integer,
        public_jwk -> Text,
        private_sealed -> Binary,
        created_at -> BigInt,
        active_from -> BigInt,
        retired_at -> Nullable<BigInt>,
        expires_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    audit_events (id) {
        id -> BigInt,
        occurred_at -> BigInt,
        action -> Text,
        outcome -> Text,
        actor_kind -> Text,
        actor_id -> Nullable<Text>,
        target_kind -> Nullable<Text>,
        target_id -> Nullable<Text>,
        client_id -> Nullable<Text>,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        request_id -> Nullable<Text>,
        detail -> Nullable<Text>,
    }
}

diesel::table! {
    alerts (id) {
        id -> Text,
        rule -> Text,
        subject_kind -> Text,
        subject_id -> Text,
        detail -> Text,
        occurred_at -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    alert_silences (silence_key) {
        silence_key -> Text,
        silent_until -> BigInt,
    }
}

diesel::table! {
    webhook_deliveries (id) {
        id -> Text,
        alert_id -> Text,
        endpoint -> Text,
        event_type -> Text,
        payload -> Text,
        status -> Text,
        attempts -> BigInt,
        next_attempt_at -> BigInt,
        leased_until -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        created_at -> BigInt,
        finished_at -> Nullable<BigInt>,
    }
}

diesel::joinable!(authorization_codes -> grants (grant_id));
diesel::joinable!(refresh_tokens -> grants (grant_id));
diesel::joinable!(grants -> users (user_id));
diesel::joinable!(login_sessions -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(authorization_codes, grants, login_sessions, refresh_tokens, users);
