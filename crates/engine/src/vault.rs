//! Secrets: made at random, sealed before they are stored, opened when the configuration is loaded.

use std::collections::BTreeMap;

use domain::{Auth, Timestamp, WebhookId};
use parking_lot::Mutex;
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use signature::password::SALT_BYTES;
use signature::{MasterKey, PrivateKey, Secret, token};

use crate::rotating::Rotating;

/// A stored secret can't be opened: the master key is another one, or the database was changed.
#[derive(Debug, thiserror::Error)]
#[error("the secret {identity} can't be opened with this master key")]
pub struct VaultError {
    identity: String,
}

/// The secrets of an incoming webhook.
#[derive(Clone, Debug)]
pub struct IncomingSecrets {
    /// In the URL.
    pub token: Rotating,
    /// In the header `X-API-Key`, if the webhook asks for it.
    pub api_key: Rotating,
    /// The key of the signatures.
    pub signing: Rotating,
    /// Whether the sender has yet to hand over the key that it signs with: until then [`Self::signing`] is nobody's.
    pub learns: bool,
    /// Headers of calls, by [`header_key`](crate::actions::header_key).
    pub call_headers: BTreeMap<String, Secret>,
}

/// The secrets of an outgoing webhook.
#[derive(Clone, Debug)]
pub struct OutgoingSecrets {
    /// The key of the signatures; the one before it signs as well.
    pub signing: Rotating,
    /// The private key of asymmetric signatures, if there is one; the one before it signs as well.
    pub private_key: Option<Rotating>,
    /// How deliveries prove who sends them.
    pub auth: Auth,
    /// The private key of the certificate that deliveries show, as PEM.
    pub client_key: Option<Secret>,
}

impl OutgoingSecrets {
    /// These, for a webhook that does nothing else to prove who it is.
    pub fn new(signing: Secret) -> Self {
        Self { signing: Rotating::new(signing), private_key: None, auth: Auth::None {}, client_key: None }
    }

    /// The public keys of the private ones that sign at this moment, the current one first.
    pub fn public_keys(&self, now: Timestamp) -> Vec<String> {
        let keys = self.private_key.iter().flat_map(|key| key.at(now));
        keys.filter_map(|key| PrivateKey::new(key).ok()).map(|key| key.public_key()).collect()
    }
}

/// Secrets in the form that is sealed.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Plain {
    token: String,
    old_token: Old,
    api_key: String,
    old_api_key: Old,
    signing: String,
    old_signing: Old,
    learns: bool,
    call_headers: BTreeMap<String, String>,
    private_key: Option<String>,
    old_private_key: Old,
    client_key: Option<String>,
    auth: Auth,
}

type Old = Option<(String, Timestamp)>;

fn plain(secret: &Rotating) -> (String, Old) {
    let text = |secret: &Secret| secret.expose().to_owned();
    (text(&secret.current), secret.old.as_ref().map(|(old, until)| (text(old), *until)))
}

fn rotating(current: String, old: Old) -> Rotating {
    let old = old.map(|(old, until)| (Secret::new(old), until));
    Rotating { current: Secret::new(current), old }
}

/// What makes, seals and opens secrets.
pub struct Vault {
    key: MasterKey,
    random: Mutex<StdRng>,
}

impl Vault {
    /// A vault with this key, that draws from this generator.
    pub fn new(key: MasterKey, random: StdRng) -> Self {
        Self { key, random: Mutex::new(random) }
    }

