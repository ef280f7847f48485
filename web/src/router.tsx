/** Addresses, and the pages that they show. A page's code is loaded when it is first shown. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { parseLogFilters, type LogFilters } from "./activity/filters";
import { parseSubscriberSearch } from "./people/search";
import { incomingQuery } from "./incoming/query";
import { outgoingQuery } from "./outgoing/query";
import { queries } from "./queries";
import { Failed } from "./shell/Failed";
import { NotFound } from "./shell/NotFound";
import { Shell } from "./shell/Shell";
import { LogInPage } from "./signing_in/LogInPage";
import { sessionQuery } from "./signing_in/session";
import { SetUpPage } from "./signing_in/SetUpPage";

const root = createRootRoute({ notFoundComponent: NotFound, errorComponent: Failed });

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

/** Only to a page of ours: an address of another host would let a stranger's link send people away after the log-in. */
const ownPath = (value: unknown) => {
  const path = text(value);
  return path?.startsWith("/") && !/^\/[/\\]/.test(path) ? path : undefined;
};

const logIn = createRoute({
  getParentRoute: () => root,
  path: "/log-in",
  component: LogInPage,
  validateSearch: (search): { back?: string } => ({ back: ownPath(search.back) }),
});

const setUp = createRoute({ getParentRoute: () => root, path: "/set-up", component: SetUpPage });

const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: Shell,
  errorComponent: Failed,
  notFoundComponent: NotFound,
  beforeLoad: async ({ location }) => {
    const session = await queries.ensureQueryData(sessionQuery);
    if (!session) throw redirect({ to: "/log-in", search: { back: location.href } });
  },
});

// What a `loader` asks for comes while the code of the page is loaded. The page says what there is to say of the answer.
const filtered = (search: Record<string, unknown>): { tab?: string } & LogFilters => ({ tab: text(search.tab), ...parseLogFilters(search) });

const home = createRoute({ getParentRoute: () => inside, path: "/", component: lazyRouteComponent(() => import("./home/HomePage"), "HomePage") });
const incoming = createRoute({ getParentRoute: () => inside, path: "/incoming", component: lazyRouteComponent(() => import("./incoming/IncomingListPage"), "IncomingListPage") });
const newIncoming = createRoute({ getParentRoute: () => inside, path: "/incoming/new", component: lazyRouteComponent(() => import("./incoming/NewIncomingPage"), "NewIncomingPage") });
const oneIncoming = createRoute({ getParentRoute: () => inside, path: "/incoming/$id", validateSearch: filtered, loader: ({ params: { id } }) => void queries.prefetchQuery(incomingQuery(id)), component: lazyRouteComponent(() => import("./incoming/IncomingPage"), "IncomingPage") });
const senders = createRoute({ getParentRoute: () => inside, path: "/senders", component: lazyRouteComponent(() => import("./incoming/SendersPage"), "SendersPage") });
const newSender = createRoute({ getParentRoute: () => inside, path: "/senders/new", component: lazyRouteComponent(() => import("./incoming/SenderPage"), "NewSenderPage") });
const oneSender = createRoute({ getParentRoute: () => inside, path: "/senders/$id", component: lazyRouteComponent(() => import("./incoming/SenderPage"), "SenderPage") });
const outgoing = createRoute({ getParentRoute: () => inside, path: "/outgoing", component: lazyRouteComponent(() => import("./outgoing/OutgoingListPage"), "OutgoingListPage") });
const newOutgoing = createRoute({ getParentRoute: () => inside, path: "/outgoing/new", component: lazyRouteComponent(() => import("./outgoing/NewOutgoingPage"), "NewOutgoingPage") });
const oneOutgoing = createRoute({ getParentRoute: () => inside, path: "/outgoing/$id", validateSearch: filtered, loader: ({ params: { id } }) => void queries.prefetchQuery(outgoingQuery(id)), component: lazyRouteComponent(() => import("./outgoing/OutgoingPage"), "OutgoingPage") });
const subscribers = createRoute({ getParentRoute: () => inside, path: "/subscribers", validateSearch: parseSubscriberSearch, component: lazyRouteComponent(() => import("./people/SubscribersPage"), "SubscribersPage") });
const subscriber = createRoute({ getParentRoute: () => inside, path: "/subscribers/$id", component: lazyRouteComponent(() => import("./people/SubscriberPage"), "SubscriberPage") });
const importing = createRoute({ getParentRoute: () => inside, path: "/subscribers/import", validateSearch: (search): { task?: string } => ({ task: text(search.task) }), component: lazyRouteComponent(() => import("./people/ImportPage"), "ImportPage") });
const lists = createRoute({ getParentRoute: () => inside, path: "/lists", component: lazyRouteComponent(() => import("./people/ListsPage"), "ListsPage") });
const tags = createRoute({ getParentRoute: () => inside, path: "/tags", component: lazyRouteComponent(() => import("./people/TagsPage"), "TagsPage") });
const customFields = createRoute({ getParentRoute: () => inside, path: "/custom-fields", component: lazyRouteComponent(() => import("./people/CustomFieldsPage"), "CustomFieldsPage") });
const events = createRoute({ getParentRoute: () => inside, path: "/events", validateSearch: parseLogFilters, component: lazyRouteComponent(() => import("./events/EventsPage"), "EventsPage") });
const audit = createRoute({ getParentRoute: () => inside, path: "/audit-log", validateSearch: parseLogFilters, component: lazyRouteComponent(() => import("./audit/AuditPage"), "AuditPage") });
const apiKeys = createRoute({ getParentRoute: () => inside, path: "/api-keys", component: lazyRouteComponent(() => import("./settings/ApiKeysPage"), "ApiKeysPage") });
const users = createRoute({ getParentRoute: () => inside, path: "/users", component: lazyRouteComponent(() => import("./settings/UsersPage"), "UsersPage") });
const settings = createRoute({ getParentRoute: () => inside, path: "/settings", component: lazyRouteComponent(() => import("./settings/SettingsPage"), "SettingsPage") });

const pages = [
  home, incoming, newIncoming, oneIncoming, senders, newSender, oneSender, outgoing, newOutgoing, oneOutgoing, subscribers,
  importing, subscriber, lists, tags,
  customFields, events, apiKeys, users, audit, settings,
];

export const router = createRouter({
  routeTree: root.addChildren([logIn, setUp, inside.addChildren(pages)]),
  defaultPreload: "intent",
  scrollRestoration: true,
  defaultErrorComponent: Failed,
  defaultNotFoundComponent: NotFound,
  notFoundMode: "fuzzy",
});

/** Who is logged in, and the code of the first page: both at once, and before there is anything to show. */
export function loadFirstPage() {
  void queries.prefetchQuery(sessionQuery);
  for (const { routeId } of router.matchRoutes(router.latestLocation)) void router.loadRouteChunk(router.routesById[routeId as keyof typeof router.routesById]);
}

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
