//! The words and signs of an expression: only as much of its grammar as is needed to check names and to find operands.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text in quotes.
    Text,
    /// A name, a keyword or a number.
    Word,
    /// An operator, a bracket, or anything else.
    Sign,
}

/// A token, and in how many brackets it stands. A bracket stands where its pair stands.
#[derive(Clone, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    pub(crate) at: usize,
    pub(crate) depth: usize,
}

impl Token<'_> {
    /// The bytes of the source that it takes.
    pub(crate) fn range(&self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }

    pub(crate) fn is_sign(&self, text: &str) -> bool {
        self.kind == Kind::Sign && self.text == text
    }
}

/// The tokens of a source. An unfinished text runs to the end: that it is one is for the compiler to say.
pub(crate) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(first) = source[at..].chars().next() {
        let (kind, len) = next(&source[at..], first);
        let text = &source[at..at + len];
        if matches!(text, ")" | "]" | "}") {
            depth = depth.saturating_sub(1);
        }
        if !first.is_whitespace() {
            tokens.push(Token { kind, text, at, depth });
        }
        if matches!(text, "(" | "[" | "{") {
            depth += 1;
        }
        at += len;
    }
    tokens
}

fn next(rest: &str, first: char) -> (Kind, usize) {
    if first == '"' || first == '\'' {
        return (Kind::Text, text_len(rest, first));
    }
    if first.is_alphanumeric() || first == '_' {
        let len = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        return (Kind::Word, len);
    }
    let two = ["==", "!=", "<=", ">=", "**", "//"].into_iter().any(|sign| rest.starts_with(sign));
    (Kind::Sign, if two { 2 } else { first.len_utf8() })
}

fn text_len(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == quote && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    rest.len()
}
