//! Links that let someone in once: to make the first user, to choose a password, to log in.
//!
//! What a link carries stands behind the `#` of its address, so it is in no server's log and in no `Referer`.

use domain::Timestamp;
use signature::{Secret, token};
use store::users::{InsertLink, Purpose};

/// How long the link for the first user and those that log in are good, in minutes.
pub const SHORT_MINUTES: i64 = 30;
/// How long a link to choose a password is good, in minutes: it goes by mail or chat, and waits there.
pub const LONG_MINUTES: i64 = 24 * 60;

/// A link with this secret, to be stored, and its path, to be put behind the server's address.
pub fn link(secret: &Secret, purpose: Purpose, now: Timestamp) -> (InsertLink, String) {
    let (page, minutes) = match purpose {
        Purpose::SetUp => ("set-up", SHORT_MINUTES),
        Purpose::ChoosePassword(_) => ("set-up", LONG_MINUTES),
        Purpose::LogIn(_) => ("log-in", SHORT_MINUTES),
    };
    let token_hash = token::hash(secret.expose()).as_bytes().to_vec();
    let link = InsertLink { token_hash, purpose, now, expires_at: now.plus_millis(minutes * 60_000) };
    (link, format!("/{page}#{}", secret.expose()))
}
