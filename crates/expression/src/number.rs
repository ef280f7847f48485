//! Numbers as people and forms write them.

use serde_json::Number;

/// The most characters of a number.
const MAX_CHARS: usize = 64;

/// The number that a text says. Signs of currency, spaces and apostrophes don't count. Without a decimal sign given: of a point
/// and a comma the later one is the decimal sign; one that occurs once is it too, unless it is a comma before three digits
/// (`1,234`).
pub(crate) fn parse(text: &str, decimal: Option<char>) -> Option<Number> {
    let is_decoration =
        |c: char| c.is_whitespace() || matches!(c, '€' | '$' | '£' | '¥' | '%' | '\'' | '’' | '_');
    let text: String = text.chars().filter(|c| !is_decoration(*c)).take(MAX_CHARS + 1).collect();
    let is_number =
        text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+' | 'e' | 'E'));
    if text.len() > MAX_CHARS || !is_number {
        return None;
    }
    let decimal = decimal.or_else(|| decimal_sign(&text));
    if decimal.is_some_and(|sign| text.matches(sign).count() > 1) {
        return None;
    }
    let plain: String = text
        .chars()
        .filter(|c| !matches!(c, '.' | ',') || Some(*c) == decimal)
        .map(|c| if c == ',' { '.' } else { c })
        .collect();
    if let Ok(whole) = plain.parse::<i64>() {
        return Some(whole.into());
    }
    plain.parse::<f64>().ok().and_then(Number::from_f64)
}

fn decimal_sign(text: &str) -> Option<char> {
    let (last, sign) = text.char_indices().rfind(|(_, c)| matches!(c, '.' | ','))?;
    let other = if sign == '.' { ',' } else { '.' };
    if text.contains(other) {
        return Some(sign);
    }
    let once = text.matches(sign).count() == 1;
    let groups_thousands = sign == ',' && text.len() - last - 1 == 3;
    (once && !groups_thousands).then_some(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, expected) in [
            ("12", "12"),
            ("-12.5", "-12.5"),
            ("1.234,5", "1234.5"),
            ("1,234.5", "1234.5"),
            ("1,234", "1234"),
            ("1,5", "1.5"),
            ("1.234.567", "1234567"),
            ("CHF", ""),
            ("$ 1'000.00", "1000.0"),
            ("1e3", "1000.0"),
            ("1.2,3.4", ""),
            ("", ""),
            ("-", ""),
            ("1e999", ""),
            ("0x10", ""),
        ] {
            assert_eq!(parse(text, None).map(|n| n.to_string()).unwrap_or_default(), expected, "{text}");
        }
        assert_eq!(parse("1.234", Some(',')).unwrap().to_string(), "1234");
    }
}
