//! What is done on the command line without asking the server, told in the audit log all the same.

use domain::Ids;
use domain::audit::{Act, Actor, ActorKind, Entry};
use rand::SeedableRng;
use rand::rngs::StdRng;
use store::Work;
use store::audit::Noted;

use crate::{data_dir, setup};

/// The transaction, which also writes into the audit log what was done; `act` makes it of the outcome.
pub fn noted<W: Work>(
    work: W,
    act: impl Fn(&W::Output) -> Option<Act> + Send + Sync + 'static,
) -> anyhow::Result<Noted<W>> {
    let id = Ids::new(StdRng::from_seed(data_dir::seed()?)).next(setup::now());
    let entry = move |act| Entry { id, actor: Actor::here(ActorKind::CommandLine), act };
    Ok(Noted { work, note: Box::new(move |output| act(output).map(&entry)) })
}
