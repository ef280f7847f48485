//! Countries: their codes and names (ISO 3166-1), and how their telephone numbers are dialled (calling codes: ITU-T E.164,
//! annex; prefixes and lengths: ITU-T E.164, national numbering plans, in the form of the metadata of libphonenumber).

use std::collections::HashMap;
use std::sync::LazyLock;

/// A country.
#[derive(Debug, PartialEq, Eq)]
pub struct Country {
    /// Its two letters in ISO 3166-1.
    pub alpha2: &'static str,
    /// Its calling code, if it has one.
    pub(crate) calling_code: Option<&'static str>,
    /// What is dialled before a national number inside the country only: `0` in most.
    pub(crate) trunk_prefix: Option<&'static str>,
    /// The digits of a national number, at least and at most.
    pub(crate) digits: (usize, usize),
}

/// One country a line: two letters, three letters, calling code, trunk prefix, fewest and most digits, names.
const TABLE: &str = include_str!("countries.tsv");
/// The longest name of a country has 52 bytes: what is longer isn't looked for.
const MAX_NAME_BYTES: usize = 100;

struct Countries {
    all: &'static [Country],
    by_name: HashMap<String, usize>,
}

static COUNTRIES: LazyLock<Countries> = LazyLock::new(|| {
    let mut all = Vec::new();
    let mut by_name = HashMap::new();
    for line in TABLE.lines() {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap_or_default();
        let (alpha2, alpha3, calling_code, trunk) = (next(), next(), next(), next());
        let digits = (next().parse().unwrap_or(0), next().parse().unwrap_or(0));
        for name in next().split(';').chain([alpha2, alpha3]) {
            by_name.insert(name.to_lowercase(), all.len());
        }
        let some = |text: &'static str| (text != "-").then_some(text);
        all.push(Country { alpha2, calling_code: some(calling_code), trunk_prefix: some(trunk), digits });
    }
    Countries { all: all.leak(), by_name }
});

/// The country of this code or name, in any case.
pub(crate) fn find(text: &str) -> Option<&'static Country> {
    let text = text.trim();
    if text.len() > MAX_NAME_BYTES {
        return None;
    }
    COUNTRIES.by_name.get(&text.to_lowercase()).map(|at| &COUNTRIES.all[*at])
}

/// The countries whose calling code these digits begin with. No calling code is the beginning of another.
pub(crate) fn dialled(digits: &str) -> impl Iterator<Item = (&'static Country, &str)> {
    COUNTRIES.all.iter().filter_map(move |country| {
        country.calling_code.and_then(|code| digits.strip_prefix(code)).map(|rest| (country, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(COUNTRIES.all.len(), 249, "ISO 3166-1 has 249 countries");
        for (at, line) in TABLE.lines().enumerate() {
            assert_eq!(line.split('\t').count(), 7, "line {}", at + 1);
        }
        for country in COUNTRIES.all {
            assert_eq!(country.alpha2.len(), 2);
            assert!(country.digits.0 <= country.digits.1, "{country:?}");
            assert_eq!(country.calling_code.is_none(), country.digits.1 == 0, "{country:?}");
        }
        for (name, code) in
            [("it", "IT"), ("DEU", "DE"), ("United States", "US"), ("uk", "GB"), ("Österreich", "AT")]
        {
            assert_eq!(find(name).unwrap().alpha2, code);
        }
        assert!(find("Atlantis").is_none());
    }
}
