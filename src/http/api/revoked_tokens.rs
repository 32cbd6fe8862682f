//! `/v1/revoked-tokens`

use actix_web::HttpResponse;

use crate::crypto::random;
use crate::domain::page::Page;
use crate::domain::revoked_access_token::RevokedAccessToken;
use crate::flows::audit;
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, PAGE, page};

/// A page of access tokens that are revoked and have not expired, for resource servers that verify offline.
#[utoipa::path(get, path = "/v1/revoked-tokens", tag = "tokens", params(("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query)),
    responses((status = 200, body = Page<RevokedAccessToken>), (status = "4XX", body = Problem)), security(("bearer" = ["tokens:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    match api.query(&PAGE).and_then(|query| page(&query, random::is_id)) {
        Ok(page) => {
            api.answer(api.run(move |server, caller| audit::list_revoked_access_tokens(server, caller, &page)).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}
