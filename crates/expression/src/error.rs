//! What can be wrong with an expression: when it is saved, and when it is evaluated.

/// Why a text is no expression or template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {message}")]
pub struct CompileError {
    /// Where, in characters from 1 on.
    pub position: usize,
    /// What is wrong.
    pub message: String,
}

impl CompileError {
    /// An error at this byte of the source.
    pub(crate) fn at(source: &str, byte: usize, message: impl Into<String>) -> Self {
        let position = source.char_indices().take_while(|(at, _)| *at < byte).count() + 1;
        Self { position, message: message.into() }
    }

    /// The same error in a text in which this source begins after that many characters.
    pub(crate) fn shifted(self, characters: usize) -> Self {
        Self { position: self.position + characters, ..self }
    }
}

/// Why an expression has no result for a payload.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// More work than one evaluation may cost.
    #[error("takes too much work for this payload")]
    OutOfFuel,
    /// The values don't allow what is asked of them, such as a sum of a text and a number.
    #[error("can't be worked out: {0}")]
    Invalid(String),
    /// The text that came out is too long.
    #[error("becomes longer than {} KiB", crate::MAX_OUTPUT_BYTES / 1024)]
    TooLong,
}

impl From<minijinja::Error> for EvalError {
    fn from(error: minijinja::Error) -> Self {
        match error.kind() {
            minijinja::ErrorKind::OutOfFuel => EvalError::OutOfFuel,
            kind => EvalError::Invalid(error.detail().map_or_else(|| kind.to_string(), str::to_owned)),
        }
    }
}
