//! The ID token beside an access token (OpenID Connect Core §3.1.3.3, §12.2): a second signature, and no write.

use serde::Serialize;

use crate::crypto::id_token::at_hash;
use crate::crypto::jwt;
use crate::domain::client::Client;
use crate::domain::grant::Grant;
use crate::domain::standard_claims;
use crate::domain::user::User;
use crate::flows::error::Failure;
use crate::flows::token::authority::Authority;
use crate::flows::token::mint::Minted;
use crate::flows::{Server, signing_keys, subject};
use crate::protocol::claims_request::ClaimsRequest;
use crate::protocol::id_token::{ACR_PASSWORD, AMR_PASSWORD, ID_TOKEN_TYPE, IdTokenClaims};
use crate::protocol::scope::OPENID;
use crate::protocol::signing_alg::SigningAlg;

/// Who signed in, where, and for whom.
pub struct Authentication<'a> {
    /// The client that is told.
    pub client: &'a Client,
    /// The user.
    pub user: &'a User,
    /// What they granted, with when and where they had signed in.
    pub grant: &'a Grant,
    /// `nonce` of the authorization request, where this answers one.
    pub nonce: Option<&'a str>,
}

/// The ID token for this access token; None where `openid` is not granted. It lives as long as the access token.
pub fn issue(
    server: &Server,
    authentication: &Authentication<'_>,
    authority: &Authority,
    minted: &Minted,
) -> Result<Option<String>, Failure> {
    if !authority.scope.contains(OPENID) {
        return Ok(None);
    }
    let Authentication { client, user, grant, nonce } = authentication;
    let alg = client.metadata.id_token_signed_response_alg;
    let asked = ClaimsRequest::from_stored(grant.claims.as_deref());
    let issued_at = server.clock.now().timestamp();
    let claims = IdTokenClaims {
        iss: server.config.server.issuer.clone(),
        sub: subject::of(server, client, &user.id),
        aud: client.client_id.0.clone(),
        exp: issued_at + minted.expires_in,
        iat: issued_at,
        auth_time: grant.auth_time.timestamp(),
        nonce: nonce.map(str::to_owned),
        acr: ACR_PASSWORD,
        amr: [AMR_PASSWORD],
        sid: grant.sid.clone(),
        at_hash: at_hash(alg, &minted.access_token),
        // Profile data only where it is asked for by name: the userinfo endpoint has the rest (§5.4).
        requested: standard_claims::select(user, None, asked.for_id_token(), &client.scope),
    };
    sign(server, alg, &claims).map(Some)
}

/// Signs what a client is told of a user: an ID token, or a userinfo answer.
pub fn sign(server: &Server, alg: SigningAlg, claims: &impl Serialize) -> Result<String, Failure> {
    let keyring = server.keyring();
    let key = signing_keys::signing_key(&keyring, alg, server.clock.now())?;
    Ok(jwt::sign_as(ID_TOKEN_TYPE, claims, key)?)
}
