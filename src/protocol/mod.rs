//! The RFCs' words: parse and print. No I/O, and nothing of ours is imported here (layer 0).

pub mod authorization_response;
pub mod authorize_request;
pub mod bearer;
pub mod claims;
pub mod claims_request;
pub mod client_auth_method;
pub mod credentials;
pub mod error_code;
pub mod grant_type;
pub mod id_token;
pub mod introspection;
pub mod jwk;
pub mod logout_request;
pub mod logout_token;
pub mod metadata;
pub mod openid_request;
pub mod origin;
pub mod params;
pub mod pkce;
pub mod redirect_uri;
pub mod resource;
pub mod response_mode;
pub mod scope;
pub mod signing_alg;
pub mod token_request;
pub mod token_response;
