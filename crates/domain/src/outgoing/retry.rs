//! When a delivery that failed is tried again: a list of offsets, some of which have names.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// After 5 minutes, 30 minutes and 2 hours: the product's specification.
const DEFAULT_SECONDS: [u32; 3] = [300, 1_800, 7_200];

/// Over a bit more than 3 days: the example of the Standard Webhooks specification ("Deliverability and reliability",
/// column "Time since start").
pub const EXTENDED_SECONDS: [u32; 9] = [5, 305, 2_105, 9_305, 27_305, 63_305, 113_705, 185_705, 272_105];

/// When a delivery that failed is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetrySettings {
    /// Seconds from the first attempt to each retry, growing.
    #[schema(max_items = 18, example = json!([300, 1800, 7200]))]
    pub schedule_seconds: Vec<u32>,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self { schedule_seconds: DEFAULT_SECONDS.to_vec() }
    }
}

impl RetrySettings {
    /// The name of its schedule.
    pub fn name(&self) -> RetrySchedule {
        match self.schedule_seconds.as_slice() {
            seconds if seconds == DEFAULT_SECONDS => RetrySchedule::Default,
            seconds if seconds == EXTENDED_SECONDS => RetrySchedule::Extended,
            _ => RetrySchedule::Custom,
        }
    }
}

/// The name of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetrySchedule {
    /// After 5 minutes, 30 minutes and 2 hours.
    Default,
    /// Nine retries over 3 days, the first after 5 seconds.
    Extended,
    /// Any other: `schedule_seconds` has it.
    Custom,
}

impl RetrySchedule {
    /// Its offsets, if it is one of those with a name.
    pub fn seconds(self) -> Option<&'static [u32]> {
        match self {
            Self::Default => Some(&DEFAULT_SECONDS),
            Self::Extended => Some(&EXTENDED_SECONDS),
            Self::Custom => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_its_seconds() {
        for name in [RetrySchedule::Default, RetrySchedule::Extended] {
            let settings = RetrySettings { schedule_seconds: name.seconds().unwrap().to_vec() };
            assert_eq!(settings.name(), name);
        }
        assert_eq!(RetrySettings { schedule_seconds: vec![1] }.name(), RetrySchedule::Custom);
        assert_eq!(RetrySettings::default().name(), RetrySchedule::Default);
    }

    #[test]
    fn the_extended_schedule_is_the_sum_of_the_specifications_delays() {
        const MINUTE: u32 = 60;
        const HOUR: u32 = 3_600;
        let delays =
            [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
        let sums = delays.iter().scan(0, |sum, delay| {
            *sum += delay;
            Some(*sum)
        });
        assert_eq!(sums.collect::<Vec<_>>(), EXTENDED_SECONDS);
    }
}
