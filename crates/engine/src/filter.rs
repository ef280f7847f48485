//! The condition of an incoming webhook.

use expression::{Expression, Payload};
use serde_json::Value;

/// A condition, or why what is stored is none: saving checks it, so only another version of the program can have stored that.
#[derive(Debug)]
pub(crate) struct Filter(Result<Expression, String>);

impl Filter {
    pub(crate) fn new(source: &str) -> Self {
        Self(Expression::compile(source).map_err(|error| error.to_string()))
    }

    /// Why a record is ignored, if it is. What can't be decided is: it is in the log, and can be run again.
    pub(crate) fn ignores(&self, record: &Value, beside: Option<&Value>) -> Option<String> {
        let payload = || match beside {
            Some(beside) => Payload::beside(record, beside),
            None => Payload::new(record),
        };
        let holds = match &self.0 {
            Ok(expression) => expression.is_true(&payload()).map_err(|error| error.to_string()),
            Err(error) => Err(error.clone()),
        };
        match holds {
            Ok(true) => None,
            Ok(false) => Some("the filter does not hold".to_owned()),
            Err(error) => Some(format!("the filter can't be evaluated: {error}")),
        }
    }
}
