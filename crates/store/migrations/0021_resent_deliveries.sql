-- Of an event that was made by editing what a delivery had sent: that delivery, and the one that was made of the event. It tells
-- nothing that happened, so it stands in no list of events and goes to nobody else.
ALTER TABLE events ADD COLUMN resent_from TEXT;
ALTER TABLE events ADD COLUMN resent_as TEXT;
-- Only of those: other events pay nothing for it.
CREATE INDEX events_resent ON events (resent_from) WHERE resent_from IS NOT NULL;
