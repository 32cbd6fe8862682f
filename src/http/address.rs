//! Whose request this is: the peer's address, or what a trusted proxy says of it. Nobody else's word counts.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{HeaderMap, HeaderValue};
use ipnet::IpNet;

/// The end client's address. `X-Forwarded-For` is read from the right, skipping trusted proxies: everything left of the
/// first address that is not one of them was written by a stranger. A hop that is no address (`unknown`, or bytes that are
/// no text) makes the address unknown: whoever it hides must be taken neither for the proxy nor for what is written further
/// left. A trusted proxy that sends no such header speaks for itself.
pub fn client_address(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = peer?.to_canonical();
    if !is_trusted(peer, trusted) {
        return Some(peer);
    }
    let mut address = peer;
    let lines: Vec<&[u8]> = headers.get_all("x-forwarded-for").map(HeaderValue::as_bytes).collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b',')) {
        address = parse_hop(hop)?;
        if !is_trusted(address, trusted) {
            break;
        }
    }
    Some(address)
}

fn parse_hop(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop.trim_ascii()).ok()?;
    // Some proxies write the port too.
    let parsed = text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|with| with.ip()));
    parsed.ok().map(|address| address.to_canonical())
}

/// Is this one of the proxies named in the configuration?
pub fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address.to_canonical()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderName;

    fn address(peer: &str, forwarded: &[&str]) -> String {
        let forwarded: Vec<&[u8]> = forwarded.iter().map(|line| line.as_bytes()).collect();
        found(peer, &forwarded).map_or_else(|| "unknown".to_owned(), |address| address.to_string())
    }

    fn found(peer: &str, forwarded: &[&[u8]]) -> Option<IpAddr> {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_bytes(value).unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        client_address(Some(peer.parse().unwrap()), &headers, &trusted)
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(address("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(address("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(address("10.0.0.1", &["1.1.1.1, 198.51.100.7, 10.0.0.2"]), "198.51.100.7");
        assert_eq!(address("10.0.0.1", &["1.1.1.1", "198.51.100.7"]), "198.51.100.7");
        assert_eq!(address("10.0.0.1", &["1.1.1.1, nonsense"]), "unknown");
        assert_eq!(address("10.0.0.1", &["198.51.100.7:1234"]), "198.51.100.7");
        assert_eq!(address("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(address("::ffff:10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
    }

    #[test]
    fn what_is_no_address_hides_whoever_came() {
        for line in ["unknown", "", "1.1.1.1, unknown", "1.1.1.1,", "unknown, 10.0.0.2", "_hidden", "1.1.1.1.", "[::1"]
        {
            assert_eq!(address("10.0.0.1", &[line]), "unknown", "{line}");
            assert_eq!(address("10.0.0.1", &["1.1.1.1", line]), "unknown", "{line}");
        }
        // Left of the client's address nothing is read.
        assert_eq!(address("10.0.0.1", &["unknown, 198.51.100.7"]), "198.51.100.7");
        assert_eq!(address("10.0.0.1", &["unknown", "198.51.100.7"]), "198.51.100.7");
        assert_eq!(address("192.0.2.1", &["unknown"]), "192.0.2.1");
    }

    #[test]
    fn bytes_that_are_no_text_are_not_passed_over() {
        assert_eq!(found("10.0.0.1", &[b"\xe9"]), None);
        assert_eq!(found("10.0.0.1", &[b"1.1.1.1", b"\xe9"]), None);
        assert_eq!(found("10.0.0.1", &[b"1.1.1.1, \xe9"]), None);
        // A space of Unicode is no space of HTTP.
        assert_eq!(found("10.0.0.1", &["\u{a0}1.1.1.1".as_bytes()]), None);
        let known = "198.51.100.7".parse().ok();
        assert_eq!(found("10.0.0.1", &[b"\xe9, 198.51.100.7"]), known);
        assert_eq!(found("10.0.0.1", &[b"\xe9, 198.51.100.7, 10.0.0.2"]), known);
        assert_eq!(found("10.0.0.1", &[b"\xe9", b"198.51.100.7"]), known);
    }
}
