//! `/console`: how things stand.

use crate::http::kit::desk::{Desk, Shown};
use crate::http::kit::nav;
use crate::http::kit::page::Page;

/// `GET /console`; whoever may not see it begins elsewhere.
pub async fn show(desk: Desk) -> Shown {
    let (guest, ()) = desk.read(|_, _| Ok(())).await?;
    let start = nav::start(&desk.server.config, &guest.visit.caller.held);
    if start != "/console" {
        return Ok(desk.go(start));
    }
    desk.page(&guest, Page::new("/console", desk.texts.say("nav-overview")))
}
