//! What counts as a text, for every field that is one.

/// The most characters in a one-line text such as a name: more is a mistake or an attack, and no column of a list shows it.
pub const MAX_LINE_CHARS: usize = 500;

/// Why a text was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space where something is needed.
    #[error("must not be empty")]
    Empty,
    /// Longer than [`MAX_LINE_CHARS`].
    #[error("must have at most {MAX_LINE_CHARS} characters")]
    TooLong,
    /// Control characters, which neither a mail header nor PostgreSQL's text takes.
    #[error("must not contain control characters")]
    Control,
}

/// A one-line text, trimmed; `None` when nothing is left.
pub fn line(text: &str) -> Result<Option<String>, TextError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.chars().any(char::is_control) {
        return Err(TextError::Control);
    }
    if text.len() > MAX_LINE_CHARS && text.chars().count() > MAX_LINE_CHARS {
        return Err(TextError::TooLong);
    }
    Ok(Some(text.to_owned()))
}

/// A one-line text that must be there.
pub fn required_line(text: &str) -> Result<String, TextError> {
    line(text)?.ok_or(TextError::Empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trims_and_refuses() {
        assert_eq!(line("  Ada "), Ok(Some("Ada".into())));
        assert_eq!(line(" \t"), Ok(None));
        assert_eq!(line("a\0b"), Err(TextError::Control));
        assert_eq!(line(&"é".repeat(500)).unwrap().unwrap().chars().count(), 500);
        assert_eq!(line(&"é".repeat(501)), Err(TextError::TooLong));
        assert_eq!(required_line(" "), Err(TextError::Empty));
    }
}
