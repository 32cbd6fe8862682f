//! How the pages of this deployment look: its name, its logo, its colours.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::config::{BrandConfig, pages::MAX_LOGO};
use crate::crypto::etag::etag;
use crate::http::edge::Edge;

/// The brand, worked out once at the start.
pub struct Brand {
    /// What the server is called.
    pub name: String,
    colours: String,
    /// The version of the colours, in the address of their sheet.
    pub version: String,
    logo: Option<Logo>,
    icon: Logo,
}

#[derive(Clone)]
struct Logo {
    octets: web::Bytes,
    content_type: &'static str,
    version: String,
}

impl Brand {
    /// Reads the logo; an error says which file it is and what is wrong with it.
    pub fn open(config: &BrandConfig) -> std::io::Result<Self> {
        let colours = format!(
            ":root {{ --accent: {0}; --focus: {0}; }}\n\
             @media (prefers-color-scheme: dark) {{ :root {{ --accent: {1}; --focus: {1}; }} }}\n",
            config.accent, config.accent_dark
        );
        let logo = match (&config.logo_file, config.logo_type()) {
            (Some(file), Some(content_type)) => {
                let failed =
                    |text: String| std::io::Error::other(format!("brand.logo_file {}: {text}", file.display()));
                let octets = std::fs::read(file).map_err(|error| failed(error.to_string()))?;
                if octets.len() as u64 > MAX_LOGO {
                    return Err(failed(format!("it has more than {} KiB", MAX_LOGO / 1024)));
                }
                let version = version_of(&octets);
                Some(Logo { octets: octets.into(), content_type, version })
            }
            _ => None,
        };
        let icon = logo.clone().unwrap_or_else(|| house_icon(&config.accent));
        Ok(Self { name: config.name.clone(), version: version_of(colours.as_bytes()), colours, logo, icon })
    }

    /// The version of the icon, in its address.
    pub fn icon_version(&self) -> &str {
        &self.icon.version
    }

    /// The version of the logo, in its address; None where there is none.
    pub fn logo_version(&self) -> Option<&str> {
        self.logo.as_ref().map(|logo| logo.version.as_str())
    }
}

/// The icon where the brand has no logo, in its colour.
fn house_icon(accent: &str) -> Logo {
    let octets = include_str!("../../../static/icon.svg").replace("#accent", accent).into_bytes();
    Logo { version: version_of(&octets), octets: octets.into(), content_type: "image/svg+xml" }
}

fn version_of(octets: &[u8]) -> String {
    etag(octets).trim_matches('"').to_owned()
}

/// What may be kept for good, for its address changes with it.
pub const KEEP: (actix_web::http::header::HeaderName, &str) = (CACHE_CONTROL, "public, max-age=31536000, immutable");

/// `GET /static/brand.css`
pub async fn colours(edge: web::Data<Edge>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").insert_header(KEEP).body(edge.brand.colours.clone())
}

/// `GET /static/logo`
pub async fn logo(edge: web::Data<Edge>) -> HttpResponse {
    match &edge.brand.logo {
        Some(logo) => picture(logo, KEEP.1),
        None => HttpResponse::NotFound().finish(),
    }
}

/// `GET /static/icon`, and `/favicon.ico`, where browsers look that were told of none.
pub async fn icon(edge: web::Data<Edge>, request: HttpRequest) -> HttpResponse {
    // Without its version in the address it may be another one tomorrow.
    let is_lasting = request.query_string().starts_with("v=");
    picture(&edge.brand.icon, if is_lasting { KEEP.1 } else { "public, max-age=86400" })
}

fn picture(logo: &Logo, keep: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(logo.content_type)
        .insert_header((CACHE_CONTROL, keep))
        // An SVG that is opened by itself runs nothing.
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"))
        .body(logo.octets.clone())
}
