//! From MiniJinja's values to JSON, within a limit: some are made only while they are read (`[a] * 100000000`), which no fuel
//! is spent on.

use minijinja::Value as Engine;
use minijinja::value::ValueKind;
use serde_json::{Map, Value};

use crate::error::EvalError;

/// The most bytes of texts, and 16 for each value, that may be converted: a payload of the largest size (1 MiB) fits, also one of
/// many small values.
const MAX_SIZE: usize = 16 * 1024 * 1024;
const VALUE_SIZE: usize = 16;

/// The same value as JSON; undefined is null.
pub(crate) fn to_json(value: &Engine) -> Result<Value, EvalError> {
    Budget(MAX_SIZE).convert(value)
}

struct Budget(usize);

impl Budget {
    fn convert(&mut self, value: &Engine) -> Result<Value, EvalError> {
        self.spend(VALUE_SIZE)?;
        match value.kind() {
            ValueKind::String => {
                let text = value.as_str().unwrap_or_default();
                self.spend(text.len())?;
                Ok(text.into())
            }
            ValueKind::Seq | ValueKind::Iterable => {
                value.try_iter()?.map(|item| self.convert(&item)).collect::<Result<_, _>>().map(Value::Array)
            }
            ValueKind::Map => self.members(value).map(Value::Object),
            ValueKind::Undefined | ValueKind::None => Ok(Value::Null),
            _ => serde_json::to_value(value).map_err(|error| EvalError::Invalid(error.to_string())),
        }
    }

    fn members(&mut self, map: &Engine) -> Result<Map<String, Value>, EvalError> {
        let mut members = Map::new();
        for key in map.try_iter()? {
            let name = key.to_string();
            self.spend(name.len())?;
            members.insert(name, self.convert(&map.get_item(&key)?)?);
        }
        Ok(members)
    }

    fn spend(&mut self, size: usize) -> Result<(), EvalError> {
        self.0 = self.0.checked_sub(size).ok_or(EvalError::OutOfFuel)?;
        Ok(())
    }
}
