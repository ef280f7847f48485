//! How deliveries of an outgoing webhook are signed, as a user writes it, and the replacing of their keys.

use axum::extract::State;
use axum::response::Response;
use domain::OutgoingWebhook;
use domain::WebhookId;
use domain::audit::Verb;
use domain::log::FieldError;
use domain::outgoing::{SigningScheme, SigningSettings, header_fault};
use engine::{Outgoing, OutgoingSecrets, Rotating, Vault};
use http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use signature::{
    Algorithm, Field, PrivateKey, Scheme, SchemeError, Secret, Source, standard_webhooks, x_webhook,
};
use store::webhooks::UpdateOutgoing;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::outgoing_health::Healths;
use super::outgoing_view::OutgoingWebhookView;
use super::outgoing_webhooks::{act, find};
use crate::Api;
use crate::auth::{Caller, Write};
use crate::extract::{Create, Input, Path};
use crate::once::Answer;
use crate::problem::{Code, Problem};
use crate::secret::{self, Replacement, Reveal};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(rotate))
}

/// How deliveries are signed.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OutgoingSigning {
    /// The secret. Made at random if it is not given, and shown only then; later masked. The masked form leaves it unchanged.
    /// For `standard_webhooks` it must be base64, behind `whsec_` or alone.
    #[schema(min_length = 8, max_length = 500)]
    secret: Option<String>,
    /// The schemes, all at once.
    #[schema(max_items = 4)]
    schemes: Vec<SigningScheme>,
    /// What `ed25519` signs with: `whsk_` and the seed in base64, alone or with the public key behind it. Made at random if it
    /// is not given and a scheme needs it. Receivers need only `public_keys`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 8, max_length = 500, example = "whsk_…")]
    private_key: Option<String>,
    /// What `custom` is: how the receiver expects to be signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<Scheme>,
}

impl Default for OutgoingSigning {
    fn default() -> Self {
        Self { secret: None, schemes: SigningSettings::default().schemes, private_key: None, custom: None }
    }
}

impl OutgoingSigning {
    /// As it is kept.
    pub(crate) fn settings(&self) -> SigningSettings {
        // Texts and numbers always have a JSON form.
        let custom = self.custom.as_ref().and_then(|scheme| serde_json::to_value(scheme).ok());
        SigningSettings { schemes: self.schemes.clone(), custom }
    }

    /// As it is shown.
    pub(crate) fn shown(settings: SigningSettings, secrets: &OutgoingSecrets, reveal: Reveal) -> Self {
        Self {
            secret: Some(reveal.secret(&secrets.signing.current)),
            schemes: settings.schemes,
            private_key: secrets.private_key.as_ref().map(|key| reveal.secret(&key.current)),
            custom: settings.custom.and_then(|custom| Scheme::deserialize(custom).ok()),
        }
    }

    /// Everything that is wrong with it, beyond what its schema says. `taken` are the headers that the webhook sets otherwise.
    pub(crate) fn check(&self, taken: Vec<&str>) -> Vec<FieldError> {
        match &self.custom {
            Some(custom) => self.check_custom(custom, &taken),
            None if self.schemes.contains(&SigningScheme::Custom) => {
                vec![fault("custom", "is required: it says how the receiver expects to be signed")]
            }
            None => Vec::new(),
        }
    }

    fn check_custom(&self, custom: &Scheme, taken: &[&str]) -> Vec<FieldError> {
        let mut errors = Vec::new();
        // How a public key is written is for the receiver to know.
        if let Some(error) = custom.check().err().filter(|error| *error != SchemeError::KeyEncoding) {
            errors.push(fault(&format!("custom.{}", error.member()), &error.to_string()));
        }
        if matches!(custom.algorithm, Algorithm::EcdsaP256Sha256 | Algorithm::RsaSha256 | Algorithm::RsaSns) {
            errors.push(fault("custom.algorithm", "can't sign here: use an hmac, ed25519, token or basic"));
        }
        let fields = [
            ("signature", Some(&custom.signature)),
            ("timestamp", custom.timestamp.as_ref()),
            ("id", custom.id.as_ref()),
        ];
        for (name, field) in fields {
            let Some(field) = field else { continue };
            errors.extend(
                self.field_fault(field, taken)
                    .map(|(member, message)| fault(&format!("custom.{name}.{member}"), &message)),
            );
        }
        errors
    }

