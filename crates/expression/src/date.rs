//! Dates: from the form in which a sender writes them to the form in which they are wanted.

use std::sync::LazyLock;

use domain::mapping::DateRule;
use jiff::civil::{self, DateTime};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::fmt::{rfc2822, temporal};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, Zoned};
use serde_json::Value;

/// The most characters of a date, and of the form of one.
const MAX_CHARS: usize = 100;
/// From this number on, a number of time is one of milliseconds: as seconds it would be the year 5138, as milliseconds it is
/// March 1973.
const FIRST_MILLISECONDS: f64 = 1e11;
/// The form name of a number of seconds since 1970, and of one of milliseconds.
const UNIX: &str = "unix";
const UNIX_MS: &str = "unix_ms";

/// The time zones that are compiled into the program, so that a date means the same on every machine.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// What is wrong with a [`DateRule`], or with a date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// No such zone.
    #[error("no time zone has this name: such as Europe/Rome")]
    Zone,
    /// A form that is none, such as one with an unknown sign.
    #[error("the form of a date must be of strftime's signs, such as %Y-%m-%d: {0}")]
    Form(String),
    /// A value that is no date in the expected form.
    #[error("the value is no date of the expected form")]
    NoDate,
    /// A date outside of the years -9999 to 9999.
    #[error("the date is too far away")]
    Range,
}

/// A compiled [`DateRule`].
#[derive(Clone, Debug)]
pub struct DateFormat {
    from: Option<String>,
    to: Option<String>,
    zone: TimeZone,
}

/// A time, and whether it was given as a day only.
struct Moment {
    at: Zoned,
    day_only: bool,
}

impl DateFormat {
    /// Compiles a rule.
    ///
    /// # Errors
    /// The zone or one of the forms doesn't exist.
    pub fn compile(rule: &DateRule) -> Result<Self, DateError> {
        let zone = match &rule.timezone {
            Some(name) => ZONES.get(name).map_err(|_| DateError::Zone)?,
            None => TimeZone::UTC,
        };
        let sample = Timestamp::UNIX_EPOCH.to_zoned(zone.clone());
        for form in [&rule.from, &rule.to].into_iter().flatten() {
            check_form(form, &sample)?;
        }
        Ok(Self { from: rule.from.clone(), to: rule.to.clone(), zone })
    }

    /// The date in the form that is wanted: a text, or a number for `unix` and `unix_ms`.
    ///
    /// # Errors
    /// The value is no date. The error never shows the value.
    pub fn apply(&self, value: &Value) -> Result<Value, DateError> {
        let moment = self.read(value)?;
        self.write(&moment)
    }

    fn read(&self, value: &Value) -> Result<Moment, DateError> {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => return Err(DateError::NoDate),
        };
        if text.is_empty() || text.chars().count() > MAX_CHARS {
            return Err(DateError::NoDate);
        }
        match self.from.as_deref() {
            Some(UNIX) => self.since_1970(&text, Some(1000.0)),
            Some(UNIX_MS) => self.since_1970(&text, Some(1.0)),
            Some(form) => self.read_form(form, &text),
            None => self.recognise(&text),
        }
    }

    /// A number of time, each of which is so many milliseconds.
    fn since_1970(&self, text: &str, unit: Option<f64>) -> Result<Moment, DateError> {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite()).ok_or(DateError::NoDate)?;
        let unit = unit.unwrap_or(if number.abs() < FIRST_MILLISECONDS { 1000.0 } else { 1.0 });
        // What is beyond the numbers of i64 becomes its end, which is out of range.
        let at = Timestamp::from_millisecond((number * unit).round() as i64).map_err(|_| DateError::Range)?;
        Ok(Moment { at: at.to_zoned(self.zone.clone()), day_only: false })
    }

    fn read_form(&self, form: &str, text: &str) -> Result<Moment, DateError> {
        let time = strtime::parse(form, text).map_err(|_| DateError::NoDate)?;
        if time.offset().is_some() || time.timestamp().is_some() {
            let at = time.to_timestamp().map_err(|_| DateError::NoDate)?;
            return Ok(self.moment(at));
        }
        if time.iana_time_zone().is_some() {
            let at = time.to_zoned_with(&ZONES).map_err(|_| DateError::NoDate)?;
            return Ok(self.moment(at.timestamp()));
        }
        if time.hour().is_some() {
            return self.local(time.to_datetime().map_err(|_| DateError::NoDate)?, false);
        }
        self.day(time.to_date().map_err(|_| DateError::NoDate)?)
    }

    fn recognise(&self, text: &str) -> Result<Moment, DateError> {
        // Eight digits are a day in ISO's short form sooner than a time in August 1970.
        let short_day = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
        if !short_day && text.parse::<f64>().is_ok() {
            return self.since_1970(text, None);
        }
        let parser = temporal::DateTimeParser::new();
        if let Ok(at) = parser.parse_timestamp(text) {
            return Ok(self.moment(at));
        }
        if let Ok(at) = rfc2822::parse(text) {
            return Ok(self.moment(at.timestamp()));
        }
        let has_time = text.contains(['T', 't', ':']) || text.contains(' ');
        match parser.parse_datetime(text) {
            Ok(at) if has_time => self.local(at, false),
            Ok(at) => self.day(at.date()),
            Err(_) => Err(DateError::NoDate),
        }
    }

    fn moment(&self, at: Timestamp) -> Moment {
        Moment { at: at.to_zoned(self.zone.clone()), day_only: false }
    }

    fn day(&self, day: civil::Date) -> Result<Moment, DateError> {
        self.local(day.at(0, 0, 0, 0), true)
    }

    fn local(&self, at: DateTime, day_only: bool) -> Result<Moment, DateError> {
        let at = at.to_zoned(self.zone.clone()).map_err(|_| DateError::Range)?;
        Ok(Moment { at, day_only })
    }

    fn write(&self, moment: &Moment) -> Result<Value, DateError> {
        let at = &moment.at;
        Ok(match self.to.as_deref() {
            Some(UNIX) => at.timestamp().as_second().into(),
            Some(UNIX_MS) => at.timestamp().as_millisecond().into(),
            Some(form) => written(form, at).map_err(|_| DateError::Range)?.into(),
            None if moment.day_only => at.date().to_string().into(),
            None => at.timestamp().to_string().into(),
        })
    }
}

