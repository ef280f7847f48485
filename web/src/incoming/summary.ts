/** What a webhook does, in plain words: a sentence for the event and each action, and one for who may send. */
import type { Schemas } from "../api/client";
import type { TextName, Translate } from "../texts";

type Webhook = Pick<Schemas["IncomingWebhook"], "event_type" | "actions" | "filter" | "mapping" | "require_api_key" | "signature" | "ip_allowlist">;
type Action = Schemas["Action"];

interface Names {
  /** Of a list, by its id. */
  list: (id: number) => string;
  status: (status: string) => string;
}

export function summaryOf(webhook: Webhook, t: Translate, names: Names): string[] {
  const { event_type: event, filter, actions } = webhook;
  const begins = filter ? t("sum_when_if", { event, condition: filter }) : t("sum_when", { event });
  const done = actions.map((action) => {
    const said = ofAction(action, t, names);
    return action.when ? t("sum_only_if", { said, condition: action.when }) : said;
  });
  return [done.length > 0 ? `${begins} ${done.join("; ")}.` : `${begins} ${t("sum_nothing")}.`, whoMaySend(webhook, t)];
}

function ofAction(action: Action, t: Translate, names: Names): string {
  switch (action.type) {
    case "add_subscriber":
      return [
        t(action.update_existing ? "sum_add_or_update" : "sum_add"),
        ...joined("sum_to_lists", (action.lists ?? []).map(names.list), t),
        ...joined("sum_with_tags", action.tags ?? [], t),
      ].join(" ");
    case "update_subscriber":
      return [t("sum_update"), ...joined("sum_with_tags", action.add_tags ?? [], t), ...joined("sum_without_tags", action.remove_tags ?? [], t)].join(" ");
    case "add_to_list":
      return t("sum_add_to_list", { list: names.list(action.list_id) });
    case "remove_from_list":
      return t("sum_remove_from_list", { list: names.list(action.list_id) });
    case "apply_tag":
      return t("sum_apply_tags", { names: action.tags.join(", ") });
    case "remove_tag":
      return t("sum_remove_tags", { names: action.tags.join(", ") });
    case "change_status":
      return t("sum_status", { status: names.status(action.status) });
    case "publish_event":
      return t("sum_publish", { event: action.event_type });
    case "call_api":
      return t("sum_call", { host: hostOf(action.url) });
    case "custom_code":
      return t("sum_code");
  }
}

function joined(text: TextName, names: string[], t: Translate): string[] {
  return names.length > 0 ? [t(text, { names: names.join(", ") })] : [];
}

function hostOf(url: string): string {
  return /^https?:\/\/([^/?#]+)/.exec(url)?.[1] ?? url;
}

function whoMaySend({ require_api_key, signature, ip_allowlist }: Webhook, t: Translate): string {
  const proofs = [
    ...(require_api_key ? [t("sum_key")] : []),
    ...((signature.scheme ?? "none") === "none" ? [] : [t("sum_signature")]),
    ...(ip_allowlist.length > 0 ? [t("sum_addresses", { n: ip_allowlist.length })] : []),
  ];
  return proofs.length > 0 ? t("sum_needs", { proofs: proofs.join(", ") }) : t("sum_url_only");
}
