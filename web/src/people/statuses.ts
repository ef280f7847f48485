/** What a subscriber can be. */
export const STATUSES = ["pending", "subscribed", "unsubscribed", "bounced", "complained", "admin_unsubscribed"] as const;
