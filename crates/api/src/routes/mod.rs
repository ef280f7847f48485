//! The endpoints, one family a file.

pub mod api_keys;
pub mod health;
pub mod openapi;