    /// An id for a webhook.
    #[expect(
        clippy::expect_used,
        reason = "the generator makes 12 characters of [a-z0-9], as its tests check"
    )]
    pub fn new_webhook_id(&self) -> WebhookId {
        token::generate_webhook_id(&mut *self.random.lock()).parse().expect("a webhook id")
    }

    /// A token for a URL.
    pub fn new_token(&self) -> Secret {
        Secret::new(token::generate_token(&mut *self.random.lock()))
    }

    /// An API key.
    pub fn new_api_key(&self) -> Secret {
        token::generate_api_key(&mut *self.random.lock())
    }

    /// The salt of a password.
    pub fn new_salt(&self) -> [u8; SALT_BYTES] {
        let mut salt = [0; SALT_BYTES];
        self.random.lock().fill_bytes(&mut salt);
        salt
    }

    /// A signing secret.
    pub fn new_signing_secret(&self) -> Secret {
        token::generate_signing_secret(&mut *self.random.lock())
    }

    /// A private key for asymmetric signatures.
    pub fn new_private_key(&self) -> Secret {
        token::generate_private_key(&mut *self.random.lock())
    }

    /// Whether a text is a pass that was made with the master key a moment ago.
    pub fn takes_pass(&self, text: &str, now: Timestamp) -> bool {
        self.key.takes_pass(text, now.seconds())
    }

    /// Seals the secrets of an incoming webhook.
    pub fn seal_incoming(&self, id: &WebhookId, secrets: &IncomingSecrets) -> Vec<u8> {
        let (token, old_token) = plain(&secrets.token);
        let (api_key, old_api_key) = plain(&secrets.api_key);
        let (signing, old_signing) = plain(&secrets.signing);
        let learns = secrets.learns;
        let exposed = |(key, value): (&String, &Secret)| (key.clone(), value.expose().to_owned());
        let call_headers = secrets.call_headers.iter().map(exposed).collect();
        let plain = Plain {
            token,
            old_token,
            api_key,
            old_api_key,
            signing,
            old_signing,
            learns,
            call_headers,
            ..Plain::default()
        };
        self.seal_plain(&incoming_identity(id), &plain)
    }

    /// Opens the secrets of an incoming webhook.
    ///
    /// # Errors
    /// If they were sealed with another key or for another webhook.
    pub fn open_incoming(&self, id: &WebhookId, sealed: &[u8]) -> Result<IncomingSecrets, VaultError> {
        let plain = self.open_plain(incoming_identity(id), sealed)?;
        Ok(IncomingSecrets {
            token: rotating(plain.token, plain.old_token),
            api_key: rotating(plain.api_key, plain.old_api_key),
            signing: rotating(plain.signing, plain.old_signing),
            learns: plain.learns,
            call_headers: plain
                .call_headers
                .into_iter()
                .map(|(key, value)| (key, Secret::new(value)))
                .collect(),
        })
    }

    /// Seals the secrets of an outgoing webhook.
    pub fn seal_outgoing(&self, id: &WebhookId, secrets: &OutgoingSecrets) -> Vec<u8> {
        let (signing, old_signing) = plain(&secrets.signing);
        let (private_key, old_private_key) = secrets.private_key.as_ref().map(plain).unzip();
        let plain = Plain {
            signing,
            old_signing,
            private_key,
            old_private_key: old_private_key.flatten(),
            client_key: secrets.client_key.as_ref().map(|key| key.expose().to_owned()),
            auth: secrets.auth.clone(),
            ..Plain::default()
        };
        self.seal_plain(&outgoing_identity(id), &plain)
    }

    /// Opens the secrets of an outgoing webhook.
    ///
    /// # Errors
    /// If they were sealed with another key or for another webhook.
    pub fn open_outgoing(&self, id: &WebhookId, sealed: &[u8]) -> Result<OutgoingSecrets, VaultError> {
        let plain = self.open_plain(outgoing_identity(id), sealed)?;
        Ok(OutgoingSecrets {
            signing: rotating(plain.signing, plain.old_signing),
            private_key: plain.private_key.map(|key| rotating(key, plain.old_private_key)),
            auth: plain.auth,
            client_key: plain.client_key.map(Secret::new),
        })
    }

    /// Seals bytes for one place, named by its identity.
    pub fn seal(&self, identity: &str, plaintext: &[u8]) -> Vec<u8> {
        self.key.seal(identity, plaintext, &mut *self.random.lock())
    }

    /// Opens bytes that were sealed for this place.
    ///
    /// # Errors
    /// If they were sealed with another key or for another place.
    pub fn open(&self, identity: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.key.open(identity, sealed).map_err(|_| VaultError { identity: identity.to_owned() })
    }

    #[expect(clippy::expect_used, reason = "a struct of strings always has a JSON form")]
    fn seal_plain(&self, identity: &str, plain: &Plain) -> Vec<u8> {
        self.seal(identity, &serde_json::to_vec(plain).expect("a JSON form"))
    }

    fn open_plain(&self, identity: String, sealed: &[u8]) -> Result<Plain, VaultError> {
        let opened = self.open(&identity, sealed)?;
        serde_json::from_slice(&opened).map_err(|_| VaultError { identity })
    }
}

fn incoming_identity(id: &WebhookId) -> String {
    format!("incoming_webhook/{id}/secrets")
}

fn outgoing_identity(id: &WebhookId) -> String {
    format!("outgoing_webhook/{id}/secrets")
}
