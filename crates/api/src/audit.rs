//! Who did something, for the audit log.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use domain::audit::{Act, Actor, ActorKind};
use http::HeaderMap;
use http::request::Parts;
use store::Work;
use store::audit::{Noted, Nothing};
use store::users::UserRow;

use crate::Api;
use crate::auth::Caller;
use crate::problem::Problem;

/// The header that names a request: taken from who sends it, or made, and given back with the answer.
pub(crate) const REQUEST_ID_HEADER: &str = "x-request-id";
/// The most characters of such a name: others than ours may be longer, and none is a text.
const MAX_REQUEST_ID_CHARS: usize = 100;

/// The name of a request, put beside it by `measure`.
#[derive(Clone)]
pub(crate) struct RequestName(pub(crate) String);

/// The name that a request came with.
pub(crate) fn given_name(headers: &HeaderMap) -> Option<String> {
    let name = headers.get(REQUEST_ID_HEADER)?.to_str().ok()?;
    let fits =
        (1..=MAX_REQUEST_ID_CHARS).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| name.to_owned())
}

/// Where a request came from.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The address, where proxies stand in between.
    pub(crate) address: Option<IpAddr>,
    request_id: Option<String>,
}

impl Origin {
    pub(crate) fn of(parts: &Parts, api: &Api) -> Self {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = peer.map(|ConnectInfo(peer)| api.sender(peer.ip(), &parts.headers));
        let name = parts.extensions.get::<RequestName>();
        Self { address, request_id: name.map(|RequestName(name)| name.clone()) }
    }

    /// Who acts from here.
    pub(crate) fn actor(&self, kind: ActorKind, id: Option<String>, name: Option<String>) -> Actor {
        let address = self.address.map(|address| address.to_string());
        Actor { kind, id, name, address, request_id: self.request_id.clone() }
    }

    /// A person who acts from here.
    pub(crate) fn person(&self, user: &UserRow) -> Actor {
        self.actor(ActorKind::User, Some(user.id.clone()), Some(user.email.clone()))
    }
}

impl FromRequestParts<Api> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Infallible> {
        Ok(Self::of(parts, api))
    }
}

impl Api {
    /// The transaction, which also writes into the audit log what this caller did; `act` makes it of the outcome.
    pub fn noted<R, W: Work>(
        &self,
        caller: &Caller<R>,
        work: W,
        act: impl Fn(&W::Output) -> Option<Act> + Send + Sync + 'static,
    ) -> Noted<W> {
        self.engine().noted(caller.actor(), work, act)
    }

    /// Writes into the audit log what this caller does, where that changes nothing.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn note<R>(&self, caller: &Caller<R>, act: Act) -> Result<(), Problem> {
        Ok(self.engine().write(self.noted(caller, Nothing, act.always())).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_request_is_short_and_visible() {
        let named = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID_HEADER, value.parse().unwrap());
            given_name(&headers)
        };
        assert_eq!(named("7b1c-x").as_deref(), Some("7b1c-x"));
        assert_eq!((named(""), named("a b"), named(&"x".repeat(101))), (None, None, None));
        assert_eq!(given_name(&HeaderMap::new()), None);
    }
}
