//! Operators that mean what their reader expects.
//!
//! MiniJinja orders values of different kinds by their kind: something missing is less than every number, and a text greater.
//! A condition would let everyone in whose age is not known, or is sent as text. And it repeats lists and texts by `*`, as
//! often as a payload says, in lists that are made while they are read and cost no fuel. So `a < b` is compiled as a filter of
//! ours, `(a)|__less(b)`, and `a * b` as `(a)|__times(b)`: both work on numbers, also those that are sent as text.

use std::cmp::Ordering;

use minijinja::Value;
use minijinja::value::ValueKind;

use crate::error::CompileError;
use crate::scan::{Kind, Token, tokens};

/// An operator, the filter that does its work, and that filter.
type Ordered = (&'static str, &'static str, fn(&Value, &Value) -> bool);
pub(crate) const ORDERINGS: [Ordered; 4] = [
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

/// The filter that multiplies.
pub(crate) const TIMES: &str = "__times";

/// The product of two numbers; undefined of anything else.
pub(crate) fn times(a: &Value, b: &Value) -> Value {
    if let (ValueKind::Number, ValueKind::Number, Some(a), Some(b)) =
        (a.kind(), b.kind(), a.as_i64(), b.as_i64())
        && let Some(product) = a.checked_mul(b)
    {
        return product.into();
    }
    let number = |value: &Value| match value.kind() {
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        _ => number_in(value),
    };
    let product = number(a).zip(number(b)).map(|(a, b)| a * b).filter(|product| product.is_finite());
    product.map_or(Value::UNDEFINED, Value::from)
}

/// The source with its orderings and products as filters.
pub(crate) fn rewrite(source: &str) -> Result<String, CompileError> {
    let tokens = tokens(source);
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Some(filter) = filter_of(token) else { continue };
        let (left, right) = if filter == TIMES { factors(&tokens, at) } else { sides(source, &tokens, at)? };
        edits.push((tokens[left].at, 0, "(".to_owned()));
        edits.push((token.at, token.text.len(), format!(")|{filter}(")));
        edits.push((tokens[right].range().end, 0, ")".to_owned()));
    }
    // At one place there are only openings, or closings and then the sign after them: the order in which they were made.
    edits.sort_by_key(|(at, _, _)| *at);
    let (mut out, mut done) = (String::with_capacity(source.len() + 20 * edits.len()), 0);
    for (at, len, text) in edits {
        if at < done {
            // Words that are no operands, such as the `and` of `and * a`.
            return Err(CompileError::at(source, at, "an operand is missing here"));
        }
        out.push_str(&source[done..at]);
        out.push_str(&text);
        done = at + len;
    }
    out.push_str(&source[done..]);
    Ok(out)
}

