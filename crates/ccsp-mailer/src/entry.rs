//! Links into the page, printed where only who started the program sees them: for the first user, and into the demo.

use api::links;
use domain::Timestamp;
use domain::user::Role;
use engine::Engine;
use rand::SeedableRng;
use rand::rngs::StdRng;
use signature::{Secret, token};
use store::users::{InsertUser, ListUsers, Purpose, UserRow};

use crate::{data_dir, setup};

/// Who the demo's link logs in. There is no such mailbox (RFC 2606, section 2).
const DEMO_EMAIL: &str = "demo@ccsp-mailer.example";

/// The path of a link by which the first user chooses how they log in; none if there is a user.
pub async fn first_user(engine: &Engine) -> anyhow::Result<Option<String>> {
    if !engine.read(ListUsers).await?.is_empty() {
        return Ok(None);
    }
    make(engine, Purpose::SetUp, setup::now()).await.map(Some)
}

/// The path of a link that logs in to the demo, as an owner made for it.
pub async fn demo(engine: &Engine) -> anyhow::Result<String> {
    let now = setup::now();
    let id = format!("usr_{}", token::generate_webhook_id(&mut random()?));
    let row = UserRow {
        id: id.clone(),
        email: DEMO_EMAIL.to_owned(),
        role: Role::Owner,
        password_hash: None,
        created_at: now,
        updated_at: now,
    };
    engine.write(InsertUser { row }).await?;
    make(engine, Purpose::LogIn(id), now).await
}

async fn make(engine: &Engine, purpose: Purpose, now: Timestamp) -> anyhow::Result<String> {
    let secret = Secret::new(token::generate_token(&mut random()?));
    let (link, path) = links::link(&secret, purpose, now);
    engine.write(link).await?;
    Ok(path)
}

fn random() -> anyhow::Result<StdRng> {
    Ok(StdRng::from_seed(data_dir::seed()?))
}
