//! Client secrets that a person chose: they cost argon2id, and they can be guessed, so wrong ones are counted.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::counters::login_throttle::{Attempt, Throttled, network};
use crate::crypto::password::PasswordError;
use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use crate::domain::client::ClientSecret;
use crate::domain::denial::Denial;
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::store::StoreError;

/// Most requests that wait at once for such a secret to be hashed: these requests share few threads with all the others.
const MAX_WAITING_CHECKS: usize = 4;

/// What a guess is counted by. From one address: as for a log-in. From all addresses together: ten times that, so that
/// nobody locks a client out alone; and no lock of this kind for an address from which the secret was used before, which
/// the database knows across restarts.
struct Guess {
    here: Attempt,
    anywhere: Option<Attempt>,
}

impl Guess {
    fn new(server: &Server, chosen: &[(String, ClientSecret)], source: &Source) -> Result<Option<Self>, StoreError> {
        let Some((_, first)) = chosen.first() else { return Ok(None) };
        let (client_id, now, address) = (&first.client_id.0, server.clock.now(), source.counted_address());
        let ids: Vec<&str> = chosen.iter().map(|(_, secret)| secret.id.as_str()).collect();
        let was_used_here = match source.address {
            Some(known) => {
                let text = known.to_canonical().to_string();
                server.store.read(|connection| connection.was_secret_used_from(client_id, &ids, &text))?
            }
            None => false,
        };
        let account = match address {
            // No client_id holds a space.
            Some(address) => format!("{client_id} {}", network(address)),
            None => client_id.clone(),
        };
        let anywhere = Attempt { account: client_id.clone(), address: None, now };
        Ok(Some(Self { here: Attempt { account, address, now }, anywhere: (!was_used_here).then_some(anywhere) }))
    }
}

/// The row whose hash the presented secret meets. One that has ended is no success, for it must not clear the guesses at
/// another.
pub fn find(
    server: &Server,
    presented: &Zeroizing<String>,
    chosen: Vec<(String, ClientSecret)>,
    source: &Source,
) -> FlowResult<Option<ClientSecret>> {
    let Some(guess) = Guess::new(server, &chosen, source)? else { return Ok(None) };
    let Guess { here, anywhere } = guess;
    let (hashing, presented) = (Arc::clone(&server.passwords), presented.clone());
    let throttles = (Arc::clone(&server.client_throttle), Arc::clone(&server.client_total_throttle));
    let (counted, total) = (here.clone(), anywhere.clone());
    let client_id = chosen.first().map(|(_, secret)| secret.client_id.0.clone()).unwrap_or_default();
    let found = server.password_pool.run_few(MAX_WAITING_CHECKS, move |memory| {
        let check = || -> Result<Option<ClientSecret>, PasswordError> {
            for (hash, secret) in chosen {
                if hashing.verify(&presented, Some(&hash), memory)?.matches {
                    return Ok(Some(secret));
                }
            }
            Ok(None)
        };
        let is_wrong = |found: &Result<Option<ClientSecret>, PasswordError>| found.as_ref().is_ok_and(Option::is_none);
        let check_here = || throttles.0.attempt(&counted, check, is_wrong);
        match total {
            Some(total) => throttles.1.attempt(&total, check_here, |made| made.as_ref().is_ok_and(is_wrong)).flatten(),
            None => check_here(),
        }
    })?;
    match found {
        Ok(found) => {
            let found = found?;
            if found.as_ref().is_some_and(|secret| secret.is_live(here.now)) {
                server.client_throttle.succeeded(&here);
            }
            Ok(found)
        }
        Err(throttled) => Err(refuse_throttled(server, &client_id, throttled, source)?.into()),
    }
}

/// As with log-ins, the first refusal is audited and the others are counted.
fn refuse_throttled(
    server: &Server,
    client_id: &str,
    throttled: Throttled,
    source: &Source,
) -> Result<Denial, StoreError> {
    server.metrics.login_throttled();
    if throttled.first {
        let event = NewAuditEvent::failure(AuditAction::ClientThrottled, Actor::Anonymous, source.clone())
            .on("client", client_id);
        let now = server.clock.now();
        server.store.write(move |connection| connection.insert_audit_event(&event, now))?;
    }
    Ok(Denial::LoginThrottled(throttled.retry_after))
}
