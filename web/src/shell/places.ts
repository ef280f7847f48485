import {
  IconArrowBarToDown, IconArrowBarUp, IconBolt, IconForms, IconHome, IconKey, IconListDetails, IconSettings, IconTag,
  IconUsers, IconUserShield, type Icon,
} from "@tabler/icons-react";
import type { TextName } from "../texts";

/** Where one can go, in the order of the menu. */
export const PLACES: { to: string; name: TextName; icon: Icon }[] = [
  { to: "/", name: "home", icon: IconHome },
  { to: "/incoming", name: "incoming", icon: IconArrowBarToDown },
  { to: "/outgoing", name: "outgoing", icon: IconArrowBarUp },
  { to: "/subscribers", name: "subscribers", icon: IconUsers },
  { to: "/lists", name: "lists", icon: IconListDetails },
  { to: "/tags", name: "tags", icon: IconTag },
  { to: "/custom-fields", name: "custom_fields", icon: IconForms },
  { to: "/events", name: "events", icon: IconBolt },
  { to: "/api-keys", name: "api_keys", icon: IconKey },
  { to: "/users", name: "users", icon: IconUserShield },
  { to: "/settings", name: "settings", icon: IconSettings },
];
