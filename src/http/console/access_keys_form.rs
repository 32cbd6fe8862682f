//! The form of an access key: what can be chosen, the fields, and reading them.

use chrono::{DateTime, Days, Utc};
use ipnet::IpNet;

use crate::domain::access_key::AccessKey;
use crate::domain::denial::Denial;
use crate::domain::page::PageRequest;
use crate::domain::role::{self, is_admin_api_scope};
use crate::flows::access_keys::{AccessKeyEdit, NewAccessKey};
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;
use crate::flows::member::network;
use crate::flows::{Server, configured, projects as project_flows};
use crate::http::console::access_keys_owner::{owner, owner_fields};
use crate::http::kit::form::{Choice, Field};
use crate::http::kit::texts::Texts;
use crate::http::kit::{cell, day};
use crate::protocol::params::Params;
use crate::protocol::resource::Resource;

/// Most octets of the page that scopes to be ticked take; what is beyond is typed.
const SCOPES_ROOM: usize = 36_000;
/// Most octets that projects to be ticked take.
const PROJECTS_ROOM: usize = 24_000;
/// What a choice takes besides its texts: tags, names, and what ties them together.
const CHOICE: usize = 330;
/// Most characters shown of a description.
const MOST_DESCRIPTION: usize = 200;
/// As many projects as are read at once; where there are so many, there may be more.
pub const MANY_PROJECTS: usize = 200;
/// Days after which a key may end, as offered.
const DAYS: [u64; 3] = [30, 90, 365];

/// What can be chosen for a key.
pub struct Choices {
    /// The environments, the default first.
    pub environments: Vec<String>,
    /// The projects: identifier and name.
    pub projects: Vec<(String, String)>,
    /// The plans.
    pub plans: Vec<String>,
    /// The scopes that the caller may hand out: name and description.
    pub scopes: Vec<(String, String)>,
    /// Must a key end?
    pub must_end: bool,
}

/// The names of the environments, the default first.
pub fn environments(server: &Server, caller: &Caller) -> FlowResult<Vec<String>> {
    let mut found = configured::list_environments(server, caller)?;
    found.sort_by_key(|environment| !environment.is_default);
    Ok(found.into_iter().map(|environment| environment.name).collect())
}

/// Identifiers and names of projects, as many as one list has; none for those who may not see them.
pub fn projects(server: &Server, caller: &Caller) -> FlowResult<Vec<(String, String)>> {
    if caller.require("projects:read").is_err() {
        return Ok(Vec::new());
    }
    let page = PageRequest::new(None, i64::try_from(MANY_PROJECTS).ok());
    let found = project_flows::list(server, caller, &page)?.items;
    Ok(found.into_iter().map(|project| (project.id.0, project.name)).collect())
}

impl Choices {
    /// What this caller can choose.
    pub fn read(server: &Server, caller: &Caller) -> FlowResult<Self> {
        let definitions = server.scopes();
        let own = definitions.iter().filter(|scope| caller.may_hand_out([scope.name.as_str()]).is_ok());
        // Those of OpenID Connect are for people who sign in: a key has nobody.
        let own = own.filter(|scope| scope.resource.is_some() || !is_of_openid(&scope.name));
        let mut scopes: Vec<_> = own.map(|scope| (scope.name.clone(), scope.description.clone())).collect();
        // The platform's own before those of this server.
        scopes.sort_by_key(|(name, _)| (role::is_admin_api_scope(name), name.clone()));
        let plans = configured::list_plans(server, caller)?.into_iter().map(|plan| plan.name).collect();
        Ok(Self {
            environments: environments(server, caller)?,
            projects: projects(server, caller)?,
            plans,
            scopes,
            must_end: server.config.access_keys.max_lifetime.is_some(),
        })
    }
}

