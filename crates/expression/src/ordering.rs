//! Orderings that mean what their reader expects.
//!
//! MiniJinja orders values of different kinds by their kind: something missing is less than every number, and a text greater.
//! A filter would let everyone in whose age is not known, or is sent as text. So `a < b` is compiled as a filter of ours,
//! `(a)|__less(b)`, which knows better.

use std::cmp::Ordering;

use minijinja::Value;
use minijinja::value::ValueKind;

use crate::error::CompileError;
use crate::scan::{Kind, Token, tokens};

/// Each operator, the filter that does its work, and that filter.
type Operator = (&'static str, &'static str, fn(&Value, &Value) -> bool);
pub(crate) const OPERATORS: [Operator; 4] = [
    ("<", "__less", |a, b| compare(a, b) == Some(Ordering::Less)),
    ("<=", "__at_most", |a, b| matches!(compare(a, b), Some(Ordering::Less | Ordering::Equal))),
    (">", "__greater", |a, b| compare(a, b) == Some(Ordering::Greater)),
    (">=", "__at_least", |a, b| matches!(compare(a, b), Some(Ordering::Greater | Ordering::Equal))),
];

/// The order of two values, if they have one.
fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a.kind(), b.kind()) {
        (ValueKind::String, ValueKind::String) => Some(a.as_str()?.cmp(b.as_str()?)),
        (ValueKind::Number, ValueKind::Number) => a.partial_cmp(b),
        (ValueKind::Number, ValueKind::String) => f64::try_from(a.clone()).ok()?.partial_cmp(&number_in(b)?),
        (ValueKind::String, ValueKind::Number) => number_in(a)?.partial_cmp(&f64::try_from(b.clone()).ok()?),
        _ => None,
    }
}

fn number_in(text: &Value) -> Option<f64> {
    text.as_str()?.trim().parse::<f64>().ok().filter(|number| number.is_finite())
}

/// The source with its orderings as filters.
pub(crate) fn rewrite(source: &str) -> Result<String, CompileError> {
    let tokens = tokens(source);
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Some(filter) = filter_of(token) else { continue };
        let left = operand(source, &tokens, (0..at).rev(), token)?;
        let right = operand(source, &tokens, at + 1..tokens.len(), token)?;
        let (Some(first), Some(last)) = (left, right) else { continue };
        edits.push((tokens[first].at, 0, "(".to_owned()));
        edits.push((token.at, token.text.len(), format!(")|{filter}(")));
        edits.push((tokens[last].range().end, 0, ")".to_owned()));
    }
    // Edits at one place are all openings or all closings, so their order among themselves doesn't matter.
    edits.sort_by_key(|(at, _, _)| *at);
    let (mut out, mut done) = (String::with_capacity(source.len() + 20 * edits.len()), 0);
    for (at, len, text) in edits {
        out.push_str(&source[done..at]);
        out.push_str(&text);
        done = at + len;
    }
    out.push_str(&source[done..]);
    Ok(out)
}

fn filter_of(token: &Token<'_>) -> Option<&'static str> {
    OPERATORS.iter().find(|(sign, _, _)| token.is_sign(sign)).map(|(_, filter, _)| *filter)
}

/// The farthest token, in the direction in which `way` runs, that belongs to the operand of the ordering `of`.
fn operand(
    source: &str,
    tokens: &[Token<'_>],
    way: impl Iterator<Item = usize>,
    of: &Token<'_>,
) -> Result<Option<usize>, CompileError> {
    let mut farthest = None;
    for at in way {
        let token = &tokens[at];
        if token.depth < of.depth {
            break;
        }
        if token.depth == of.depth && is_comparison(tokens, at) {
            let message = "comparisons can't be chained: write a < b and b < c";
            return Err(CompileError::at(source, of.at, message));
        }
        if token.depth == of.depth && is_boundary(tokens, at) {
            break;
        }
        farthest = Some(at);
    }
    Ok(farthest)
}

fn is_comparison(tokens: &[Token<'_>], at: usize) -> bool {
    let token = &tokens[at];
    filter_of(token).is_some()
        || token.is_sign("==")
        || token.is_sign("!=")
        || is_keyword(tokens, at, &["in"])
}

fn is_boundary(tokens: &[Token<'_>], at: usize) -> bool {
    let token = &tokens[at];
    let sign = token.kind == Kind::Sign && matches!(token.text, "," | ":" | "=");
    sign || is_keyword(tokens, at, &["and", "or", "not", "if", "else"])
}

/// Whether a token is one of these words, and not the name of a member (`data.not`).
pub(crate) fn is_keyword(tokens: &[Token<'_>], at: usize, words: &[&str]) -> bool {
    let token = &tokens[at];
    let member = at > 0 && tokens[at - 1].is_sign(".");
    token.kind == Kind::Word && !member && words.contains(&token.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_orderings_change() {
        for same in ["a == b", "a and not b", "'a < b'", "data.items|length", "x[1:2]"] {
            assert_eq!(rewrite(same).unwrap(), same);
        }
        for (source, expected) in [
            ("a < b", "(a )|__less( b)"),
            ("not a.b >= 3 and c", "not (a.b )|__at_least( 3) and c"),
            ("(a < b) == (c > 1 + 2)", "((a )|__less( b)) == ((c )|__greater( 1 + 2))"),
            ("x if a < 'and' else y", "x if (a )|__less( 'and') else y"),
            ("(a < b) < c", "(((a )|__less( b)) )|__less( c)"),
            ("data.not < data.or", "(data.not )|__less( data.or)"),
        ] {
            assert_eq!(rewrite(source).unwrap(), expected);
        }
        assert_eq!(rewrite("1 < a < 5").unwrap_err().position, 3);
    }
}
