//! What a webhook, a subscriber and an event are, and the rules by which they change: pure.
