//! HTTP: the receive endpoint, the REST resources, and their OpenAPI document.
