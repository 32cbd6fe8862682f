//! Every reason for which a request is refused. A denial is a value, not a failure: what was decided is committed.

use crate::domain::client_assertion::AssertionFault;
use crate::domain::credential::Verdict;
use crate::domain::limits::RateExceeded;
use crate::protocol::error_code::ErrorCode;

/// A refusal: the RFC's word and a fixed sentence that tells an honest client what to do and an attacker nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// A malformed request, with the sentence that says where.
    MalformedRequest(String),
    /// A body above the limit.
    BodyTooLarge,
    /// A body of another type than the one named.
    ContentType(&'static str),
    /// A request that the parser refused with a code of its own (`invalid_scope`, `invalid_target`, ...).
    Unreadable(ErrorCode, String),
    /// Credentials that are absent or malformed.
    ClientAuthMalformed(String),
    /// Unknown client or wrong secret: the same answer and the same work.
    ClientAuthFailed,
    /// The client's assertion is not good, for this reason.
    ClientAssertionRefused(AssertionFault),
    /// The client is inactive or revoked.
    ClientInactive,
    /// The client may not be used from this address.
    ClientAddressNotAllowed,
    /// The credential may not be used from this address.
    AddressNotAllowed,
    /// Only proxies that the configuration names may ask here.
    CallerNotAllowed,
    /// The client used another method than the one it is registered for.
    ClientAuthMethodNotRegistered,
    /// The client is unknown, at the authorization endpoint.
    ClientUnknown,
    /// The redirect URI is not one of the client's.
    RedirectUriNotRegistered,
    /// None was sent and the client has several.
    RedirectUriMissing,
    /// The client is not registered for this grant.
    GrantNotRegistered,
    /// The client is not registered for this scope.
    ScopeNotRegistered,
    /// Nothing of the requested scope can be granted to this principal.
    ScopeNotGrantable,
    /// The refresh request asks for more than was granted.
    ScopeWidened,
    /// The client is not registered for this resource.
    ResourceNotRegistered,
    /// A token for the admin API must be for nothing else.
    AdminResourceShared,
    /// The resource is not among those of the grant.
    ResourceNotGranted,
    /// PKCE is required for this client.
    CodeChallengeMissing,
    /// The `request_uri` is unknown, another client's, expired, or was answered.
    RequestUriInvalid,
    /// The client must push its authorization requests.
    PushedRequestRequired,
    /// The device code is unknown, another client's, or was exchanged.
    DeviceCodeUnknown,
    /// The device code has expired.
    DeviceCodeExpired,
    /// The user has not decided yet.
    DevicePending,
    /// The user has not decided yet, and the device asks too often.
    DeviceTooFast,
    /// The code that a person typed is unknown, expired or decided on.
    UserCodeUnknown,
    /// The code is unknown, or another client's.
    CodeUnknown,
    /// The code has expired.
    CodeExpired,
    /// The code was presented before: everything issued from it is revoked.
    CodeReplayed,
    /// The grant of the code has been revoked.
    GrantRevoked,
    /// The redirect URI is not that of the authorization request.
    RedirectUriMismatch,
    /// The verifier does not meet the challenge.
    CodeVerifierMismatch,
    /// The refresh token is unknown, or another client's.
    RefreshTokenUnknown,
    /// The refresh token has expired.
    RefreshTokenExpired,
    /// The grant of the refresh token has been revoked.
    RefreshTokenRevoked,
    /// The refresh token was used before: its family is revoked.
    RefreshTokenReused,
    /// There is no such workflow of this client.
    WorkflowUnknown,
    /// The workflow, though authorized, may not be used now.
    WorkflowInactive,
    /// The client secret that was entered for the workflow has ended, or none is entered.
    WorkflowSuspended,
    /// The workflow may not be used from this browser origin, or not without one.
    WorkflowOriginNotAllowed,
    /// Unknown user, wrong password or disabled account: the same answer.
    LoginFailed,
    /// A dangerous action needs the password once more.
    PasswordNeeded,
    /// The password that was asked for once more is wrong.
    PasswordWrong,
    /// The name was not typed as it is.
    NotConfirmed,
    /// The console cannot tell this authorization response for one that this browser asked for.
    ConsoleSignInStale,
    /// Too many failed attempts; seconds until the next may be made.
    LoginThrottled(u64),
    /// Too many requests from this address; seconds until the next may be made.
    TooManyRequests(u64),
    /// The client has used up its limits; seconds until its next request may be made.
    ClientRateExceeded(u64),
    /// Too many secrets were entered for workflows of this client; seconds until the next may be.
    TooManySecretsEntered(u64),
    /// The credential has used up one of its limits.
    RateLimitExceeded(Box<RateExceeded>),
    /// The access key to exchange is refused, for this reason.
    SubjectTokenRefused(Verdict),
    /// The user's account is disabled, behind a code or refresh token.
    UserInactive,
    /// The user said no.
    ConsentDenied,
    /// No page may be shown, and nobody is signed in.
    LoginRequired,
    /// Another user is signed in than the one that the client asked for.
    OtherUser,
    /// The client needs an authentication context that no log-in here gives.
    AcrNotMet,
    /// No page may be shown, and the user has to be asked.
    ConsentRequired,
    /// The client may not ask the introspection endpoint.
    IntrospectionNotAllowed,
    /// The token to revoke was issued to another client (RFC 7009 §2.1).
    TokenOfAnotherClient,
    /// No bearer token, at the admin API.
    BearerMissing,
    /// The bearer token is malformed, expired, revoked or not for this API.
    BearerInvalid,
    /// The access key is known, and of no use at the admin API.
    AccessKeyRefused(Verdict),
    /// An API server that asks or reports brought nothing.
    CallerUnauthenticated,
    /// The bearer token lacks this scope.
    BearerScopeMissing(&'static str),
    /// The principal may not hand out what it does not hold.
    PrivilegeEscalation(String),
    /// A form was posted without the token that ties it to this browser.
    CsrfMismatch,
    /// A form that makes something was sent a second time.
    FormSentBefore,
    /// There is no such thing.
    NotFound(&'static str),
    /// It exists already, or is in a state that forbids this.
    Conflict(String),
    /// A member of a JSON request breaks a rule.
    InvalidMember(String),
}

impl Denial {
    /// The RFC's word for it.
    #[allow(clippy::too_many_lines, reason = "a table: one line a reason")]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::MalformedRequest(_)
            | Self::BodyTooLarge
            | Self::ContentType(_)
            | Self::RedirectUriNotRegistered
            | Self::RedirectUriMissing
            | Self::CodeChallengeMissing
            | Self::PushedRequestRequired
            | Self::UserCodeUnknown
            | Self::CsrfMismatch
            | Self::FormSentBefore
            | Self::NotFound(_)
            | Self::Conflict(_)
            | Self::InvalidMember(_)
            // RFC 8693 §2.2.2: a subject_token that is not good is an invalid request.
            | Self::SubjectTokenRefused(_)
            | Self::CallerUnauthenticated
            | Self::BearerMissing => ErrorCode::InvalidRequest,
            Self::Unreadable(code, _) => *code,
            Self::ClientAuthMalformed(_)
            | Self::ClientAuthFailed
            | Self::ClientAssertionRefused(_)
            | Self::ClientInactive
            | Self::ClientAddressNotAllowed
            | Self::ClientAuthMethodNotRegistered
            | Self::ClientUnknown => ErrorCode::InvalidClient,
            Self::GrantNotRegistered | Self::IntrospectionNotAllowed | Self::TokenOfAnotherClient => {
                ErrorCode::UnauthorizedClient
            }
            Self::ScopeNotRegistered | Self::ScopeNotGrantable | Self::ScopeWidened => ErrorCode::InvalidScope,
            Self::ResourceNotRegistered | Self::ResourceNotGranted | Self::AdminResourceShared => {
                ErrorCode::InvalidTarget
            }
            Self::CodeUnknown
            | Self::DeviceCodeUnknown
            | Self::CodeExpired
            | Self::CodeReplayed
            | Self::GrantRevoked
            | Self::RedirectUriMismatch
            | Self::CodeVerifierMismatch
            | Self::RefreshTokenUnknown
            | Self::RefreshTokenExpired
            | Self::RefreshTokenRevoked
            | Self::RefreshTokenReused
            | Self::WorkflowUnknown
            | Self::WorkflowInactive
            | Self::WorkflowSuspended
            | Self::WorkflowOriginNotAllowed
            | Self::LoginFailed
            | Self::PasswordNeeded
            | Self::PasswordWrong
            | Self::NotConfirmed
            | Self::ConsoleSignInStale
            | Self::UserInactive => ErrorCode::InvalidGrant,
            // RFC 6749 has no word for it: §4.1.2.1's for a server that cannot serve this request now.
            Self::LoginThrottled(_)
            | Self::TooManyRequests(_)
            | Self::ClientRateExceeded(_)
            | Self::TooManySecretsEntered(_)
            | Self::RateLimitExceeded(_) => ErrorCode::TemporarilyUnavailable,
            Self::ConsentDenied | Self::AddressNotAllowed | Self::CallerNotAllowed => ErrorCode::AccessDenied,
            Self::RequestUriInvalid => ErrorCode::InvalidRequestUri,
            Self::DeviceCodeExpired => ErrorCode::ExpiredToken,
            Self::DevicePending => ErrorCode::AuthorizationPending,
            Self::DeviceTooFast => ErrorCode::SlowDown,
            Self::LoginRequired | Self::OtherUser => ErrorCode::LoginRequired,
            Self::AcrNotMet => ErrorCode::UnmetAuthenticationRequirements,
            Self::ConsentRequired => ErrorCode::ConsentRequired,
            Self::BearerInvalid | Self::AccessKeyRefused(_) => ErrorCode::InvalidToken,
            Self::BearerScopeMissing(_) | Self::PrivilegeEscalation(_) => ErrorCode::InsufficientScope,
        }
    }

    /// A sentence that may be shown to whoever asked.
    #[allow(clippy::too_many_lines, reason = "a table: one line a reason")]
    pub fn public_text(&self) -> String {
        let fixed = match self {
            Self::MalformedRequest(text)
            | Self::Unreadable(_, text)
            | Self::ClientAuthMalformed(text)
            | Self::PrivilegeEscalation(text)
            | Self::Conflict(text)
            | Self::InvalidMember(text) => return text.clone(),
            Self::LoginThrottled(seconds) => return later("too many failed attempts", *seconds),
            Self::TooManyRequests(seconds) => return later("too many requests from this address", *seconds),
            Self::ClientRateExceeded(seconds) => return later("this client has used up its limit", *seconds),
            Self::TooManySecretsEntered(seconds) => {
                return later("too many secrets were entered for this client", *seconds);
            }
            Self::RateLimitExceeded(exceeded) => return exceeded.public_text(),
            Self::BearerScopeMissing(scope) => return format!("this needs the scope {scope}"),
            Self::AccessKeyRefused(Verdict::WrongAudience) => {
                "the credential is not for this API: an access key for the admin API names it in its `resources`"
            }
            Self::SubjectTokenRefused(verdict) | Self::AccessKeyRefused(verdict) => verdict.public_text(),
            Self::ContentType(wanted) => return format!("the body must be {wanted}"),
            Self::NotFound(what) => return format!("there is no such {what}"),
            Self::BodyTooLarge => "the body must have at most 64 KiB",
            Self::ClientAuthFailed => "client authentication failed",
            Self::ClientAssertionRefused(fault) => fault.public_text(),
            Self::ClientInactive => "this client is disabled",
            Self::ClientAddressNotAllowed => "this client may not be used from this address",
            Self::CallerNotAllowed => "only proxies that the configuration names may ask here (forward_auth.callers)",
            Self::AddressNotAllowed => "this credential may not be used from this address",
            Self::ClientAuthMethodNotRegistered => "the client is registered for another authentication method",
            Self::ClientUnknown => "there is no client with this client_id",
            Self::RedirectUriNotRegistered => "the redirect_uri is not registered for this client",
            Self::RedirectUriMissing => "redirect_uri is required: the client has none or several registered",
            Self::GrantNotRegistered => "the client is not registered for this grant",
            Self::ScopeNotRegistered => "the client is not registered for the requested scope",
            Self::ScopeNotGrantable => "nothing of the requested scope can be granted here",
            Self::ScopeWidened => "the requested scope exceeds what was granted",
            Self::ResourceNotRegistered => "the client is not registered for the requested resource",
            Self::AdminResourceShared => "a token for the admin API cannot be for others too: ask for the scopes apart",
            Self::ResourceNotGranted => "the requested resource was not granted",
            Self::CodeChallengeMissing => "code_challenge is required for this client (PKCE, S256)",
            Self::RequestUriInvalid => "the request_uri is not valid, has expired or was used",
            Self::PushedRequestRequired => "the client must push its authorization requests (RFC 9126)",
            Self::DeviceCodeUnknown => "the device code is not valid",
            Self::DeviceCodeExpired => "the device code has expired",
            Self::DevicePending => "the user has not decided yet",
            Self::DeviceTooFast => "the user has not decided yet, and this came too early: poll 5 seconds slower",
            Self::UserCodeUnknown => "this code is not valid, or no longer",
            Self::CodeUnknown => "the authorization code is not valid",
            Self::CodeExpired => "the authorization code has expired",
            Self::CodeReplayed => "the authorization code was used before",
            Self::GrantRevoked => "the authorization has been revoked",
            Self::RedirectUriMismatch => "the redirect_uri is not that of the authorization request",
            Self::CodeVerifierMismatch => "the code_verifier does not match",
            Self::RefreshTokenUnknown => "the refresh token is not valid",
            Self::RefreshTokenExpired => "the refresh token has expired",
            Self::RefreshTokenRevoked => "the refresh token has been revoked",
            Self::RefreshTokenReused => "the refresh token was used before",
            Self::LoginFailed => "username or password is wrong",
            Self::PasswordNeeded => "give your password once more",
            Self::PasswordWrong => "the password is wrong",
            Self::NotConfirmed => "type the name as it is written",
            Self::ConsoleSignInStale => "this sign-in was not begun in this browser, or too long ago: start again",
            Self::WorkflowUnknown => "there is no such workflow of this client",
            Self::WorkflowInactive => "the workflow is disabled",
            Self::WorkflowSuspended => "the workflow is suspended until the client's current secret is entered for it",
            Self::WorkflowOriginNotAllowed => "the workflow may not be used from this origin",
            Self::UserInactive => "the user's account is not active",
            Self::ConsentDenied => "the user did not allow it",
            Self::LoginRequired => "the user has to sign in, and prompt=none forbids to ask",
            Self::AcrNotMet => "no log-in here gives an acr that the request calls essential",
            Self::OtherUser => "another user is signed in than the one asked for",
            Self::ConsentRequired => "the user has to be asked for consent, and prompt=none forbids it",
            Self::IntrospectionNotAllowed => "the client may not introspect tokens",
            Self::TokenOfAnotherClient => "the token was issued to another client",
            Self::BearerMissing => "an access token is required",
            Self::CallerUnauthenticated => {
                "authenticate as a client that may introspect (Basic), or with an access token or access key (Bearer)"
            }
            Self::BearerInvalid => "the access token is not valid here",
            Self::CsrfMismatch => "the form is stale: go back, reload the page and try again",
            Self::FormSentBefore => "this form was sent before",
        };
        fixed.to_owned()
    }
}

/// What was too much, and when to come back.
fn later(what: &str, seconds: u64) -> String {
    format!("{what}: try again in {seconds} seconds")
}
