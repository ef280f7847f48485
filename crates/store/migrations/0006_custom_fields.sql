-- Custom fields that are declared: what their values may be. Fields that nobody declared take any value.
CREATE TABLE custom_fields (
    name TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