/// The choices there is room for. A name is written twice: as it is sent, and as it is read.
fn within(room: usize, choices: impl IntoIterator<Item = Choice>) -> Vec<Choice> {
    let size = |choice: &Choice| {
        CHOICE + cell::written(&choice.value) + cell::written(&choice.label) + cell::written(&choice.hint)
    };
    let mut left = room;
    let fits = |choice: &Choice| {
        let rest = left.checked_sub(size(choice));
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    choices.into_iter().take_while(fits).collect()
}

fn is_of_openid(name: &str) -> bool {
    crate::domain::standard_claims::OPENID_SCOPES.iter().any(|(known, _)| *known == name)
}

fn scope_fields(texts: Texts, choices: &Choices, held: &[&str]) -> [Field; 2] {
    let offered = choices.scopes.iter().map(|(name, description)| {
        let description = cell::cut(&texts.of_domain(description), MOST_DESCRIPTION);
        Choice::new(name, name).hint(description).chosen(held.contains(&name.as_str()))
    });
    let offered = within(SCOPES_ROOM, offered);
    let is_offered = |token: &&str| offered.iter().any(|choice| choice.value == *token);
    let other: Vec<&str> = held.iter().copied().filter(|token| !is_offered(token)).collect();
    [
        Field::checkboxes("scope", texts.say("access-keys-scopes"), offered.clone())
            .hint(texts.say("access-keys-scopes-hint")),
        Field::text("more_scopes", texts.say("access-keys-more-scopes"), other.join(" "))
            .hint(texts.say("access-keys-more-scopes-hint")),
    ]
}

fn project_fields(texts: Texts, choices: &Choices, key: Option<&AccessKey>) -> Vec<Field> {
    let held: Vec<&str> = key.map(|key| key.projects.iter().map(|id| id.as_str()).collect()).unwrap_or_default();
    let kinds = [
        ("all", "access-keys-projects-all", held.is_empty()),
        ("chosen", "access-keys-projects-chosen", !held.is_empty()),
    ];
    let kinds = kinds.map(|(value, label, chosen)| Choice::new(value, texts.say(label)).chosen(chosen));
    let offered = choices.projects.iter().map(|(id, name)| {
        Choice::new(id, name).hint(if id == name { "" } else { id.as_str() }).chosen(held.contains(&id.as_str()))
    });
    let offered = within(PROJECTS_ROOM, offered);
    let is_offered = |id: &&str| offered.iter().any(|choice| choice.value == **id);
    let others: Vec<&str> = held.iter().copied().filter(|id| !is_offered(id)).collect();
    let more = (choices.projects.len() > offered.len() || !others.is_empty()).then(|| {
        Field::text("more_projects", texts.say("access-keys-more-projects"), others.join(" "))
            .hint(texts.say("access-keys-more-projects-hint"))
    });
    if offered.is_empty() && more.is_none() {
        return Vec::new();
    }
    let mut fields = vec![Field::radio("projects", texts.say("nav-projects"), kinds.into())];
    if !offered.is_empty() {
        fields.push(Field::checkboxes("project", texts.say("access-keys-projects-which"), offered));
    }
    fields.extend(more);
    fields
}

fn expiry_fields(texts: Texts, choices: &Choices, key: Option<&AccessKey>) -> [Field; 2] {
    let mut offered = Vec::new();
    if key.is_some() {
        offered.push(Choice::new("keep", texts.say("access-keys-expiry-keep")).chosen(true));
    }
    if !choices.must_end {
        offered.push(Choice::new("never", texts.say("access-keys-expiry-never")));
    }
    for days in DAYS {
        let chosen = key.is_none() && days == 90;
        offered.push(
            Choice::new(days.to_string(), texts.say_with("access-keys-expiry-days", "days", days)).chosen(chosen),
        );
    }
    offered.push(Choice::new("custom", texts.say("access-keys-expiry-custom")));
    [
        Field::select("expiry", texts.say("column-expires"), offered),
        Field::date("expires_on", texts.say("access-keys-expires-on")).hint(texts.say("access-keys-expires-on-hint")),
    ]
}

fn limit_fields(texts: Texts, choices: &Choices, key: Option<&AccessKey>) -> Vec<Field> {
    let plan = key.and_then(|key| key.plan.as_deref());
    let mut fields = Vec::new();
    if !choices.plans.is_empty() || plan.is_some() {
        let none = Choice::new("", texts.say("access-keys-no-plan"));
        let gone = plan.filter(|plan| !choices.plans.iter().any(|known| known == plan));
        let named = choices.plans.iter().map(String::as_str).chain(gone);
        let named = named.map(|name| Choice::new(name, name).chosen(plan == Some(name)));
        fields.push(Field::select("plan", texts.say("access-keys-plan"), std::iter::once(none).chain(named).collect()));
    }
    let number = |limit: Option<u32>| limit.map(|limit| limit.to_string()).unwrap_or_default();
    let limits = key.map(|key| key.limits).unwrap_or_default();
    let networks = key.map(|key| key.allowed_addresses.iter().map(IpNet::to_string).collect::<Vec<_>>().join("\n"));
    fields.extend([
        Field::number(
            "requests_per_minute",
            texts.say("access-keys-requests-per-minute"),
            number(limits.requests_per_minute),
        )
        .hint(texts.say("access-keys-limits-hint")),
        Field::number(
            "requests_per_hour",
            texts.say("access-keys-requests-per-hour"),
            number(limits.requests_per_hour),
        ),
        Field::lines("allowed_addresses", texts.say("access-keys-addresses"), networks.unwrap_or_default())
            .hint(texts.say("access-keys-addresses-hint")),
    ]);
    fields
}

/// The fields; those of an existing key are filled, and lack what cannot be changed.
pub fn fields(texts: Texts, choices: &Choices, key: Option<&AccessKey>) -> Vec<Field> {
    let name = key.map(|key| key.name.as_str()).unwrap_or_default();
    let description = key.map(|key| key.description.as_str()).unwrap_or_default();
    let mut fields = vec![
        Field::text("name", texts.say("column-name"), name).required(),
        Field::lines("description", texts.say("column-description"), description),
    ];
    if key.is_none() {
        let offered = choices.environments.iter().map(|name| Choice::new(name, name)).collect();
        fields.extend(owner_fields(texts));
        fields.push(Field::select("environment", texts.say("column-environment"), offered));
    }
    let held: Vec<&str> = key.map(|key| key.scope.iter().collect()).unwrap_or_default();
    fields.extend(project_fields(texts, choices, key));
    fields.extend(scope_fields(texts, choices, &held));
    fields.extend(expiry_fields(texts, choices, key));
    fields.extend(limit_fields(texts, choices, key));
    fields
}

pub(super) fn text<'a>(form: &'a Params, name: &'static str) -> &'a str {
    form.optional(name).ok().flatten().unwrap_or_default().trim()
}

/// A description is one line, however it was typed.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

pub(super) fn refuse(text: &str) -> Denial {
    Denial::InvalidMember(text.to_owned())
}

fn scopes(form: &Params) -> Vec<String> {
    let typed = text(form, "more_scopes").split_whitespace();
    form.all("scope").into_iter().filter(|token| !token.is_empty()).chain(typed).map(str::to_owned).collect()
}

fn chosen_projects(form: &Params) -> Result<Vec<String>, Denial> {
    match text(form, "projects") {
        "chosen" => {}
        "" | "all" => return Ok(Vec::new()),
        _ => return Err(refuse("choose at least one project, or all projects")),
    }
    let typed = text(form, "more_projects").split_whitespace();
    let ticked = form.all("project").into_iter().filter(|id| !id.is_empty());
    let chosen: Vec<String> = ticked.chain(typed).map(str::to_owned).collect();
    // None at all would be every project: the opposite of what was meant.
    if chosen.is_empty() { Err(refuse("choose at least one project, or all projects")) } else { Ok(chosen) }
}

fn number(form: &Params, name: &'static str) -> Result<Option<u32>, Denial> {
    match text(form, name) {
        "" => Ok(None),
        number => number.parse().map(Some).map_err(|_| refuse(&format!("{name} must be a whole number"))),
    }
}

fn addresses(form: &Params) -> Result<Vec<IpNet>, Denial> {
    let typed = text(form, "allowed_addresses").split([',', ' ', '\r', '\n', '\t']).filter(|part| !part.is_empty());
    typed.map(|part| network(part).map_err(|error| refuse(&format!("allowed_addresses: {part}: {error}")))).collect()
}

/// When the key is to end; None where that is to stay as it is.
fn expiry(form: &Params, now: DateTime<Utc>) -> Result<Option<Option<DateTime<Utc>>>, Denial> {
    match text(form, "expiry") {
        "keep" => Ok(None),
        "never" => Ok(Some(None)),
        "custom" => {
            let start = day::moment(form, "expires_on", text(form, "expires_on"), false)?;
            Ok(Some(Some(start)))
        }
        days => {
            let days = days.parse().ok().filter(|days| DAYS.contains(days));
            let end = days.and_then(|days| now.checked_add_days(Days::new(days)));
            end.map(|end| Some(Some(end))).ok_or_else(|| refuse("expiry must be one of those offered"))
        }
    }
}

/// The key that a form asks for.
pub fn read_new(server: &Server, caller: &Caller, form: &Params) -> FlowResult<NewAccessKey> {
    Ok(NewAccessKey {
        name: text(form, "name").to_owned(),
        description: one_line(text(form, "description")),
        environment: Some(text(form, "environment").to_owned()).filter(|name| !name.is_empty()),
        owner: Some(owner(server, caller, form)?),
        scopes: scopes(form),
        projects: chosen_projects(form)?,
        plan: Some(text(form, "plan").to_owned()).filter(|plan| !plan.is_empty()),
        requests_per_minute: number(form, "requests_per_minute")?,
        requests_per_hour: number(form, "requests_per_hour")?,
        allowed_addresses: Some(addresses(form)?),
        expires_at: expiry(form, server.clock.now())?.flatten(),
        resources: for_admin_api(server, form),
        ..NewAccessKey::default()
    })
}

/// Here `admin` is that of the admin API: its description is beside the box. A key for nothing else names it as its audience.
fn for_admin_api(server: &Server, form: &Params) -> Option<Vec<Resource>> {
    let scopes = scopes(form);
    let is_all = !scopes.is_empty() && scopes.iter().all(|token| is_admin_api_scope(token));
    let is_there = Some(text(form, "environment")).filter(|name| !name.is_empty());
    let is_default = is_there.is_none_or(|name| name == server.config.server.default_environment);
    (is_all && is_default).then(|| vec![server.admin_resource.clone()])
}

/// The edit that a form asks for.
pub fn read_edit(server: &Server, form: &Params) -> FlowResult<AccessKeyEdit> {
    Ok(AccessKeyEdit {
        name: Some(text(form, "name").to_owned()),
        description: Some(one_line(text(form, "description"))),
        scopes: Some(scopes(form)),
        projects: Some(chosen_projects(form)?),
        plan: Some(Some(text(form, "plan").to_owned()).filter(|plan| !plan.is_empty())),
        requests_per_minute: Some(number(form, "requests_per_minute")?),
        requests_per_hour: Some(number(form, "requests_per_hour")?),
        allowed_addresses: Some(addresses(form)?),
        expires_at: expiry(form, server.clock.now())?,
        status: None,
    })
}