fn filter_of(token: &Token<'_>) -> Option<&'static str> {
    let ordering = ORDERINGS.iter().find(|(sign, _, _)| token.is_sign(sign)).map(|(_, filter, _)| *filter);
    ordering.or_else(|| token.is_sign("*").then_some(TIMES))
}

/// The first token of the left side of an ordering, and the last one of its right side.
fn sides(source: &str, tokens: &[Token<'_>], of: usize) -> Result<(usize, usize), CompileError> {
    let ends = |at: usize| is_boundary(tokens, at) || is_comparison(tokens, at);
    let (first, before) = reach(tokens, of, (0..of).rev(), ends);
    let (last, after) = reach(tokens, of, of + 1..tokens.len(), ends);
    if [before, after].into_iter().flatten().any(|at| is_comparison(tokens, at)) {
        let message = "comparisons can't be chained: write a < b and b < c";
        return Err(CompileError::at(source, tokens[of].at, message));
    }
    Ok((first, last))
}

/// The first token of the left factor, which is the whole chain of products and quotients before it, and the last one of the
/// right factor.
fn factors(tokens: &[Token<'_>], of: usize) -> (usize, usize) {
    let is_sign =
        |at: usize, signs: &[&str]| tokens[at].kind == Kind::Sign && signs.contains(&tokens[at].text);
    let is_sum = |at: usize| is_sign(at, &["+", "-", "~"]) && follows_value(tokens, at);
    let ends = |at: usize| is_boundary(tokens, at) || is_comparison(tokens, at) || is_sum(at);
    let (first, _) = reach(tokens, of, (0..of).rev(), ends);
    let is_factor_end = |at: usize| ends(at) || is_sign(at, &["*", "/", "//", "%"]);
    let (last, _) = reach(tokens, of, of + 1..tokens.len(), is_factor_end);
    (first, last)
}

/// Whether a value ends before this token: then a minus here takes away from it, otherwise it is the sign of what follows.
fn follows_value(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else { return false };
    match tokens[before].kind {
        Kind::Sign => matches!(tokens[before].text, ")" | "]" | "}"),
        _ => !is_boundary(tokens, before) && !is_comparison(tokens, before),
    }
}

/// The farthest token that belongs to an operand, in the direction in which `way` runs, and the token that ends it.
fn reach(
    tokens: &[Token<'_>],
    of: usize,
    way: impl Iterator<Item = usize>,
    ends: impl Fn(usize) -> bool,
) -> (usize, Option<usize>) {
    let mut farthest = of;
    for at in way {
        if tokens[at].depth < tokens[of].depth {
            break;
        }
        if tokens[at].depth == tokens[of].depth && ends(at) {
            return (farthest, Some(at));
        }
        farthest = at;
    }
    (farthest, None)
}

fn is_comparison(tokens: &[Token<'_>], at: usize) -> bool {
    let token = &tokens[at];
    let ordering = filter_of(token).is_some_and(|filter| filter != TIMES);
    ordering || token.is_sign("==") || token.is_sign("!=") || is_keyword(tokens, at, &["in"])
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
    use proptest::prelude::*;

    use super::*;
    use crate::environment::environment;

    #[test]
    fn orderings_and_products_become_filters() {
        for same in ["a == b", "a and not b", "'a < b'", "data.items|length", "x[1:2]"] {
            assert_eq!(rewrite(same).unwrap(), same);
        }
        for (source, expected) in [
            ("a < b", "(a )|__less( b)"),
            ("not a.b >= 3 and c", "not (a.b )|__at_least( 3) and c"),
            ("(a < b) == (c > 1 + 2)", "((a )|__less( b)) == ((c )|__greater( 1 + 2))"),
            ("x if a < 'and' else y", "x if (a )|__less( 'and') else y"),
            ("(a < b) < c", "(((a )|__less( b)) )|__less( c)"),
            ("a * -b * c + 1", "((a )|__times( -b) )|__times( c) + 1"),
            ("a*b<c", "((a)|__times(b))|__less(c)"),
            ("x - a / 2 * f(b * c)", "x - (a / 2 )|__times( f((b )|__times( c)))"),
            ("a ** 2 * 3 ~ 'x'", "(a ** 2 )|__times( 3) ~ 'x'"),
            ("data.not < data.or", "(data.not )|__less( data.or)"),
        ] {
            assert_eq!(rewrite(source).unwrap(), expected);
        }
        assert_eq!(rewrite("1 < a < 5").unwrap_err().position, 3);
    }

    /// Sums, products and orderings of numbers, in brackets or not.
    fn arithmetic() -> impl Strategy<Value = String> {
        let number = (-9..10_i64).prop_map(|n| n.to_string());
        number.prop_recursive(4, 16, 3, |inner| {
            let operator = prop::sample::select(vec!["+", "-", "*", " * ", "/", "//", "%", "*-", "- -"]);
            prop_oneof![
                (inner.clone(), operator, inner.clone()).prop_map(|(a, sign, b)| format!("{a}{sign}{b}")),
                inner.clone().prop_map(|a| format!("({a})")),
                (inner.clone(), inner).prop_map(|(a, b)| format!("(1 if {a}<{b} else 2)")),
            ]
        })
    }

    proptest! {
        #[test]
        fn prop_numbers_are_worked_out_as_before(source in arithmetic()) {
            let eval = |source: &str| {
                let value = environment().compile_expression_owned(source.to_owned()).unwrap().eval(()).ok()?;
                f64::try_from(value).ok().filter(|number| number.is_finite())
            };
            // Where MiniJinja itself has no result (a division by zero), there is nothing to compare.
            if let Some(expected) = eval(&source) {
                let rewritten = rewrite(&source).unwrap();
                prop_assert_eq!(eval(&rewritten), Some(expected), "{}", rewritten);
            }
        }
    }
}
