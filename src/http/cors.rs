//! CORS (WHATWG Fetch) for the endpoints that browser clients call. Only origins that an active client registered; never
//! with credentials: these endpoints know no cookies.

use actix_web::body::MessageBody;
use actix_web::dev::{HttpServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderValue, ORIGIN, VARY,
};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, FromRequest, Handler, HttpResponse, Responder, web};

use crate::flows::{Server, discovery};
use crate::http::run::run;

/// A document that is read by GET, from browsers too.
pub fn document<F, Args>(path: &str, handler: F) -> impl HttpServiceFactory + use<F, Args>
where
    F: Handler<Args> + Clone,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path.to_owned())
        .wrap(from_fn(allow_registered_origin))
        .route(web::get().to(handler.clone()))
        .route(web::head().to(handler))
        .route(web::method(Method::OPTIONS).to(preflight))
}

/// An endpoint that answers to a bearer token by GET and by POST, from browsers too.
pub fn bearer<G, GetArgs, P, PostArgs>(
    path: &str,
    get: G,
    post: P,
) -> impl HttpServiceFactory + use<G, GetArgs, P, PostArgs>
where
    G: Handler<GetArgs>,
    GetArgs: FromRequest + 'static,
    G::Output: Responder + 'static,
    P: Handler<PostArgs>,
    PostArgs: FromRequest + 'static,
    P::Output: Responder + 'static,
{
    web::resource(path.to_owned())
        .wrap(from_fn(allow_registered_origin))
        .route(web::get().to(get))
        .route(web::post().to(post))
        .route(web::method(Method::OPTIONS).to(preflight))
}

/// An endpoint that takes a form by POST, from browsers too.
pub fn form<F, Args>(path: &str, handler: F) -> impl HttpServiceFactory + use<F, Args>
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path.to_owned())
        .wrap(from_fn(allow_registered_origin))
        .route(web::post().to(handler))
        .route(web::method(Method::OPTIONS).to(preflight))
}

/// The middleware adds the headers; there is nothing else to say.
async fn preflight() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

async fn allow_registered_origin<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let Some(origin) = request.headers().get(ORIGIN).cloned() else { return next.call(request).await };
    let allowed = is_allowed(&request, &origin).await;
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Origin"));
    if allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after, www-authenticate"));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    Ok(response)
}

/// A database that is down allows nobody: the request itself will say so.
async fn is_allowed(request: &ServiceRequest, origin: &HeaderValue) -> bool {
    let (Some(server), Ok(origin)) = (request.app_data::<web::Data<Server>>(), origin.to_str()) else { return false };
    let origin = origin.to_owned();
    run(server, move |server| discovery::is_origin_allowed(server, &origin)).await.unwrap_or(false)
}
