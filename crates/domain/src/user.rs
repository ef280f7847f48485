//! People who log in, and what they may do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a person may do; each includes those behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// See.
    Viewer,
    /// Change webhooks, subscribers and what belongs to them.
    Editor,
    /// Manage people and API keys as well.
    Owner,
}

impl Role {
    /// The name under which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Owner => "owner",
        }
    }

    /// The role of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Viewer, Self::Editor, Self::Owner].into_iter().find(|role| role.as_str() == name)
    }
}

/// The fewest characters of a password: NIST SP 800-63B asks for 8 at least, and more is what makes it strong.
pub const MIN_PASSWORD_CHARS: usize = 10;
/// The most: enough for any sentence.
pub const MAX_PASSWORD_CHARS: usize = 200;

/// Checks a password that someone chose. Any characters are welcome, and none is asked for, as NIST SP 800-63B says.
///
/// # Errors
/// What is wrong with it.
pub fn check_password(password: &str, email: &str) -> Result<(), String> {
    let count = password.chars().count();
    if !(MIN_PASSWORD_CHARS..=MAX_PASSWORD_CHARS).contains(&count) {
        return Err(format!("must have {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters"));
    }
    let first = password.chars().next();
    if password.chars().all(|character| Some(character) == first) {
        return Err("must not repeat one character".to_owned());
    }
    if password.eq_ignore_ascii_case(email) {
        return Err("must not be the email address".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_that_are_too_easy_are_refused() {
        for password in ["", "short", "aaaaaaaaaaaaaaa", "ADA@example.com"] {
            assert!(check_password(password, "ada@example.com").is_err(), "{password}");
        }
        assert!(check_password(&"é1".repeat(101), "ada@example.com").is_err());
        assert_eq!(check_password("ein langer Satz", "ada@example.com"), Ok(()));
    }

    #[test]
    fn roles_include_each_other() {
        assert!(Role::Owner > Role::Editor && Role::Editor > Role::Viewer);
        for role in [Role::Owner, Role::Editor, Role::Viewer] {
            assert_eq!(Role::from_name(role.as_str()), Some(role));
        }
    }
}
