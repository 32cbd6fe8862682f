//! `GET|POST /oauth/userinfo` (OpenID Connect Core §5.3).

use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use zeroize::Zeroizing;

use crate::domain::denial::Denial;
use crate::flows::Server;
use crate::flows::userinfo::{self, UserInfo};
use crate::http::edge::Edge;
use crate::http::error::bearer_error;
use crate::http::oauth::forms::{AccessTokenForm, OAuthError, UserInfoClaims};
use crate::http::run::run;
use crate::http::{extract, respond};
use crate::protocol::params::Params;

/// Tells the claims of the user whose access token is in the header.
#[utoipa::path(get, path = "/oauth/userinfo", tag = "oauth",
    responses((status = 200, body = UserInfoClaims, description = "The claims; a signed JWT where the client is registered for one."), (status = 400, body = OAuthError), (status = 401, body = OAuthError, description = "The access token is not good."),
        (status = 403, body = OAuthError, description = "The access token lacks the scope openid."), (status = 503, body = OAuthError, description = "Try again after Retry-After seconds.")), security(("bearer" = ["openid"])))]
pub async fn show(request: HttpRequest, server: web::Data<Server>, edge: web::Data<Edge>) -> HttpResponse {
    let token = presented(&request, &Params::default());
    answer(&request, &server, &edge, token).await
}

/// The same for an access token in the header or in a form.
#[utoipa::path(post, path = "/oauth/userinfo", tag = "oauth",
    request_body(content = AccessTokenForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = UserInfoClaims, description = "The claims; a signed JWT where the client is registered for one."), (status = 400, body = OAuthError), (status = 401, body = OAuthError, description = "The access token is not good."),
        (status = 403, body = OAuthError, description = "The access token lacks the scope openid."), (status = 503, body = OAuthError, description = "Try again after Retry-After seconds.")), security(("bearer" = ["openid"]), ()))]
pub async fn submit(
    request: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    // With the token in the header there may be no body, and nothing that says of which type.
    let is_empty = request.headers().get(CONTENT_LENGTH).is_some_and(|length| length.as_bytes() == b"0");
    let has_body = request.headers().contains_key(CONTENT_TYPE) && !is_empty;
    let form = if has_body { extract::form(&request, payload).await } else { Ok(Params::default()) };
    let token = form.and_then(|form| presented(&request, &form));
    answer(&request, &server, &edge, token).await
}

/// RFC 6750 §2: one method. §2.3: not in the query, where logs and histories would keep it.
fn presented(request: &HttpRequest, form: &Params) -> Result<Option<Zeroizing<String>>, Denial> {
    let malformed = |text: &str| Denial::MalformedRequest(text.to_owned());
    if extract::query(request)?.iter().any(|(name, _)| name == "access_token") {
        return Err(malformed("an access token is not taken from the address: send it in the Authorization header"));
    }
    let in_form = form.optional("access_token").map_err(|error| malformed(&error.to_string()))?;
    match (request.headers().contains_key(AUTHORIZATION), in_form) {
        (true, Some(_)) => Err(malformed("send the access token in the header or in the form, not in both")),
        (true, None) => extract::bearer(request).map(|token| Some(Zeroizing::new(token))).ok_or(Denial::BearerInvalid),
        (false, in_form) => Ok(in_form.map(|token| Zeroizing::new(token.to_owned()))),
    }
}

async fn answer(
    request: &HttpRequest,
    server: &web::Data<Server>,
    edge: &Edge,
    token: Result<Option<Zeroizing<String>>, Denial>,
) -> HttpResponse {
    let token = match token {
        Ok(token) => token,
        Err(denial) => return bearer_error(server, denial.into()),
    };
    let source = extract::source(request, edge);
    match run(server, move |server| userinfo::answer(server, token, &source)).await {
        Ok(UserInfo::Json(claims)) => respond::no_store_json(&claims),
        Ok(UserInfo::Signed(jwt)) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "application/jwt"))
            .insert_header((CACHE_CONTROL, "no-store"))
            .body(jwt),
        Err(error) => bearer_error(server, error),
    }
}
