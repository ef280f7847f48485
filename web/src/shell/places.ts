import {
  IconArrowBarToDown, IconArrowBarUp, IconBolt, IconForms, IconHistory, IconHome, IconKey, IconListDetails, IconSettings, IconTag,
  IconUsers, IconUserShield, type Icon,
} from "@tabler/icons-react";
import type { Scope } from "../signing_in/may";
import type { TextName } from "../texts";

export interface Place {
  to: string;
  name: TextName;
  icon: Icon;
  /** Where else one is there, too. */
  also?: string;
  /** What one must be allowed to do to go there; everyone may look at the others. */
  scope?: Scope;
}

/** Where one can go, in the order of the menu. */
export const PLACES: Place[] = [
  { to: "/", name: "home", icon: IconHome },
  { to: "/incoming", name: "incoming", icon: IconArrowBarToDown, also: "/senders" },
  { to: "/outgoing", name: "outgoing", icon: IconArrowBarUp },
  { to: "/subscribers", name: "subscribers", icon: IconUsers },
  { to: "/lists", name: "lists", icon: IconListDetails },
  { to: "/tags", name: "tags", icon: IconTag },
  { to: "/custom-fields", name: "custom_fields", icon: IconForms },
  { to: "/events", name: "events", icon: IconBolt },
  { to: "/api-keys", name: "api_keys", icon: IconKey, scope: "admin" },
  { to: "/users", name: "users", icon: IconUserShield, scope: "admin" },
  { to: "/audit-log", name: "audit_log", icon: IconHistory, scope: "admin" },
  { to: "/settings", name: "settings", icon: IconSettings },
];

/** What one can begin from everywhere. */
export const DEEDS: { to: string; name: TextName }[] = [
  { to: "/incoming/new", name: "new_incoming" },
  { to: "/outgoing/new", name: "new_outgoing" },
  { to: "/subscribers/import", name: "import_title" },
];
