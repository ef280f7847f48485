/**
 * Well-known receivers: where they are, how one proves to them who one is, and the body they take. Each follows the documentation
 * named. What stands for something of one's own is written `YOUR_…`.
 */
import type { TextName } from "../texts";
import type { OutgoingInput } from "./form";

export interface Template extends Pick<OutgoingInput, "url" | "events" | "auth" | "headers" | "payload" | "method"> {
  name: string;
  /** What to do there, and what to know. */
  hint: TextName;
}

const PEOPLE = ["subscriber_added", "subscriber_updated"];
const NONE = { method: "none" } as const;
const WHO = "{subscriber_first_name} {subscriber_last_name} ({subscriber_email})";
const FLAT = {
  event: "{event_type}", timestamp: "{timestamp}", email: "{subscriber_email}", first_name: "{subscriber_first_name}", last_name: "{subscriber_last_name}",
  phone: "{subscriber_phone}", company: "{subscriber_company}", status: "{subscriber_status}", tags: "{subscriber_tags}",
};
const HUBSPOT = {
  "email": "{subscriber_email}", "firstname?": "{subscriber_first_name}", "lastname?": "{subscriber_last_name}", "phone?": "{subscriber_phone}", "company?": "{subscriber_company}",
};
const BEARER = { method: "bearer", token: "" } as const;

export const TEMPLATES: Template[] = [
  {
    // https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/batch/post-crm-v3-objects-contacts-batch-upsert
    name: "HubSpot", hint: "hint_hubspot", url: "https://api.hubapi.com/crm/v3/objects/contacts/batch/upsert", events: PEOPLE, auth: BEARER,
    payload: { inputs: [{ idProperty: "email", id: "{subscriber_email}", properties: HUBSPOT }] },
  },
  {
    // https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/basic/post-crm-v3-objects-contacts
    name: "HubSpot (new contacts only)", hint: "hint_hubspot_new", url: "https://api.hubapi.com/crm/v3/objects/contacts", events: ["subscriber_added"], auth: BEARER,
    payload: { properties: HUBSPOT },
  },
  {
    // https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/
    name: "Salesforce", hint: "hint_salesforce", url: "https://YOUR_DOMAIN.my.salesforce.com/services/data/v57.0/sobjects/Contact", events: ["subscriber_added"],
    auth: { method: "oauth2_client_credentials", token_url: "https://YOUR_DOMAIN.my.salesforce.com/services/oauth2/token", client_id: "", client_secret: "" },
    payload: { "Email": "{subscriber_email}", "FirstName?": "{subscriber_first_name}", "LastName": "{subscriber_last_name|default('-')}", "Phone?": "{subscriber_phone}" },
  },
  {
    // https://developers.pipedrive.com/docs/api/v1/Persons
    name: "Pipedrive", hint: "hint_pipedrive", url: "https://YOUR_COMPANY.pipedrive.com/api/v2/persons", events: ["subscriber_added"],
    auth: { method: "api_key", header: "x-api-token", key: "" },
    payload: {
      name: "{subscriber_first_name|default(subscriber_email)} {subscriber_last_name}",
      emails: [{ value: "{subscriber_email}", primary: true, label: "work" }],
    },
  },
  // https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
  { name: "Slack", hint: "hint_slack", url: "https://hooks.slack.com/services/YOUR_PATH", events: ["subscriber_added"], auth: NONE, payload: { text: `{event_type}: ${WHO}` } },
  // https://docs.discord.com/developers/resources/webhook
  { name: "Discord", hint: "hint_discord", url: "https://discord.com/api/webhooks/YOUR_ID/YOUR_TOKEN", events: ["subscriber_added"], auth: NONE, payload: { content: `{event_type}: ${WHO}` } },
  // https://developers.google.com/workspace/chat/quickstart/webhooks
  {
    name: "Google Chat", hint: "hint_google_chat", url: "https://chat.googleapis.com/v1/spaces/YOUR_SPACE/messages?key=YOUR_KEY&token=YOUR_TOKEN", events: ["subscriber_added"],
    auth: NONE, payload: { text: `{event_type}: ${WHO}` },
  },
  {
    // https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
    name: "Microsoft Teams", hint: "hint_teams", url: "https://YOUR_WORKFLOW_URL", events: ["subscriber_added"], auth: NONE,
    payload: {
      type: "message",
      attachments: [{ contentType: "application/vnd.microsoft.card.adaptive", content: { type: "AdaptiveCard", version: "1.4", body: [{ type: "TextBlock", text: `{event_type}: ${WHO}`, wrap: true }] } }],
    },
  },
  // https://help.zapier.com/hc/en-us/articles/8496288690317
  { name: "Zapier", hint: "hint_zapier", url: "https://hooks.zapier.com/hooks/catch/YOUR_ID/YOUR_HOOK/", events: ["subscriber_*"], auth: NONE, payload: FLAT },
  // https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.webhook/
  { name: "n8n", hint: "hint_n8n", url: "https://YOUR_N8N/webhook/YOUR_PATH", events: ["subscriber_*"], auth: { method: "api_key", header: "X-API-Key", key: "" }, payload: FLAT },
  // https://www.make.com/en/help/tools/webhooks
  { name: "Make", hint: "hint_make", url: "https://hook.eu2.make.com/YOUR_HOOK", events: ["subscriber_*"], auth: NONE, payload: FLAT },
];

/** What of an address is still to be filled in: `YOUR_DOMAIN`. */
export function toFillIn(text: string): string | undefined {
  return /YOUR_[A-Z0-9_]*[A-Z0-9]/.exec(text)?.[0];
}
