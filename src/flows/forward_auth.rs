//! The verdict for a proxy that asks on behalf of the API behind it.

use crate::domain::audit_event::Source;
use crate::domain::denial::Denial;
use crate::domain::refusal::RefusingDoor;
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::flows::verdict::{self, Judged, Presented, Question, Trace};
use crate::protocol::params::{ParamError, Params};
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// Longest operation or project name counted, in bytes.
const MAX_NAME: usize = 100;

/// What the proxy's configuration asks, from the query of its sub-request.
#[derive(Debug, Default)]
pub struct ProxyQuery {
    scope: Scope,
    audience: Option<Resource>,
    environment: Option<String>,
    project: Option<String>,
    operation: Option<String>,
    cost: u32,
}

fn malformed(error: &ParamError) -> Denial {
    Denial::MalformedRequest(error.to_string())
}

impl ProxyQuery {
    /// The parameters that there are.
    pub const NAMES: [&'static str; 6] = ["scope", "audience", "env", "project", "operation", "cost"];

    /// Reads the query. A parameter that does not exist is refused: a mistyped `scope` must not let everybody in.
    pub fn read(params: &Params) -> Result<Self, Denial> {
        let unknown = params.iter().map(|(name, _)| name).find(|name| !Self::NAMES.contains(name));
        if let Some(name) = unknown {
            return Err(Denial::MalformedRequest(format!("there is no parameter '{name}' here")));
        }
        let text =
            |name| params.optional(name).map(|value| value.map(str::to_owned)).map_err(|error| malformed(&error));
        let refuse = |text: String| Denial::MalformedRequest(text);
        let cost = match text("cost")? {
            None => 1,
            Some(cost) => {
                cost.parse().ok().filter(|cost| *cost <= 1000).ok_or_else(|| refuse("cost must be 0 to 1000".into()))?
            }
        };
        let short = |value: Option<String>| match value {
            Some(value) if value.len() > MAX_NAME || value.chars().any(char::is_control) => {
                Err(refuse(format!("names have at most {MAX_NAME} bytes and no control characters")))
            }
            other => Ok(other),
        };
        Ok(Self {
            scope: Scope::parse(&text("scope")?.unwrap_or_default()).map_err(|error| refuse(error.to_string()))?,
            audience: text("audience")?
                .map(|audience| Resource::parse(&audience))
                .transpose()
                .map_err(|error| refuse(error.to_string()))?,
            environment: text("env")?,
            project: short(text("project")?)?,
            operation: short(text("operation")?)?,
            cost,
        })
    }
}

/// The scope that the proxy requires, for the refusal that names it.
pub struct Answered {
    /// The verdict.
    pub judged: Judged,
    /// What was required.
    pub scope: Scope,
}

/// Judges what came with a request to a proxy. Without `env` it is the default environment; without `audience` one of that
/// environment's own.
pub fn ask(
    server: &Server,
    presented: &Presented,
    query: ProxyQuery,
    source: &Source,
    original: &str,
) -> FlowResult<Answered> {
    let name = query.environment.unwrap_or_else(|| server.config.server.default_environment.clone());
    let environment = server
        .environment(&name)
        .ok_or_else(|| Denial::MalformedRequest(format!("there is no environment '{name}' in the configuration")))?;
    let question = Question {
        audiences: query.audience.map_or_else(|| environment.resources.clone(), |audience| vec![audience]),
        environment: name,
        scope: query.scope,
        project: query.project,
        address: source.address,
        hiding_proxy: source.hiding_proxy,
        operation: query.operation.unwrap_or_else(|| original.to_owned()),
        cost: query.cost,
        trace: Some(Trace::new(RefusingDoor::ForwardAuth, None)),
    };
    let judged = verdict::judge(server, presented, &question)?;
    Ok(Answered { judged, scope: question.scope })
}

/// What a request is counted under where nobody names it: the method and the first two steps of the path that look like
/// words. The rest is identifiers, and whoever sends them must not fill the database.
pub fn operation_of(method: &str, path: &str) -> String {
    let is_word = |step: &&str| {
        !step.is_empty()
            && step.len() <= 32
            && step.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_".contains(&byte))
            || matches!(step.as_bytes(), [b'v', b'0'..=b'9'] | [b'v', b'0'..=b'9', b'0'..=b'9'])
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).take(2).take_while(is_word).collect();
    let method = if method.len() <= 10 && method.bytes().all(|byte| byte.is_ascii_uppercase()) { method } else { "" };
    format!("{method} /{}", steps.join("/")).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_coarse() {
        assert_eq!(operation_of("GET", "/v1/buckets/8f14e45f?x=1"), "GET /v1/buckets");
        assert_eq!(operation_of("GET", "/users/12345/orders"), "GET /users");
        assert_eq!(operation_of("gArBaGe", "/"), "/");
        assert_eq!(operation_of("POST", ""), "POST /");
    }

    #[test]
    fn a_mistyped_parameter_is_refused() {
        let read = |query: &str| {
            ProxyQuery::read(&Params::parse(query.as_bytes()).unwrap()).map(|read| read.scope.to_string())
        };
        assert_eq!(read("scope=a+b&env=live"), Ok("a b".to_owned()));
        assert!(read("scop=a").is_err());
        assert!(read("scope=a&scope=b").is_err());
        assert!(read("cost=-1").is_err());
        assert!(read("cost=1001").is_err());
    }
}
