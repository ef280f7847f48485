-- Senders that users have described, as JSON.
CREATE TABLE presets (
    id TEXT /*pg: COLLATE "C" */ PRIMARY KEY,
    body TEXT NOT NULL
) /*sqlite: WITHOUT ROWID */;
