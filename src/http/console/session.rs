//! Signing in to the console and the account pages, and out of them.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::{HttpResponse, web};

use crate::flows::{console, login, logout};
use crate::http::kit::desk::{Desk, Shown};
use crate::http::run::run;
use crate::http::{cookies, extract, pages};
use crate::protocol::params::Params;

/// `GET /console/callback`: the authorization response.
pub async fn arrive(desk: Desk) -> HttpResponse {
    let response = desk.query();
    let state = response.optional("state").ok().flatten().unwrap_or_default().to_owned();
    let departure = cookies::departure(&desk.request, &desk.edge, &state);
    let previous = cookies::console(&desk.request, &desk.edge);
    let source = extract::source(&desk.request, &desk.edge);
    let (secret, page) = departure.unzip();
    let arrived = run(&desk.server, move |server| {
        console::arrive(server, &response, secret.as_deref(), previous.as_deref(), source)
    });
    match arrived.await {
        Ok(cookie) => {
            let page = page.filter(|page| is_ours(page));
            let mut response = desk.go(page.as_deref().unwrap_or("/console"));
            cookies::set_console(&mut response, &desk.edge, &cookie);
            cookies::remove_departure(&mut response, &desk.edge, &state);
            response
        }
        Err(error) => desk.error(None, &error),
    }
}

/// Is this a page that somebody could have been on before signing in? Nothing else is led to (CWE-601).
fn is_ours(page: &str) -> bool {
    let path = page.split(['?', '#']).next().unwrap_or_default();
    let below = |area: &str| path == area || path.strip_prefix(area).is_some_and(|rest| rest.starts_with('/'));
    let is_plain = page.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') && !path.contains("//");
    is_plain && (below("/console") || below("/account")) && path != console::CALLBACK_PATH
}

/// `POST /console/sign-out`: out of the console, and out of the server.
pub async fn leave(desk: Desk, payload: web::Payload) -> Shown {
    let session = cookies::session(&desk.request, &desk.edge);
    let source = extract::source(&desk.request, &desk.edge);
    let sent = desk
        .submit(payload, move |server, visit, _| {
            console::leave(server, visit)?;
            // Only the session of the same user: another may have signed in beside it.
            let own = login::current(server, session.as_deref())?.filter(|live| live.user.id == visit.user.id);
            match own {
                Some(_) => logout::confirm(server, &Params::default(), session.as_deref(), source).map(Some),
                None => Ok(None),
            }
        })
        .await?;
    let mut response = match sent.result {
        Ok(Some(done)) => pages::logout::signed_out(&desk.request, &desk.edge, &done),
        Ok(None) => desk.go("/logout"),
        Err(error) => desk.error(None, &error),
    };
    cookies::remove_console(&mut response, &desk.edge);
    Ok(response)
}

/// `POST /console/env-file`: the lines that a page has just shown, as a file. Nothing is kept here, and nothing looked up.
pub async fn env_file(desk: Desk, payload: web::Payload) -> Shown {
    let sent = desk.submit(payload, |_, _, _| Ok(())).await?;
    let lines = sent.form.optional("env").ok().flatten().unwrap_or_default();
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\".env\""))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(format!("{}\n", lines.trim_end())))
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_pages_of_ours_are_led_to() {
        for ours in ["/console", "/console/access-keys?q=a%20b&cursor=x", "/account", "/account/apps"] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in [
            "",
            "/",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/console",
            "/console//evil",
            "/consoles",
            "/login",
            "/console/callback",
            "/console\\evil",
            "/account\r\nx",
            "/console/\u{202e}",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
