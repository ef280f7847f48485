-- The method and the address of an attempt, where a template or a script made them: PUT https://crm.example.com/contacts/7. NULL for
-- most, which are sent as their webhook says.
ALTER TABLE attempts ADD COLUMN target TEXT;
