//! OpenID Connect driven by a client that nobody here wrote: the crate `openidconnect`, set up from discovery alone.

use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, HttpRequest,
    HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, RedirectUrl, Scope, TokenResponse,
};

use crate::openid_support::*;
use crate::support::*;

on_both!(openidconnect_signs_a_user_in, openidconnect_refuses_what_is_not_for_it);

fn carry(request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let answer = http_client().execute(reqwest::blocking::Request::try_from(request)?)?;
    let mut response = openidconnect::http::Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    Ok(response.body(answer.bytes()?.to_vec()).unwrap())
}

/// A client of the crate, from the issuer alone.
macro_rules! library_client {
    ($test:expr, $client:expr) => {{
        let issuer = IssuerUrl::new($test.server.config.server.issuer.clone()).unwrap();
        let metadata = CoreProviderMetadata::discover(&issuer, &carry).unwrap();
        let secret = $client.secret.clone().map(ClientSecret::new);
        CoreClient::from_provider_metadata(metadata, ClientId::new($client.id.clone()), secret)
            .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).unwrap())
    }};
}

fn openidconnect_signs_a_user_in(engine: Engine) {
    let test = TestServer::start_now(engine);
    let user = known_user(&test, "ada");
    let scope = Some(grantor::protocol::scope::Scope::parse(EVERYTHING).unwrap());
    let web = grantor::flows::clients::ClientMembers { scope, ..confidential_members("web") };
    for client in [test.client(openid_members("app")), test.client(web)] {
        let library = library_client!(test, client);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state, nonce) = library
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(
                ["profile", "email", "address", "phone", "offline_access"].map(|name| Scope::new(name.to_owned())),
            )
            .set_pkce_challenge(challenge)
            .set_max_age(std::time::Duration::from_secs(300))
            .url();
        let browser = Browser::new(&test);
        let query = address.query().unwrap();
        let page = settle(&browser, browser.get(&format!("/oauth/authorize?{query}")));
        let answer = settle(&browser, submit(&browser, &page, &as_user("ada")));
        assert_eq!(answer.parameter("state").as_deref(), Some(state.secret().as_str()));
        let code = AuthorizationCode::new(answer.parameter("code").unwrap());
        let tokens = library.exchange_code(code).unwrap().set_pkce_verifier(verifier).request(&carry).unwrap();
        let id_token = tokens.id_token().unwrap();
        let checker = library.id_token_verifier();
        let told = id_token.claims(&checker, &nonce).unwrap();
        assert_eq!((told.subject().as_str(), told.auth_context_ref().unwrap().as_str()), (user.as_str(), "1"));
        assert!(told.auth_time().is_some());
        let key = id_token.signing_key(&checker).unwrap();
        let hash = AccessTokenHash::from_token(tokens.access_token(), id_token.signing_alg().unwrap(), key).unwrap();
        assert_eq!(told.access_token_hash(), Some(&hash));
        // Another nonce is another log-in.
        let replayed = id_token.claims(&checker, &Nonce::new_random());
        assert!(matches!(replayed, Err(ClaimsVerificationError::InvalidNonce(_))));
        let subject = Some(told.subject().clone());
        let known: openidconnect::core::CoreUserInfoClaims =
            library.user_info(tokens.access_token().clone(), subject).unwrap().request(&carry).unwrap();
        assert_eq!(known.email().unwrap().as_str(), "ada@ada.example");
        assert_eq!(known.email_verified(), Some(true));
        assert_eq!(known.address().unwrap().country.as_ref().unwrap().as_str(), "UK");
        assert!(known.updated_at().is_some());
        let refresh = tokens.refresh_token().unwrap();
        let renewed = library.exchange_refresh_token(refresh).unwrap().request(&carry).unwrap();
        let again = renewed.id_token().unwrap().claims(&checker, |_: Option<&Nonce>| Ok(())).unwrap();
        assert_eq!((again.subject(), again.auth_time()), (told.subject(), told.auth_time()));
    }
}

fn openidconnect_refuses_what_is_not_for_it(engine: Engine) {
    let test = TestServer::start_now(engine);
    known_user(&test, "ada");
    let (client, other) = (test.client(openid_members("app")), test.client(openid_members("other")));
    let text = text(&openid_tokens(&test, &client, "ada", "openid")["id_token"]);
    let id_token: openidconnect::core::CoreIdToken = text.parse().unwrap();
    let any = |_: Option<&Nonce>| Ok(());
    assert!(id_token.claims(&library_client!(test, client).id_token_verifier(), any).is_ok());
    let library = library_client!(test, other);
    let refused = id_token.claims(&library.id_token_verifier(), any);
    assert!(matches!(refused, Err(ClaimsVerificationError::InvalidAudience(_))), "{refused:?}");
}
