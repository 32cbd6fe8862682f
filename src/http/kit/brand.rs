//! How the pages of this deployment look: its name, its logo, its colours.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::{HttpResponse, web};

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
}

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
        Ok(Self { name: config.name.clone(), version: version_of(colours.as_bytes()), colours, logo })
    }

    /// The version of the logo, in its address; None where there is none.
    pub fn logo_version(&self) -> Option<&str> {
        self.logo.as_ref().map(|logo| logo.version.as_str())
    }
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
        Some(logo) => HttpResponse::Ok()
            .content_type(logo.content_type)
            .insert_header(KEEP)
            // An SVG that is opened by itself runs nothing.
            .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"))
            .body(logo.octets.clone()),
        None => HttpResponse::NotFound().finish(),
    }
}
