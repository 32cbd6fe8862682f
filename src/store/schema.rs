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
        plan -> Nullable<Text>,
        requests_per_minute -> Nullable<Integer>,
        requests_per_hour -> Nullable<Integer>,
        allowed_addresses -> Text,
        metadata -> Text,
        last_used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    deleted_clients (client_id) {
        client_id -> Text,
        deleted_at -> BigInt,
        removed_at -> Nullable<BigInt>,
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
        sealed -> Nullable<Binary>,
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
        profile -> Text,
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
        sid -> Nullable<Text>,
        claims -> Nullable<Text>,
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
        nonce -> Nullable<Text>,
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
        sid -> Text,
        last_used_at -> Nullable<BigInt>,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
    }
}

diesel::table! {
    personal_tokens (id) {
        id -> Text,
        user_id -> Text,
        name -> Text,
        jti -> Text,
        environment -> Text,
        scope -> Text,
        resources -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    console_sessions (digest) {
        digest -> Binary,
        grant_id -> Text,
        proven_at -> BigInt,
        created_at -> BigInt,
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
        alg -> Text,
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
        sequence -> Nullable<BigInt>,
        class -> Nullable<Text>,
        salt -> Nullable<Binary>,
        hash -> Nullable<Binary>,
    }
}

diesel::table! {
    audit_chain (id) {
        id -> BigInt,
        sequence -> BigInt,
        hash -> Binary,
        adopt_until -> BigInt,
        checkpoints -> BigInt,
        seal -> Nullable<Binary>,
    }
}

diesel::table! {
    audit_checkpoints (number) {
        number -> BigInt,
        sequence -> BigInt,
        hash -> Binary,
        occurred_at -> BigInt,
        kid -> Text,
        signature -> Binary,
    }
}

diesel::table! {
    audit_purged_ranges (first_sequence) {
        first_sequence -> BigInt,
        last_sequence -> BigInt,
        previous_hash -> Binary,
        hash -> Binary,
        purged_at -> BigInt,
        kid -> Text,
        signature -> Binary,
    }
}

diesel::table! {
    projects (id) {
        id -> Text,
        name -> Text,
        description -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    service_accounts (id) {
        id -> Text,
        name -> Text,
        description -> Text,
        scope -> Text,
        plan -> Nullable<Text>,
        status -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    access_keys (id) {
        id -> Text,
        name -> Text,
        description -> Text,
        environment -> Text,
        user_id -> Nullable<Text>,
        service_account_id -> Nullable<Text>,
        client_id -> Nullable<Text>,
        scope -> Text,
        resources -> Text,
        projects -> Text,
        plan -> Nullable<Text>,
        requests_per_minute -> Nullable<Integer>,
        requests_per_hour -> Nullable<Integer>,
        allowed_addresses -> Text,
        status -> Text,
        masked -> Text,
        expires_at -> Nullable<BigInt>,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        rotated_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
        last_used_address -> Nullable<Text>,
    }
}

diesel::table! {
    access_key_projects (project_id, access_key_id) {
        project_id -> Text,
        access_key_id -> Text,
    }
}

diesel::table! {
    access_key_secrets (id) {
        id -> Text,
        digest -> Binary,
        access_key_id -> Text,
        masked -> Text,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    secret_uses (credential_id, secret_id, address) {
        credential_id -> Text,
        secret_id -> Text,
        address -> Text,
        first_used_at -> BigInt,
        last_used_at -> BigInt,
        uses -> BigInt,
    }
}

diesel::table! {
    usage_days (credential_id, day, source, operation, project, outcome) {
        credential_id -> Text,
        day -> BigInt,
        source -> Text,
        operation -> Text,
        project -> Text,
        outcome -> Text,
        requests -> BigInt,
        units -> BigInt,
        duration_micros -> BigInt,
    }
}

diesel::table! {
    search_words (kind, id, word) {
        kind -> Text,
        id -> Text,
        word -> Text,
    }
}

diesel::table! {
    hour_figures (hour, figure) {
        hour -> BigInt,
        figure -> Text,
        count -> BigInt,
    }
}

diesel::table! {
    credential_hours (hour, credential_id) {
        hour -> BigInt,
        credential_id -> Text,
        requests -> BigInt,
        refused -> BigInt,
    }
}

diesel::table! {
    workflows (id) {
        id -> Text,
        name -> Text,
        client_id -> Text,
        scope -> Text,
        resources -> Text,
        allowed_origins -> Text,
        access_token_lifetime -> Integer,
        status -> Text,
        client_secret_id -> Nullable<Text>,
        authorized_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    workflow_origins (origin, workflow_id) {
        origin -> Text,
        workflow_id -> Text,
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

diesel::table! {
    logout_deliveries (id) {
        id -> Text,
        client_id -> Text,
        user_id -> Text,
        sid -> Text,
        status -> Text,
        attempts -> BigInt,
        next_attempt_at -> BigInt,
        leased_until -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        created_at -> BigInt,
        finished_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    used_assertions (client_id, jti) {
        client_id -> Text,
        jti -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    pushed_requests (digest) {
        digest -> Binary,
        client_id -> Text,
        parameters -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        opened_at -> Nullable<BigInt>,
        consumed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    client_registrations (client_id) {
        client_id -> Text,
        digest -> Binary,
        registration_token_id -> Nullable<Text>,
        created_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    device_authorizations (device_code_digest) {
        device_code_digest -> Binary,
        user_code_digest -> Binary,
        client_id -> Text,
        scope -> Nullable<Text>,
        resources -> Text,
        decision -> Text,
        grant_id -> Nullable<Text>,
        poll_interval -> Integer,
        polled_at -> Nullable<BigInt>,
        created_at -> BigInt,
        expires_at -> BigInt,
        consumed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    registration_tokens (id) {
        id -> Text,
        digest -> Binary,
        description -> Text,
        max_uses -> Nullable<Integer>,
        uses -> Integer,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    audit_verifications (number) {
        number -> BigInt,
        began_with -> BigInt,
        sequence -> BigInt,
        hash -> Binary,
        last_checkpoint -> BigInt,
        signed_until -> BigInt,
        events -> BigInt,
        started_at -> BigInt,
        checked_at -> BigInt,
        state -> Text,
        broken -> Nullable<Text>,
        asked_by -> Text,
        kid -> Text,
        signature -> Binary,
    }
}

diesel::table! {
    refusals (id) {
        id -> Text,
        request_id -> Text,
        occurred_at -> BigInt,
        door -> Text,
        code -> Text,
        step -> Text,
        message -> Text,
        credential_id -> Nullable<Text>,
        asked_by -> Nullable<Text>,
        address -> Nullable<Text>,
        asked -> Text,
    }
}

diesel::joinable!(authorization_codes -> grants (grant_id));
diesel::joinable!(refresh_tokens -> grants (grant_id));
diesel::joinable!(grants -> users (user_id));
diesel::joinable!(login_sessions -> users (user_id));
diesel::joinable!(personal_tokens -> users (user_id));
diesel::joinable!(client_secrets -> clients (client_id));
diesel::joinable!(access_key_secrets -> access_keys (access_key_id));
diesel::joinable!(access_key_projects -> access_keys (access_key_id));
diesel::joinable!(access_keys -> users (user_id));
diesel::joinable!(access_keys -> service_accounts (service_account_id));
diesel::joinable!(access_keys -> clients (client_id));
diesel::joinable!(workflow_origins -> workflows (workflow_id));
diesel::joinable!(workflows -> clients (client_id));
diesel::allow_tables_to_appear_in_same_query!(
    deleted_clients,
    access_key_projects,
    access_key_secrets,
    access_keys,
    authorization_codes,
    client_registrations,
    client_secrets,
    clients,
    grants,
    login_sessions,
    personal_tokens,
    refresh_tokens,
    search_words,
    service_accounts,
    usage_days,
    users,
    workflow_origins,
    workflows,
);
