//! Telephone numbers in the international form of ITU-T E.164: `+`, calling code, national number, at most 15 digits.

use crate::country::{self, Country};

/// The most digits of a number (ITU-T E.164, 6.1).
const MAX_DIGITS: usize = 15;
/// The most characters that are looked at: a number with every kind of decoration and an extension has far fewer.
const MAX_CHARS: usize = 64;

/// The number in international form; in national form it is one of `home`.
pub(crate) fn e164(text: &str, home: Option<&'static Country>) -> Result<String, &'static str> {
    if text.chars().count() > MAX_CHARS {
        return Err("the value is too long for a telephone number");
    }
    let lower = text.trim().trim_start_matches("tel:").to_lowercase();
    let number = without_extension(&lower);
    // What is dialled only without the calling code: +44 (0)20.
    let without_trunk = number.replace("(0)", "");
    let digits_in = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let is_number = |c: char| {
        c.is_ascii_digit() || c.is_whitespace() || matches!(c, '+' | '(' | ')' | '-' | '.' | '/' | '–')
    };
    if !number.chars().all(is_number) {
        return Err("the value is no telephone number");
    }
    if number.starts_with('+') || number.starts_with("(+") {
        return international(&digits_in(&without_trunk));
    }
    if number.starts_with("00") {
        return international(digits_in(&without_trunk).trim_start_matches('0'));
    }
    let home = home.ok_or("the number has no calling code: name its country, as in phone('IT')")?;
    national(&digits_in(number), home)
}

fn without_extension(text: &str) -> &str {
    let end =
        ["ext", "x", "#", ";"].into_iter().filter_map(|mark| text.find(mark)).min().unwrap_or(text.len());
    text[..end].trim()
}

fn international(digits: &str) -> Result<String, &'static str> {
    let fits = country::dialled(digits).any(|(country, rest)| has_length(rest, country));
    if !fits || digits.len() > MAX_DIGITS {
        return Err("the number's calling code or length is wrong");
    }
    Ok(format!("+{digits}"))
}

fn national(digits: &str, home: &Country) -> Result<String, &'static str> {
    let code = home.calling_code.ok_or("the country has no calling code")?;
    let trunk = home.trunk_prefix.and_then(|prefix| digits.strip_prefix(prefix));
    // A number may begin with the digits of the prefix and not have it: the one of the right length is meant.
    let rest = trunk.into_iter().chain([digits]).find(|rest| has_length(rest, home));
    let rest = rest.ok_or("the number's length is wrong for its country")?;
    if code.len() + rest.len() > MAX_DIGITS {
        return Err("the number has more than 15 digits");
    }
    Ok(format!("+{code}{rest}"))
}

fn has_length(digits: &str, country: &Country) -> bool {
    (country.digits.0..=country.digits.1).contains(&digits.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_many_forms() {
        // Numbers that their regulators keep for films and books (Ofcom, NANPA 555-01xx, Arcep), or of public offices.
        for (text, home, expected) in [
            ("+44 20 7946 0018", "", "+442079460018"),
            ("+44 (0)20 7946 0018", "", "+442079460018"),
            ("0044-20-7946-0018", "", "+442079460018"),
            ("020 7946 0018", "GB", "+442079460018"),
            ("(202) 555-0143", "US", "+12025550143"),
            ("1 202 555 0143 ext. 12", "US", "+12025550143"),
            ("tel:+1-202-555-0143", "", "+12025550143"),
            ("01 99 00 12 34", "FR", "+33199001234"),
            ("06 6982", "IT", "+39066982"),
            ("8 (495) 123-45-67", "RU", "+74951234567"),
        ] {
            let country = country::find(home);
            assert_eq!(e164(text, country).as_deref(), Ok(expected), "{text}");
        }
        for (text, home) in
            [("call me", "IT"), ("12", "IT"), ("020 7946 0018", ""), ("+999 123456", ""), ("", "IT")]
        {
            assert!(e164(text, country::find(home)).is_err(), "{text}");
        }
    }
}
