//! Whole transactions over slices, on SQLite or PostgreSQL, from one set of SQL.
