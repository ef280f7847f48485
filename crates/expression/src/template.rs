//! Texts with placeholders: `{data.first_name} {data.last_name}`. What stands in braces is an expression; `{{` and `}}` are
//! braces themselves.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::error::{CompileError, EvalError};
use crate::evaluate::{Expression, MAX_SOURCE_BYTES, Payload};
use crate::scan::tokens;

/// The most placeholders of one template, each of which may cost as much as an expression.
pub const MAX_PLACEHOLDERS: usize = 50;
/// The most bytes that a template may become, so that no payload grows out of hand.
pub const MAX_OUTPUT_BYTES: usize = 256 * 1024;

/// A compiled template.
#[derive(Debug)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Placeholder {
        /// Where its brace stands, in characters from 1 on.
        at: usize,
        /// How many it takes with its braces.
        length: usize,
        expression: Expression,
    },
}

/// What a template became.
#[derive(Debug, Default)]
pub struct Rendered {
    /// The value: of a template that is one whole placeholder in its own type, otherwise a text. `None` when no placeholder
    /// has a value.
    pub value: Option<Value>,
    /// The placeholders that had no value because something was wrong.
    pub errors: Vec<EvalError>,
}

impl FromStr for Template {
    type Err = CompileError;

    fn from_str(source: &str) -> Result<Self, CompileError> {
        Self::compile(source)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl Template {
    /// Compiles a template.
    ///
    /// # Errors
    /// It is longer than [`MAX_SOURCE_BYTES`], has more than [`MAX_PLACEHOLDERS`], a brace has no end, or what stands in
    /// braces is no expression.
    pub fn compile(source: &str) -> Result<Self, CompileError> {
        if source.len() > MAX_SOURCE_BYTES {
            return Err(CompileError::at(source, MAX_SOURCE_BYTES, "is too long: at most 4 KiB"));
        }
        let mut parts = Vec::new();
        let mut text = String::new();
        let (mut at, mut placeholders) = (0, 0);
        while let Some(c) = source[at..].chars().next() {
            let rest = &source[at..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                text.push(c);
                at += 2;
            } else if c == '{' {
                placeholders += 1;
                if placeholders > MAX_PLACEHOLDERS {
                    return Err(CompileError::at(source, at, "too many placeholders"));
                }
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                let (expression, len) = placeholder(source, at)?;
                let length = source[at..at + len].chars().count();
                parts.push(Part::Placeholder { at: source[..at].chars().count() + 1, length, expression });
                at += len;
            } else {
                text.push(c);
                at += c.len_utf8();
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(Self { source: source.to_owned(), parts })
    }

    /// What it becomes for a payload as a text into which values are put by `escape`, such as a part of a URL. A placeholder
    /// without a value is empty.
    ///
    /// # Errors
    /// The first placeholder that can't be evaluated, or that it grows too long.
    pub fn render_text(
        &self,
        payload: &Payload,
        escape: impl Fn(&str) -> String,
    ) -> Result<String, EvalError> {
        let mut rendered = Rendered::default();
        let text = self.write(payload, escape, &mut rendered).0;
        rendered.errors.into_iter().next().map_or(Ok(text), Err)
    }

    /// The names that its placeholders ask the payload for, each with the character at which the placeholder begins.
    pub fn variables(&self) -> Vec<(usize, String)> {
        let of = |part: &Part| match part {
            Part::Placeholder { at, expression, .. } => {
                expression.variables().into_iter().map(|name| (*at, name)).collect()
            }
            Part::Text(_) => Vec::new(),
        };
        self.parts.iter().flat_map(of).collect()
    }

    /// The source with this in the place of each character of a placeholder: to see whether what stands around them is what it should be,
    /// and if it is not, where.
    pub fn outline(&self, value: char) -> String {
        let mut characters: Vec<char> = self.source.chars().collect();
        for part in &self.parts {
            if let Part::Placeholder { at, length, .. } = part {
                characters[at - 1..at - 1 + length].fill(value);
            }
        }
        characters.into_iter().collect()
    }

    /// What stands where no placeholder has a value: nothing for a template that is one placeholder, and the text around them
    /// for others.
    pub(crate) fn without_value(&self) -> Value {
        if let [Part::Placeholder { .. }] = self.parts.as_slice() {
            return Value::Null;
        }
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Placeholder { .. } => None,
        });
        Value::String(texts.collect())
    }

    /// What it becomes for a payload. A placeholder without a value is empty.
    pub fn render(&self, payload: &Payload) -> Rendered {
        let mut rendered = Rendered::default();
        if let [Part::Placeholder { expression, .. }] = self.parts.as_slice() {
            rendered.value = rendered.evaluate(expression, payload);
            return rendered;
        }
        let (text, has_value) = self.write(payload, str::to_owned, &mut rendered);
        rendered.value = has_value.then_some(Value::String(text));
        rendered
    }

    /// The text, and whether there was any value for it.
    fn write(
        &self,
        payload: &Payload,
        escape: impl Fn(&str) -> String,
        rendered: &mut Rendered,
    ) -> (String, bool) {
        let mut out = String::new();
        let mut has_value = !self.parts.iter().any(|part| matches!(part, Part::Placeholder { .. }));
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Placeholder { expression, .. } => {
                    if let Some(value) = rendered.evaluate(expression, payload) {
                        has_value = true;
                        match value {
                            Value::String(text) => out.push_str(&escape(&text)),
                            other => out.push_str(&escape(&other.to_string())),
                        }
                    }
                }
            }
            if out.len() > MAX_OUTPUT_BYTES {
                rendered.errors.push(EvalError::TooLong);
                return (String::new(), false);
            }
        }
        (out, has_value)
    }
}