    fn field_fault(&self, field: &Field, taken: &[&str]) -> Option<(&'static str, String)> {
        let [Source::Header(header)] = &field.from[..] else {
            return Some(("from", "must be one header: header:NAME".to_owned()));
        };
        if let Some(message) = header_fault(header.as_str(), "").filter(|_| !self.may_sign_in(header)) {
            return Some(("from", format!("the header {header} {message}")));
        }
        if taken.iter().any(|name| name.eq_ignore_ascii_case(header.as_str())) {
            return Some((
                "from",
                format!("the header {header} is one of `headers` or of `auth`: use another one"),
            ));
        }
        let message = header_fault("x", &field.prefix)?;
        Some(("prefix", message.to_owned()))
    }

    /// Whether this header of one of the program's own schemes is free, because that scheme is not used.
    fn may_sign_in(&self, header: &HeaderName) -> bool {
        let uses = |scheme| self.schemes.contains(&scheme);
        match header.as_str() {
            x_webhook::SIGNATURE_HEADER => !uses(SigningScheme::XWebhookSignature),
            standard_webhooks::ID_HEADER
            | standard_webhooks::TIMESTAMP_HEADER
            | standard_webhooks::SIGNATURE_HEADER => {
                !uses(SigningScheme::StandardWebhooks) && !uses(SigningScheme::Ed25519)
            }
            _ => false,
        }
    }

    /// The secret and the private key that are to hold: those that were given, or else the current ones. `before` are the schemes
    /// until now: a secret that was taken for them stays.
    ///
    /// # Errors
    /// If what was given is none, or can't be used for the schemes.
    pub(crate) fn choose(
        &self,
        vault: &Vault,
        current: &OutgoingSecrets,
        before: Option<&SigningSettings>,
    ) -> Result<(Rotating, Option<Rotating>), FieldError> {
        let signing = secret::choose("signing.secret", self.secret.as_deref(), current.signing.clone())?;
        if let Some(message) = self.secret.as_deref().and_then(secret::standard_fault) {
            return Err(fault("secret", &message));
        }
        let was_standard =
            before.is_some_and(|before| before.schemes.contains(&SigningScheme::StandardWebhooks));
        let is_as_before = was_standard && signing.current == current.signing.current;
        if self.schemes.contains(&SigningScheme::StandardWebhooks)
            && !is_as_before
            && let Some(message) = secret::standard_signing_fault(signing.current.expose())
        {
            return Err(fault("secret", message));
        }
        let custom = self.custom.as_ref().filter(|_| self.schemes.contains(&SigningScheme::Custom));
        let with_secret = custom.filter(|scheme| scheme.algorithm != Algorithm::Ed25519);
        if let Some(Err(error)) = with_secret.map(|scheme| scheme.signer(&signing.current)) {
            return Err(fault("secret", &format!("does not fit signing.custom: {}", cause(&error))));
        }
        let needs_key =
            self.schemes.contains(&SigningScheme::Ed25519) || custom.is_some_and(|_| with_secret.is_none());
        let private_key = match (&current.private_key, &self.private_key) {
            (Some(current), given) => {
                Some(secret::choose("signing.private_key", given.as_deref(), current.clone())?)
            }
            (None, Some(given)) => Some(Rotating::new(secret::read("signing.private_key", given)?)),
            (None, None) => needs_key.then(|| Rotating::new(vault.new_private_key())),
        };
        if let Some(Err(message)) = private_key.as_ref().map(|key| check_private_key(&key.current)) {
            return Err(fault("private_key", message));
        }
        Ok((signing, private_key))
    }
}

/// What stands behind an error, or else what it says itself.
fn cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

fn check_private_key(key: &Secret) -> Result<(), &'static str> {
    PrivateKey::new(key).map(|_| ()).map_err(
        |_| "must be whsk_ and, in base64, a seed of 32 bytes, alone or with its public key behind it",
    )
}

fn fault(field: &str, message: &str) -> FieldError {
    FieldError { field: format!("signing.{field}"), message: message.to_owned() }
}

/// What signs deliveries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SigningPart {
    /// The secret, which receivers have as well.
    #[default]
    Secret,
    /// The private key of `ed25519`, of which receivers have the public key.
    PrivateKey,
}

/// How a secret of an outgoing webhook is replaced.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OutgoingReplacement {
    /// Which.
    #[serde(default)]
    which: SigningPart,
    /// The new one; made at random if not given.
    #[schema(min_length = 8, max_length = 500)]
    secret: Option<String>,
    /// How long the old one signs as well, in seconds; a day if not given, at most 30 days.
    #[serde(default = "secret::default_grace")]
    #[schema(minimum = 0, maximum = 2_592_000, default = 86_400)]
    grace_seconds: u32,
}

impl Input for OutgoingReplacement {
    fn check(&self) -> Vec<FieldError> {
        let replacement = Replacement { secret: self.secret.clone(), grace_seconds: self.grace_seconds };
        replacement.check()
    }
}

