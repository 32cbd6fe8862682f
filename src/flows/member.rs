//! Members of a JSON edit (RFC 7396): absent leaves as it is, null empties what can be empty and is refused elsewhere.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer};

/// For a member that can be emptied: tells a null from an absent one.
pub fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// For a member that always has a value: refuses a null.
pub fn not_null<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// For a list: a null is an empty one.
pub fn items<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<Vec<T>>::deserialize(deserializer).map(|items| Some(items.unwrap_or_default()))
}

/// An IPv4 network within IPv6 (RFC 4291 §2.5.5.2) as what it is: addresses are compared in that form.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let mapped = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96));
    mapped.and_then(|(address, length)| IpNet::new(address.into(), length).ok()).unwrap_or(network)
}

/// For an allow-list: networks, or single addresses, which are networks of one.
pub fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<IpNet>>, D::Error> {
    let texts = Option::<Vec<String>>::deserialize(deserializer)?.unwrap_or_default();
    let parsed: Result<Vec<_>, _> = texts.iter().map(|text| network(text)).collect();
    parsed.map(Some).map_err(serde::de::Error::custom)
}

/// One network or address. The bits behind the prefix are cleared, so that equal networks are written alike.
pub fn network(text: &str) -> Result<IpNet, String> {
    let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    parsed
        .map(|network| canonical(network).trunc())
        .map_err(|_| format!("'{text}' is not an address or network such as 192.0.2.0/24"))
}