impl Rendered {
    /// The value of a placeholder; null is none.
    fn evaluate(&mut self, expression: &Expression, payload: &Payload) -> Option<Value> {
        match expression.value(payload) {
            Ok(value) => value.filter(|value| !value.is_null()),
            Err(error) => {
                self.errors.push(error);
                None
            }
        }
    }
}

/// The placeholder that begins at this byte, and its length with its braces.
fn placeholder(source: &str, at: usize) -> Result<(Expression, usize), CompileError> {
    let rest = &source[at..];
    // The brace that closes stands as deep as the one that opens, and in no text in quotes.
    let end = tokens(rest).into_iter().skip(1).find(|token| token.depth == 0 && token.is_sign("}"));
    let end =
        end.ok_or_else(|| CompileError::at(source, at, "this brace has no end: {{ is a brace itself"))?;
    let inner = &rest[1..end.at];
    let before = source[..=at].chars().count();
    Ok((Expression::compile(inner).map_err(|error| error.shifted(before))?, end.at + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rendered(source: &str, payload: Value) -> Option<Value> {
        Template::compile(source).unwrap().render(&Payload::new(&payload)).value
    }

    #[test]
    fn placeholders_become_values() {
        let data = json!({"data": {"first_name": "Ada", "last_name": "Lovelace", "n": 7, "tags": ["a", "b"], "none": null}});
        for (source, expected) in [
            ("{data.first_name} {data.last_name}", json!("Ada Lovelace")),
            ("{data.n}", json!(7)),
            ("no {data.n}", json!("no 7")),
            ("{data.tags}", json!(["a", "b"])),
            ("{data.tags}!", json!("[\"a\",\"b\"]!")),
            ("{data.tags|join(', ')|upper}", json!("A, B")),
            ("{data.missing.name} {data.last_name}", json!(" Lovelace")),
            ("{ {'x': '}'}.x } {{{data.n}}} }", json!("} {7} }")),
            ("{data.first_name if data.n > 5 else 'x'}", json!("Ada")),
            ("plain", json!("plain")),
        ] {
            assert_eq!(rendered(source, data.clone()), Some(expected), "{source}");
        }
        assert_eq!(rendered("{data.missing} {data.none}", data.clone()), None);
        assert_eq!(rendered("{data.none}", data), None);
    }

    #[test]
    fn an_outline_is_the_source_without_what_its_placeholders_ask() {
        for (source, outline) in [
            ("<é a=\"{a.b}\">{c|default('{')}</é>", "<é a=\"xxxxx\">xxxxxxxxxxxxxxxx</é>"),
            ("{{}} {a}", "{{}} xxx"),
            ("plain", "plain"),
        ] {
            assert_eq!(Template::compile(source).unwrap().outline('x'), outline);
        }
    }

    #[test]
    fn errors_say_where() {
        for (source, position) in [("ab {data.", 4), ("é {a +} x", 3), ("{}", 2), ("x {a|nope}", 6)] {
            let error = Template::compile(source).unwrap_err();
            assert!(error.position >= position && error.position <= source.len(), "{source}: {error}");
        }
        assert_eq!(
            Template::compile("x {a|nope}").unwrap_err().to_string(),
            "at character 6: there is no filter nope"
        );
        assert!(Template::compile(&"{a}".repeat(MAX_PLACEHOLDERS + 1)).is_err());
    }

    #[test]
    fn what_grows_too_long_is_an_error() {
        let template = Template::compile(&"{a}".repeat(MAX_PLACEHOLDERS)).unwrap();
        let rendered = template.render(&Payload::new(&json!({"a": "x".repeat(MAX_OUTPUT_BYTES / 40)})));
        assert!(rendered.value.is_none());
        assert!(matches!(rendered.errors.as_slice(), [EvalError::TooLong]));
    }

    proptest! {
        #[test]
        fn prop_no_template_breaks_it(source in "([{}a-c.|<'\"( )é]|\\PC){0,60}", text in "\\PC{0,40}") {
            if let Ok(template) = Template::compile(&source) {
                template.render(&Payload::new(&json!({"a": text, "b": {"c": [1, text]}})));
                prop_assert_eq!(template.outline('x').chars().count(), source.chars().count());
            }
        }

        #[test]
        fn prop_a_text_without_braces_stays(source in "[^{}]{0,100}") {
            prop_assert_eq!(rendered(&source, json!({})), Some(json!(source)));
        }
    }
}