fn written(form: &str, at: &Zoned) -> Result<String, jiff::Error> {
    BrokenDownTime::from(at).to_string(form)
}

/// Forms to read and to write have the same signs.
fn check_form(form: &str, sample: &Zoned) -> Result<(), DateError> {
    if form == UNIX || form == UNIX_MS {
        return Ok(());
    }
    if form.chars().count() > MAX_CHARS {
        return Err(DateError::Form("is too long".to_owned()));
    }
    if !form.contains('%') {
        return Err(DateError::Form("has none of them".to_owned()));
    }
    written(form, sample).map(drop).map_err(|error| DateError::Form(error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rule(from: &str, to: &str, timezone: &str) -> Result<DateFormat, DateError> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        DateFormat::compile(&DateRule { from: some(from), to: some(to), timezone: some(timezone) })
    }

    #[test]
    fn dates_of_many_forms() {
        for (from, to, zone, value, expected) in [
            ("%d/%m/%Y", "%Y-%m-%d", "Europe/Rome", json!("15/01/2024"), json!("2024-01-15")),
            ("", "", "", json!("2024-01-15T10:30:00+02:00"), json!("2024-01-15T08:30:00Z")),
            ("", "", "", json!("2024-01-15"), json!("2024-01-15")),
            ("", "", "", json!("20240115"), json!("2024-01-15")),
            ("", "", "Europe/Rome", json!("2024-07-15 10:30:00"), json!("2024-07-15T08:30:00Z")),
            ("", "%d.%m.%Y %H:%M", "Europe/Rome", json!("2024-01-15T23:30:00Z"), json!("16.01.2024 00:30")),
            ("", "", "", json!(1_705_314_600), json!("2024-01-15T10:30:00Z")),
            ("", "", "", json!(1_705_314_600_000_i64), json!("2024-01-15T10:30:00Z")),
            ("", "", "", json!("1705314600.5"), json!("2024-01-15T10:30:00.5Z")),
            ("unix_ms", "%Y", "", json!(1000), json!("1970")),
            ("unix", "unix_ms", "", json!("10"), json!(10_000)),
            ("", "unix", "", json!("Mon, 15 Jan 2024 10:30:00 +0000"), json!(1_705_314_600)),
            (
                "%b %d, %Y %I:%M %p",
                "",
                "America/New_York",
                json!("Jan 15, 2024 05:30 AM"),
                json!("2024-01-15T10:30:00Z"),
            ),
            ("%Y-%m-%d %H:%M %z", "", "", json!("2024-01-15 10:30 +0100"), json!("2024-01-15T09:30:00Z")),
        ] {
            let format = rule(from, to, zone).unwrap();
            assert_eq!(format.apply(&value), Ok(expected), "{value} by {from}");
        }
    }

    #[test]
    fn what_is_no_date_is_said() {
        let format = rule("%d/%m/%Y", "", "").unwrap();
        for value in
            [json!("31/02/2024"), json!("2024-01-15"), json!(""), json!(true), json!("x".repeat(1000))]
        {
            assert_eq!(format.apply(&value), Err(DateError::NoDate), "{value}");
        }
        let any = rule("", "", "").unwrap();
        assert_eq!(any.apply(&json!(1e300)), Err(DateError::Range));
        assert!(any.apply(&json!("yesterday")).is_err());
        assert_eq!(rule("", "", "Europe/Atlantis").unwrap_err(), DateError::Zone);
        for form in ["%", "%!", "day", &"%Y".repeat(80)] {
            assert!(matches!(rule("", form, ""), Err(DateError::Form(_))), "{form}");
        }
    }

    proptest! {
        #[test]
        fn prop_no_date_breaks_it(text in "\\PC{0,40}", like in "[0-9TZ:+./ -]{0,30}", number in any::<f64>(), form in "(%[-_0^#]?[0-9]{0,3}[A-Za-z%]|[ ./-]){0,8}") {
            let formats = [rule("", "", ""), rule(&form, &form, "Asia/Kolkata"), rule("", &form, "")];
            for format in formats.into_iter().flatten() {
                for value in [json!(text), json!(like), json!(number)] {
                    prop_assert_eq!(format.apply(&value), format.apply(&value));
                }
            }
        }

        #[test]
        fn prop_a_written_time_is_read_again(second in -60_000_000_000_i64..250_000_000_000) {
            let written = rule("unix", "", "").unwrap().apply(&json!(second)).unwrap();
            prop_assert_eq!(rule("", "unix", "Europe/Rome").unwrap().apply(&written), Ok(json!(second)));
        }
    }
}
