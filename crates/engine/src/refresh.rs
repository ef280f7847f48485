//! Stores refresh tokens that servers have given in place of those before, which are worth nothing any more.

use std::sync::Arc;

use domain::{Auth, OutgoingWebhook};
use store::StoreError;
use store::webhooks::UpdateOutgoing;
use tokio::sync::mpsc;

use crate::attempt::Refreshed;
use crate::core::Core;
use crate::error::chain;
use crate::snapshot::Outgoing;
use crate::vault::OutgoingSecrets;

/// How often it is tried again when the configuration changes under it.
const TRIES: usize = 5;

/// Stores them until nobody sends any.
pub(crate) async fn run(core: Arc<Core>, mut refreshed: mpsc::Receiver<Refreshed>) {
    while let Some(one) = refreshed.recv().await {
        if let Err(error) = keep(&core, &one).await {
            tracing::error!(error = %chain(&error), webhook = %one.webhook_id, "a new refresh token could not be stored: after a restart the old one may be refused");
        }
    }
}

async fn keep(core: &Core, one: &Refreshed) -> Result<(), StoreError> {
    for _ in 0..TRIES {
        let snapshot = core.snapshot();
        let Some(outgoing) = snapshot.outgoing.get(&one.webhook_id) else { return Ok(()) };
        let Outgoing { webhook, secrets, .. } = outgoing.as_ref();
        let mut auth = secrets.auth.clone();
        let Auth::Oauth2RefreshToken { refresh_token, .. } = &mut auth else { return Ok(()) };
        refresh_token.clone_from(&one.token);
        let secrets = OutgoingSecrets { auth, ..secrets.clone() };
        let secrets = core.vault.seal_outgoing(&webhook.id, &secrets);
        let webhook = OutgoingWebhook { updated_at: core.now(), ..webhook.clone() };
        let update = UpdateOutgoing { version: snapshot.version, webhook, secrets };
        match core.store.write(update).await {
            Err(StoreError::StaleConfig) => core.refresh().await?,
            other => return other.map(drop),
        }
    }
    Err(StoreError::StaleConfig)
}
