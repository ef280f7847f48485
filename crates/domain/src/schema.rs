//! How types that are texts in JSON show in the OpenAPI document.

/// Describes a type that is a string in JSON: by format and example, or by pattern and example.
macro_rules! text_schema {
    ($name:ty, pattern = $pattern:expr, $example:expr) => {
        crate::schema::text_schema!(@ $name, |schema| schema.pattern(Some($pattern)).examples([$example]));
    };
    ($name:ty, format = $format:literal, $example:expr) => {
        crate::schema::text_schema!(@ $name, |schema| schema
            .format(Some(utoipa::openapi::schema::SchemaFormat::Custom($format.into())))
            .examples([$example]));
    };
    (@ $name:ty, |$schema:ident| $more:expr) => {
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                use utoipa::openapi::schema::{ObjectBuilder, Type};
                let $schema = ObjectBuilder::new().schema_type(Type::String);
                $more.into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}
pub(crate) use text_schema;
