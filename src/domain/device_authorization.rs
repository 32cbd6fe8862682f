//! The authorization of a device (RFC 8628), and what a poll is told.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::client::Client;
use crate::domain::denial::Denial;
use crate::domain::ids::{ClientId, GrantId};
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// The interval that devices start with, in seconds (RFC 8628 §3.2).
pub const INTERVAL: u32 = 5;
/// What is added to it for each poll that came too early, in seconds (RFC 8628 §3.5).
const SLOWER: u32 = 5;
/// The longest interval, in seconds: codes end soon anyway.
const MAX_INTERVAL: u32 = 120;

/// What the user decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceDecision {
    /// Nothing yet.
    Pending,
    /// Yes: by this grant.
    Allowed(GrantId),
    /// No.
    Denied,
}

/// A stored authorization, without its codes: only digests of them are kept.
#[derive(Debug, Clone)]
pub struct DeviceAuthorization {
    /// The client on the device.
    pub client_id: ClientId,
    /// The scope it asks for.
    pub scope: Option<Scope>,
    /// The resources it asks for.
    pub resources: Vec<Resource>,
    /// What the user decided.
    pub decision: DeviceDecision,
    /// The least number of seconds between two polls.
    pub interval: u32,
    /// When the device last polled.
    pub polled_at: Option<DateTime<Utc>>,
    /// When it asked.
    pub created_at: DateTime<Utc>,
    /// When both codes stop working.
    pub expires_at: DateTime<Utc>,
    /// When the device got its tokens.
    pub consumed_at: Option<DateTime<Utc>>,
}

/// What a poll leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DevicePoll {
    /// Tokens, by this grant.
    Redeem(GrantId),
    /// Not yet; the interval from now on.
    Wait {
        /// The refusal.
        denial: Denial,
        /// The interval from now on, in seconds.
        interval: u32,
    },
}

impl DeviceAuthorization {
    /// Decides a poll of this client (RFC 8628 §3.5). A code of another client answers like an unknown one.
    pub fn poll(&self, client: &Client, now: DateTime<Utc>) -> Result<DevicePoll, Denial> {
        if self.client_id != client.client_id || self.consumed_at.is_some() {
            return Err(Denial::DeviceCodeUnknown);
        }
        if now >= self.expires_at {
            return Err(Denial::DeviceCodeExpired);
        }
        match &self.decision {
            DeviceDecision::Denied => Err(Denial::ConsentDenied),
            DeviceDecision::Allowed(grant_id) => Ok(DevicePoll::Redeem(grant_id.clone())),
            DeviceDecision::Pending => {
                let patience = Duration::from_secs(self.interval.into());
                let too_early = self.polled_at.is_some_and(|last| now < last + patience);
                Ok(match too_early {
                    true => DevicePoll::Wait {
                        denial: Denial::DeviceTooFast,
                        interval: self.interval.saturating_add(SLOWER).min(MAX_INTERVAL),
                    },
                    false => DevicePoll::Wait { denial: Denial::DevicePending, interval: self.interval },
                })
            }
        }
    }

    /// Can a user still decide on it?
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        self.decision == DeviceDecision::Pending && now < self.expires_at
    }
}
