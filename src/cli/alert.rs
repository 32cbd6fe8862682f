//! `grantor alert`: see alerts and their deliveries, send one again, try a webhook.

use clap::Subcommand;

use crate::cli::{CliError, CliResult, Context, output};
use crate::domain::alert::{AlertFilter, AlertRule};
use crate::domain::page::PageRequest;
use crate::domain::webhook_delivery::{DeliveryFilter, DeliveryStatus, WebhookDelivery};
use crate::flows::alerts;
use crate::flows::caller::Caller;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// List alerts, newest first.
    List {
        /// Only of this rule, such as failed_authentications.
        #[arg(long)]
        rule: Option<String>,
        /// Only about this user, client or address.
        #[arg(long)]
        subject: Option<String>,
        /// Older than this alert.
        #[arg(long)]
        cursor: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = PageRequest::DEFAULT_LIMIT)]
        limit: i64,
    },
    /// List deliveries, newest first.
    Deliveries {
        /// Only pending, delivered or dead ones.
        #[arg(long)]
        status: Option<String>,
        /// Only to this webhook, or `mail`.
        #[arg(long)]
        endpoint: Option<String>,
        /// Older than this delivery.
        #[arg(long)]
        cursor: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = PageRequest::DEFAULT_LIMIT)]
        limit: i64,
    },
    /// Send a delivery once more; a running server does it.
    Resend {
        /// The delivery's id.
        id: String,
    },
    /// Send a test to a webhook, or `mail`, now.
    Test {
        /// The webhook's name.
        name: String,
    },
}

fn word<T>(text: Option<&str>, parse: impl Fn(&str) -> Option<T>, what: &str) -> Result<Option<T>, CliError> {
    text.map(|text| parse(text).ok_or_else(|| CliError::usage(format!("there is no {what} '{text}'")))).transpose()
}

/// Runs the command.
pub fn run(command: Command, context: &Context) -> CliResult {
    let server = context.open()?;
    let caller = Caller::command_line();
    match command {
        Command::List { rule, subject, cursor, limit } => {
            let rule = word(rule.as_deref(), AlertRule::parse, "rule")?;
            let filter = AlertFilter { rule, subject_id: subject, ..AlertFilter::default() };
            let page = alerts::list(&server, &caller, &filter, &PageRequest::new(cursor, Some(limit)))?;
            if context.json {
                return output::print_json(&page);
            }
            let rows = page.items.iter().map(|alert| {
                vec![
                    alert.occurred_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
                    alert.rule.as_str().to_owned(),
                    format!("{} {}", alert.subject_kind, alert.subject_id),
                    alert.detail.to_string(),
                ]
            });
            output::print_table(&["WHEN", "RULE", "ABOUT", "DETAIL"], &rows.collect::<Vec<_>>())?;
            page.next_cursor.map_or(Ok(()), |cursor| output::print(&format!("... older: --cursor {cursor}")))
        }
        Command::Deliveries { status, endpoint, cursor, limit } => {
            let status = word(status.as_deref(), DeliveryStatus::parse, "status")?;
            let filter = DeliveryFilter { status, endpoint, ..DeliveryFilter::default() };
            let page = alerts::list_deliveries(&server, &caller, &filter, &PageRequest::new(cursor, Some(limit)))?;
            if context.json {
                return output::print_json(&page);
            }
            let rows: Vec<_> = page.items.iter().map(row).collect();
            output::print_table(&["ID", "TO", "EVENT", "STATUS", "ATTEMPTS", "LAST ERROR"], &rows)?;
            page.next_cursor.map_or(Ok(()), |cursor| output::print(&format!("... older: --cursor {cursor}")))
        }
        Command::Resend { id } => show(&alerts::resend(&server, &caller, &id)?, context.json),
        Command::Test { name } => {
            let delivery = alerts::test(&server, &caller, &name)?;
            show(&delivery, context.json)?;
            match delivery.last_error {
                Some(error) => Err(CliError::failed(format!("the test did not arrive: {error}"))),
                None => Ok(()),
            }
        }
    }
}

fn row(delivery: &WebhookDelivery) -> Vec<String> {
    vec![
        delivery.id.clone(),
        delivery.endpoint.clone(),
        delivery.event_type.clone(),
        delivery.status.as_str().to_owned(),
        delivery.attempts.to_string(),
        delivery.last_error.clone().unwrap_or_default(),
    ]
}

fn show(delivery: &WebhookDelivery, json: bool) -> CliResult {
    if json {
        return output::print_json(delivery);
    }
    output::print(&format!("Delivery {} to {} is {}.", delivery.id, delivery.endpoint, delivery.status.as_str()))
}
