//! The OpenAPI document, ready to be served and to check requests by.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use domain::log::FieldError;
use http::Method;
use serde_json::{Map, Value, json};
use url::form_urlencoded;
use utoipa::openapi::OpenApi;

use crate::openapi;
use crate::problem::{Code, Problem};
use crate::schema::{self, Schema};

/// The document is not one by which requests can be checked: a defect of the program.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It has no JSON form.
    #[error("the document has no JSON form")]
    Json(#[from] serde_json::Error),
    /// A handler takes what the document doesn't describe.
    #[error("the document does not describe {0}")]
    Missing(String),
}

/// The document.
pub struct Document {
    value: Arc<Value>,
    text: Bytes,
    bodies: HashMap<String, Schema>,
    queries: HashMap<String, QueryRules>,
}

/// What the query of an operation may hold.
pub struct QueryRules {
    schema: Schema,
    types: HashMap<String, String>,
}

impl Document {
    /// Completes what the handlers describe.
    ///
    /// # Errors
    /// If it has no JSON form.
    pub fn new(described: &OpenApi) -> Result<Self, DocumentError> {
        let value = Arc::new(openapi::complete(serde_json::to_value(described)?));
        let mut bodies = HashMap::new();
        let mut queries = HashMap::new();
        for (path, method, operation) in openapi::operations(&value) {
            // A patch is checked by itself, and what it is applied to as a whole.
            let names = openapi::body_schema(operation)
                .into_iter()
                .flat_map(|name| [Some(name), openapi::patched(name)]);
            for name in names.flatten() {
                bodies
                    .entry(name.to_owned())
                    .or_insert_with(|| Schema::new(schema::reference(name), value.clone()));
            }
            queries.insert(
                query_key(&method.to_ascii_uppercase(), path),
                QueryRules::new(operation, value.clone()),
            );
        }
        let text = serde_json::to_vec(&*value)?.into();
        Ok(Self { value, text, bodies, queries })
    }

    #[cfg(test)]
    pub(crate) fn schemas(&self) -> impl Iterator<Item = &Schema> {
        self.bodies.values().chain(self.queries.values().map(|rules| &rules.schema))
    }

    /// As JSON.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// As it is served.
    pub fn text(&self) -> Bytes {
        self.text.clone()
    }

    /// The schema of this name, which is that of a body.
    ///
    /// # Errors
    /// If no operation has such a body: a defect.
    pub fn body(&self, name: &str) -> Result<&Schema, Problem> {
        self.bodies
            .get(name)
            .ok_or_else(|| Problem::internal(&DocumentError::Missing(format!("the body {name}"))))
    }

    /// The schema of a patch of the schema of this name.
    ///
    /// # Errors
    /// If no operation has such a body: a defect.
    pub fn patch(&self, name: &str) -> Result<&Schema, Problem> {
        self.body(&openapi::patch_of(name))
    }

    /// What the query of an operation may hold.
    ///
    /// # Errors
    /// If there is no such operation: a defect.
    pub fn query(&self, method: &Method, path: &str) -> Result<&QueryRules, Problem> {
        // A HEAD is a GET without the body of its answer.
        let method = if method == Method::HEAD { "GET" } else { method.as_str() };
        let key = query_key(method, path);
        let rules = self.queries.get(&key);
        rules.ok_or_else(|| Problem::internal(&DocumentError::Missing(key)))
    }
}

fn query_key(method: &str, path: &str) -> String {
    format!("{method} {path}")
}

impl QueryRules {
    fn new(operation: &Value, document: Arc<Value>) -> Self {
        let mut properties = Map::new();
        let mut required = Vec::new();
        let mut types = HashMap::new();
        let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        for parameter in parameters.iter().filter(|parameter| parameter["in"] == "query") {
            let name = parameter["name"].as_str().unwrap_or_default().to_owned();
            if parameter["required"] == true {
                required.push(name.clone());
            }
            let kind = parameter["schema"]["type"].as_str().unwrap_or("string");
            types.insert(name.clone(), kind.to_owned());
            properties.insert(name, parameter["schema"].clone());
        }
        let schema = json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false});
        Self { schema: Schema::new(schema, document), types }
    }

    /// The parameters of a query, by name, with their types.
    ///
    /// # Errors
    /// If one is not known, not of its type, or there twice.
    pub fn read(&self, query: &str) -> Result<Value, Problem> {
        let mut values = Map::new();
        let mut errors = Vec::new();
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            let value = self.value(&name, &text);
            if values.insert(name.to_string(), value).is_some() {
                errors.push(FieldError {
                    field: name.into_owned(),
                    message: "must not be given twice".to_owned(),
                });
            }
        }
        let values = Value::Object(values);
        errors.extend(self.schema.check(&values).into_all());
        if errors.is_empty() { Ok(values) } else { Err(Problem::with_errors(Code::InvalidQuery, errors)) }
    }

    /// A text that is not of the parameter's type stays a text, so that the schema refuses it.
    fn value(&self, name: &str, text: &str) -> Value {
        let read = match self.types.get(name).map(String::as_str) {
            Some("integer") => text.parse::<i64>().ok().map(Value::from),
            Some("boolean") => text.parse::<bool>().ok().map(Value::from),
            // As the document says: `style: form`, `explode: false`.
            Some("array") => Some(text.split(',').map(Value::from).collect()),
            _ => None,
        };
        read.unwrap_or_else(|| Value::from(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> QueryRules {
        let operation = json!({"parameters": [
            {"in": "query", "name": "limit", "required": false, "schema": {"type": "integer", "minimum": 1, "maximum": 200}},
            {"in": "query", "name": "test", "required": false, "schema": {"type": "boolean"}},
            {"in": "query", "name": "q", "required": false, "schema": {"type": "string"}},
            {"in": "query", "name": "status", "schema": {"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": true}},
            {"in": "path", "name": "id", "required": true, "schema": {"type": "string"}},
        ]});
        QueryRules::new(&operation, Arc::default())
    }

    #[test]
    fn parameters_are_read_by_their_types() {
        let values = rules().read("limit=20&q=a%20b%26&test=true&status=a,b").ok().unwrap();
        assert_eq!(values, json!({"limit": 20, "q": "a b&", "test": true, "status": ["a", "b"]}));
    }

    #[test]
    fn every_parameter_at_fault_is_named() {
        for wrong in [
            "limit=0",
            "limit=201",
            "limit=x",
            "limit=1.5",
            "limit=",
            "id=7",
            "Limit=1",
            "test=1",
            "q=%00",
            "status=c",
            "status=a,",
            "status=a,a",
            "limit=1&limit=1",
        ] {
            assert_eq!(
                rules().read(wrong).err().map(|problem| problem.code()),
                Some(Code::InvalidQuery),
                "{wrong}"
            );
        }
    }
}
