//! The end of a login session, whoever ends it: the row goes, grants end with it, and the clients that want to hear of it are
//! told (OpenID Connect Back-Channel Logout 1.0). One function, called inside the write that ends it.

use chrono::{DateTime, Utc};

use crate::domain::client::{Client, Status};
use crate::domain::grant::RevocationReason;
use crate::domain::login_session::LoginSession;
use crate::store::{StoreConnection, StoreError};

/// Ends a session; answers its clients, or None when it had ended already. §2.7: what was granted in it without
/// `offline_access` ends with it, access tokens too; what was granted with `offline_access` stays.
pub fn end(
    connection: &mut StoreConnection,
    session: &LoginSession,
    now: DateTime<Utc>,
) -> Result<Option<Vec<Client>>, StoreError> {
    if !connection.delete_login_session_by_sid(&session.sid)? {
        return Ok(None);
    }
    let clients: Vec<Client> = connection
        .list_clients_of_session(&session.sid)?
        .into_iter()
        .filter(|client| client.status == Status::Active)
        .collect();
    for client in clients.iter().filter(|client| client.metadata.backchannel_logout_uri.is_some()) {
        connection.insert_logout_delivery(session, &client.client_id, now)?;
    }
    connection.revoke_grants_of_session(&session.sid, RevocationReason::SessionEnd, now)?;
    Ok(Some(clients))
}

/// Ends every session of a user. Those that had expired have ended before, and nobody is told.
pub fn end_all(connection: &mut StoreConnection, user_id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    end_others(connection, user_id, None, now)?;
    connection.delete_login_sessions_of_user(user_id).map(drop)
}

/// Ends every session of a user that is live, but for the one to keep; answers how many.
pub fn end_others(
    connection: &mut StoreConnection,
    user_id: &str,
    keep: Option<&str>,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let sessions = connection.list_login_sessions_of_user(user_id)?;
    let others = sessions.iter().filter(|session| now < session.expires_at && Some(session.sid.as_str()) != keep);
    let mut ended = 0;
    for session in others {
        ended += usize::from(end(connection, session, now)?.is_some());
    }
    Ok(ended)
}
