//! From the outcomes of a mapping to the fields of a subscriber. What a value of a field may be is `domain`'s rule.

use domain::mapping::{Mapped, NoEmail, Target};

use crate::mapping::{Applied, Outcome, Took};

impl Applied<'_> {
    /// What is to be set on a subscriber, why there is no email, and all warnings.
    pub fn mapped(&self) -> Mapped {
        let mut mapped = Mapped::default();
        for outcome in &self.outcomes {
            mapped.warnings.extend(outcome.warnings.iter().cloned());
            outcome.set(&mut mapped);
        }
        if mapped.fields.email.is_some() {
            mapped.email_error = None;
        } else if mapped.email_error.is_none() {
            let missing = "any rule: the mapping has none for email, or its condition doesn't hold";
            mapped.email_error = Some(NoEmail::Missing(missing.to_owned()));
        }
        mapped
    }
}

impl Outcome<'_> {
    /// Sets the field.
    pub fn set(&self, mapped: &mut Mapped) {
        match &self.value {
            Some(value) => mapped.set(self.to, value, self.place()),
            None if *self.to == Target::Email && self.took == Took::Nothing => {
                mapped.email_error = Some(NoEmail::Missing(self.from.to_owned()));
            }
            None => {}
        }
    }

    /// Where its value stands, as warnings name it.
    fn place(&self) -> &str {
        match self.took {
            Took::Otherwise => "otherwise",
            Took::Default => "default",
            Took::Source | Took::Skipped | Took::Nothing => self.place,
        }
    }
}
