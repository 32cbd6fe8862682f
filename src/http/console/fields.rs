//! Reading the forms of the console, and the fields that several of them have.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::domain::denial::Denial;
use crate::domain::role;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::http::kit::form::{Choice, Field};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;
use crate::protocol::scope::Scope;

/// Most scopes that are offered one by one; the others are typed.
const MOST_OFFERED: usize = 100;

/// What was typed into a line; empty where nothing was.
pub fn text(form: &Params, name: &'static str) -> String {
    form.optional(name).ok().flatten().unwrap_or_default().trim().to_owned()
}

/// The same where nothing means null.
pub fn or_null(form: &Params, name: &'static str) -> Value {
    let text = text(form, name);
    if text.is_empty() { Value::Null } else { Value::String(text) }
}

/// What stands in each line of a field, and between spaces and commas.
pub fn lines(form: &Params, name: &'static str) -> Vec<String> {
    let text = text(form, name);
    let parts = text.split(|character: char| character.is_whitespace() || character == ',');
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// A number; null where the field is empty.
pub fn number(form: &Params, name: &'static str) -> Result<Value, Denial> {
    let text = text(form, name);
    if text.is_empty() {
        return Ok(Value::Null);
    }
    let number = text.parse::<u32>();
    number.map(|number| json!(number)).map_err(|_| Denial::InvalidMember(format!("{name} must be a whole number")))
}

/// Was a box of this value ticked?
pub fn is_ticked(form: &Params, name: &str, value: &str) -> bool {
    form.all(name).contains(&value)
}

/// What was ticked.
pub fn ticked(form: &Params, name: &str) -> Vec<String> {
    form.all(name).into_iter().map(str::to_owned).collect()
}

/// The members of a use case, read as the admin API reads them: the same words, the same refusals.
pub fn members<T: DeserializeOwned>(members: Value) -> Result<T, Denial> {
    serde_json::from_value(members).map_err(|error| Denial::InvalidMember(error.to_string()))
}

/// The fields of several lines of text.
pub fn many(lines: impl IntoIterator<Item = impl ToString>) -> String {
    lines.into_iter().map(|line| line.to_string()).collect::<Vec<_>>().join("\n")
}

/// A number as a field shows it.
pub fn shown(number: Option<u32>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// The scopes that can be ticked, with what they allow.
#[derive(Debug, Clone, Default)]
pub struct ScopeOptions(Vec<(String, String)>);

impl ScopeOptions {
    /// Those that are defined and that this caller may hand out. The admin API's are typed: few need them.
    pub fn of(server: &Server, caller: &Caller) -> Self {
        let definitions = server.scopes();
        let mut all: Vec<_> = definitions
            .iter()
            .filter(|scope| !role::is_admin_api_scope(&scope.name))
            .filter(|scope| !scope.privileged || caller.may_hand_out([scope.name.as_str()]).is_ok())
            .map(|scope| (scope.name.clone(), scope.description.clone()))
            .collect();
        all.sort();
        all.truncate(MOST_OFFERED);
        Self(all)
    }

    /// Those of a client.
    pub fn within(mut self, scope: &Scope) -> Self {
        let described = |token: &str| self.0.iter().find(|(name, _)| name == token).map(|(_, text)| text.clone());
        self.0 = scope.iter().map(|token| (token.to_owned(), described(token).unwrap_or_default())).collect();
        self
    }

    /// Boxes to tick.
    pub fn boxes(&self, texts: Texts, chosen: &Scope) -> Field {
        let choice = |(name, text): &(String, String)| {
            Choice::new(name, name).hint(texts.of_domain(text)).chosen(chosen.contains(name))
        };
        Field::checkboxes("scope", texts.say("clients-scope"), self.0.iter().map(choice).collect())
    }

    /// Boxes to tick, and a line for what has none.
    pub fn fields(&self, texts: Texts, chosen: &Scope) -> Vec<Field> {
        let others = chosen.iter().filter(|token| !self.0.iter().any(|(name, _)| name == token));
        let others = others.collect::<Vec<_>>().join(" ");
        let more = Field::text("more_scope", texts.say("clients-scope-more"), others);
        let more = more.longest(2000).hint(texts.say("clients-scope-more-hint"));
        if self.0.is_empty() { vec![more] } else { vec![self.boxes(texts, chosen), more] }
    }
}

/// What was ticked and typed into the fields of [`ScopeOptions::fields`].
pub fn scopes(form: &Params) -> Vec<String> {
    let mut all = ticked(form, "scope");
    all.extend(lines(form, "more_scope"));
    all
}

/// One of these, or none.
pub fn plans(server: &Server) -> Vec<String> {
    server.config.plans.0.keys().cloned().collect()
}

/// The field for a plan; None where none is configured.
pub fn plan(texts: Texts, plans: &[String], chosen: Option<&str>) -> Option<Field> {
    if plans.is_empty() && chosen.is_none() {
        return None;
    }
    let none = Choice::new("", texts.say("plan-none")).chosen(chosen.is_none());
    let all = plans.iter().map(|plan| Choice::new(plan, plan).chosen(chosen == Some(plan)));
    Some(Field::select("plan", texts.say("column-plan"), std::iter::once(none).chain(all).collect()))
}
