//! Whether what stands around the placeholders of an XML payload is well-formed (XML 1.0), and whether values can stand where
//! the placeholders are: they are escaped for a text or an attribute, and nothing else.

use roxmltree::{Document, ParsingOptions, TextPos};

/// Stands for a value: a character that XML allows in texts and attributes, and not in names.
pub(super) const VALUE: char = '\u{e000}';

/// What is wrong, and at which character. Values stand as [`VALUE`].
pub(super) fn fault(outline: &str) -> Option<(usize, String)> {
    // Nothing outside is read, and what entities become is limited.
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    if let Err(error) = Document::parse_with_options(outline, options) {
        return Some((character(outline, error.pos()), format!("is not well-formed XML: {error}")));
    }
    if let Some(at) = other_encoding(outline) {
        return Some((at, "must not name another encoding than UTF-8, in which it is sent".to_owned()));
    }
    let message = "a value can't be escaped here: placeholders stand in texts and attributes, not in CDATA, comments or names";
    Some((outline[..unescapable(outline)?].chars().count() + 1, message.to_owned()))
}

/// At which byte a value stands in CDATA, a comment, a processing instruction or a document type. Nowhere else has a well-formed document a `<`
/// that begins no tag.
fn unescapable(outline: &str) -> Option<usize> {
    const SECTIONS: [(&str, &str); 4] =
        [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!DOCTYPE", ">")];
    let mut at = 0;
    while let Some(found) = outline[at..].find('<') {
        at += found;
        let rest = &outline[at..];
        let section = SECTIONS.into_iter().find(|(open, _)| rest.starts_with(open));
        let length = section.map_or(1, |(open, close)| {
            rest[open.len()..].find(close).map_or(rest.len(), |end| open.len() + end + close.len())
        });
        if let Some(value) = rest[..length].find(VALUE) {
            return Some(at + value);
        }
        at += length;
    }
    None
}

/// Where the XML declaration names an encoding that is not UTF-8.
fn other_encoding(outline: &str) -> Option<usize> {
    let declaration = outline.strip_prefix("<?xml")?.split("?>").next()?;
    let (before, name) = declaration.split_once("encoding")?;
    let name = name.trim_start_matches([' ', '\t', '\r', '\n', '=']).trim_start_matches(['"', '\'']);
    let is_utf8 = name.get(..5).is_some_and(|name| name.eq_ignore_ascii_case("utf-8"));
    (!is_utf8).then(|| "<?xml".len() + before.chars().count() + 1)
}

fn character(outline: &str, TextPos { row, col }: TextPos) -> usize {
    let lines = outline.split_inclusive('\n').take(row.saturating_sub(1) as usize);
    lines.map(|line| line.chars().count()).sum::<usize>() + col as usize
}
