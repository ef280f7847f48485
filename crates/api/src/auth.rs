//! Who calls, and what they may do: programs with API keys and their scopes, people with sessions and their roles, and the
//! operator, who holds the master key.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use domain::Timestamp;
use domain::audit::{Actor, ActorKind};
use domain::user::Role;
use engine::{ApiKey, Scope};
use http::header;
use http::request::Parts;
use signature::{TokenHash, token};
use store::users::UserRow;

use crate::audit::Origin;
use crate::once::Asked;
use crate::problem::{Code, Problem};
use crate::session::{self, Active};
use crate::{Api, extract};

/// The longest key that is looked up, in bytes: ours have 48.
const MAX_KEY_BYTES: usize = 256;
/// What stands for who runs the command line, where others have the id of their key.
const OPERATOR: &str = "operator";

/// What an operation asks of its caller, as a type.
pub trait Requirement: Send + Sync + 'static {
    /// The least scope.
    const SCOPE: Scope;
}

/// To see.
pub struct Read;
/// To change.
pub struct Write;
/// To manage keys.
pub struct Admin;

impl Requirement for Read {
    const SCOPE: Scope = Scope::Read;
}
impl Requirement for Write {
    const SCOPE: Scope = Scope::Write;
}
impl Requirement for Admin {
    const SCOPE: Scope = Scope::Admin;
}

/// The caller, who has at least the scope `R`, and asks for nothing unknown in the query. To be the first argument of a
/// handler behind the state, so that nothing is said to strangers but 401.
pub struct Caller<R> {
    key: ApiKey,
    actor: Actor,
    session: Option<Active>,
    required: PhantomData<R>,
}

impl<R> Caller<R> {
    /// The id of the key, which stands for the caller in what is kept about them.
    pub fn id(&self) -> &str {
        &self.key.id
    }

    /// Who the caller is, for the audit log.
    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The session that the caller has.
    ///
    /// # Errors
    /// If they have an API key.
    pub(crate) fn session(&self) -> Result<&Active, Problem> {
        let detail = "There is no session: the caller has an API key.";
        self.session.as_ref().ok_or_else(|| Problem::new(Code::NotFound, detail))
    }

    /// Whether the caller may change things as well.
    pub fn may_write(&self) -> bool {
        self.key.scope >= Scope::Write
    }
}

impl<R: Requirement> FromRequestParts<Api> for Caller<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let (key, session) = authenticate(parts, api).await?;
        if key.scope < R::SCOPE {
            let (needed, has) = (R::SCOPE.as_str(), key.scope.as_str());
            let detail = match &session {
                None => format!("This needs a key of scope {needed}; the key that was sent has {has}."),
                Some(active) => {
                    let role = active.session.user.role.as_str();
                    format!("This needs the scope {needed}, which a user with the role {role} has not.")
                }
            };
            return Err(Problem::new(Code::Forbidden, detail));
        }
        // Also where a handler takes no query: a parameter that nobody reads is a mistake of the caller's.
        extract::query(parts, api)?;
        let kind = match &session {
            Some(_) => ActorKind::User,
            None if key.id == OPERATOR => ActorKind::CommandLine,
            None => ActorKind::ApiKey,
        };
        Asked::by(parts, &key.id);
        let actor = Origin::of(parts, api).actor(kind, Some(key.id.clone()), Some(key.name.clone()));
        Ok(Self { key, actor, session, required: PhantomData })
    }
}

/// A key that is sent counts, and the session does not.
async fn authenticate(parts: &Parts, api: &Api) -> Result<(ApiKey, Option<Active>), Problem> {
    if !parts.headers.contains_key(header::AUTHORIZATION)
        && let Some(active) = session::find(parts, api).await?
    {
        active.check_csrf(parts)?;
        return Ok((person(&active.session.user), Some(active)));
    }
    Ok((key(parts, api).await?, None))
}

/// What stands for a person where keys are expected.
fn person(user: &UserRow) -> ApiKey {
    let scope = match user.role {
        Role::Viewer => Scope::Read,
        Role::Editor => Scope::Write,
        Role::Owner => Scope::Admin,
    };
    ApiKey {
        id: user.id.clone(),
        name: user.email.clone(),
        scope,
        hint: String::new(),
        created_at: user.created_at,
    }
}

async fn key(parts: &Parts, api: &Api) -> Result<ApiKey, Problem> {
    let given = bearer(parts)?;
    let now = api.engine().now();
    if api.engine().vault().takes_pass(given, now) {
        return Ok(operator(now));
    }
    let hash = token::hash(given);
    if let Some(key) = find(api, &hash) {
        return Ok(key);
    }
    // It may have been made a moment ago, by the command line or another node.
    api.engine().refresh().await?;
    find(api, &hash)
        .ok_or_else(|| unauthorized("The API key is not valid.", r#"Bearer error="invalid_token""#))
}

/// Who runs the command line on the server's machine. They could make any key; this one is enough for what they do there.
fn operator(now: Timestamp) -> ApiKey {
    ApiKey {
        id: OPERATOR.to_owned(),
        name: "Command line".to_owned(),
        scope: Scope::Write,
        hint: String::new(),
        created_at: now,
    }
}

fn find(api: &Api, hash: &TokenHash) -> Option<ApiKey> {
    api.engine().snapshot().api_keys.get(hash).cloned()
}

/// The key in `Authorization: Bearer …` (RFC 6750, section 2.1).
fn bearer(parts: &Parts) -> Result<&str, Problem> {
    let Some(header) = parts.headers.get(header::AUTHORIZATION) else {
        return Err(unauthorized("The header Authorization is missing.", "Bearer"));
    };
    let (scheme, key) = header.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
    let key = key.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(unauthorized("The header Authorization must be: Bearer <api key>.", "Bearer"));
    }
    Ok(key)
}

fn unauthorized(detail: &str, challenge: &'static str) -> Problem {
    Problem::new(Code::Unauthorized, detail).with_header("www-authenticate", challenge)
}
