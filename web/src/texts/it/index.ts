/** The texts in Italian, by name: a file for each folder of pages. */
import { activity } from "./activity";
import { audit } from "./audit";
import { events } from "./events";
import { home } from "./home";
import { incoming } from "./incoming";
import { outgoing } from "./outgoing";
import { people } from "./people";
import { problems } from "./problems";
import { settings } from "./settings";
import { shared } from "./shared";
import { shell } from "./shell";
import { words } from "./words";

export const it = { ...activity, ...audit, ...events, ...home, ...incoming, ...outgoing, ...people, ...problems, ...settings, ...shared, ...shell, ...words };
