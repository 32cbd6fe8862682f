//! The RFCs' words: parse and print. No I/O, and nothing of ours is imported here (layer 0).

pub mod authorization_response;
pub mod authorize_request;
pub mod bearer;
pub mod claims;
pub mod client_assertion;
pub mod client_auth_method;
pub mod credentials;
pub mod device_authorization;
pub mod error_code;
pub mod grant_type;
pub mod introspection;
pub mod jwk;
pub mod metadata;
pub mod origin;
pub mod params;
pub mod pkce;
pub mod pushed_request;
pub mod redirect_uri;
pub mod resource;
pub mod resource_metadata;
pub mod response_mode;
pub mod scope;
pub mod signing_alg;
pub mod token_request;
pub mod token_response;