impl OutgoingReplacement {
    /// The secret that takes the place of the one before.
    fn chosen(&self, vault: &Vault) -> Result<Secret, Problem> {
        match (self.which, &self.secret) {
            (SigningPart::Secret, None) => Ok(vault.new_signing_secret()),
            (SigningPart::Secret, Some(given)) => match secret::standard_fault(given) {
                Some(message) => Err(invalid("secret", &message)),
                None => Ok(Secret::new(given)),
            },
            (SigningPart::PrivateKey, None) => Ok(vault.new_private_key()),
            (SigningPart::PrivateKey, Some(given)) => {
                let key = Secret::new(given);
                check_private_key(&key).map_err(|message| invalid("secret", message))?;
                Ok(key)
            }
        }
    }

    /// The secrets with that one in its place.
    fn applied(
        &self,
        outgoing: &Outgoing,
        new: &Secret,
        now: domain::Timestamp,
    ) -> Result<OutgoingSecrets, Problem> {
        let current = &outgoing.secrets;
        let replaced = |part: &Rotating| part.replaced(new.clone(), now, self.grace_seconds);
        match (self.which, &current.private_key) {
            (SigningPart::Secret, _) => {
                let schemes = &outgoing.webhook.settings.signing.schemes;
                let is_standard = schemes.contains(&SigningScheme::StandardWebhooks);
                if let Some(message) =
                    is_standard.then(|| secret::standard_signing_fault(new.expose())).flatten()
                {
                    return Err(invalid("secret", message));
                }
                let secrets = OutgoingSecrets { signing: replaced(&current.signing), ..current.clone() };
                check_custom_secret(&outgoing.webhook, new)?;
                Ok(secrets)
            }
            (SigningPart::PrivateKey, Some(key)) => {
                Ok(OutgoingSecrets { private_key: Some(replaced(key)), ..current.clone() })
            }
            (SigningPart::PrivateKey, None) => {
                Err(invalid("which", "the webhook has no private key: add ed25519 to signing.schemes first"))
            }
        }
    }
}

fn check_custom_secret(webhook: &OutgoingWebhook, new: &Secret) -> Result<(), Problem> {
    let settings = &webhook.settings.signing;
    let custom = settings.custom.as_ref().filter(|_| settings.schemes.contains(&SigningScheme::Custom));
    let Some(scheme) = custom.and_then(|custom| Scheme::deserialize(custom).ok()) else { return Ok(()) };
    if scheme.algorithm == Algorithm::Ed25519 {
        return Ok(());
    }
    scheme.signer(new).map(|_| ()).map_err(|error| {
        invalid("secret", &format!("does not fit signing.custom: {}; send a secret that does", cause(&error)))
    })
}

fn invalid(field: &str, message: &str) -> Problem {
    let error = FieldError { field: field.to_owned(), message: message.to_owned() };
    Problem::with_errors(Code::InvalidBody, vec![error])
}

/// Replace a secret of an outgoing webhook
///
/// The answer shows the new one in clear, this once. Meanwhile `webhook-signature` holds a signature of each, as does a custom
/// scheme whose signatures stand in a list; `X-Webhook-Signature` is that of the new one.
#[utoipa::path(
    post, path = "/outgoing-webhooks/{id}/rotate-secret", tag = "Outgoing webhooks", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "Which.")),
    request_body = OutgoingReplacement,
    responses((status = 200, description = "The webhook with its new secret.", body = OutgoingWebhookView)),
)]
async fn rotate(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<WebhookId>,
    Create { input, once }: Create<OutgoingReplacement>,
) -> Result<Response, Problem> {
    let (vault, now) = (api.engine().vault(), api.engine().now());
    let new = input.chosen(vault)?;
    let healths = Healths::of(&api, vec![id.clone()]).await?;
    api.decide_once(&caller, once, |configuration| {
        let outgoing = find(configuration, &id)?;
        let secrets = input.applied(outgoing, &new, now)?;
        let webhook = OutgoingWebhook { updated_at: now, ..outgoing.webhook.clone() };
        let view = OutgoingWebhookView::new(&api, &webhook, &secrets, Reveal::All, &healths);
        let answer = Answer::new(StatusCode::OK, None, &view)?;
        let secrets = vault.seal_outgoing(&id, &secrets);
        let act = act(&webhook, Verb::SecretReplaced);
        let work = UpdateOutgoing { version: configuration.version, webhook, secrets };
        Ok((api.noted(&caller, work, act.if_done()), answer))
    })
    .await
}
