/** Bodies that well-known receivers take, to begin with. Each follows the documentation named. */

export interface Template {
  name: string;
  payload: object;
}

const WHO = "{subscriber_first_name} {subscriber_last_name} ({subscriber_email})";

export const TEMPLATES: Template[] = [
  // https://developers.hubspot.com/docs/api/crm/contacts
  { name: "HubSpot", payload: { properties: { email: "{subscriber_email}", firstname: "{subscriber_first_name}", lastname: "{subscriber_last_name}", phone: "{subscriber_phone}" } } },
  // https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/
  { name: "Salesforce", payload: { Email: "{subscriber_email}", FirstName: "{subscriber_first_name}", LastName: "{subscriber_last_name}", Phone: "{subscriber_phone}" } },
  // https://developers.pipedrive.com/docs/api/v1/Persons
  { name: "Pipedrive", payload: { name: "{subscriber_first_name} {subscriber_last_name}", email: [{ value: "{subscriber_email}", primary: true }] } },
  // https://api.slack.com/messaging/webhooks
  { name: "Slack", payload: { text: `{event_type}: ${WHO}` } },
  // https://discord.com/developers/docs/resources/webhook
  { name: "Discord", payload: { content: `{event_type}: ${WHO}` } },
  // https://developers.google.com/workspace/chat/quickstart/webhooks
  { name: "Google Chat", payload: { text: `{event_type}: ${WHO}` } },
  // https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
  { name: "Microsoft Teams", payload: { type: "message", attachments: [{ contentType: "application/vnd.microsoft.card.adaptive", content: { type: "AdaptiveCard", version: "1.4", body: [{ type: "TextBlock", text: `{event_type}: ${WHO}`, wrap: true }] } }] } },
  // Zapier, n8n and Make take any JSON; a flat one is the easiest to map there.
  { name: "Zapier · n8n · Make", payload: { event: "{event_type}", email: "{subscriber_email}", first_name: "{subscriber_first_name}", last_name: "{subscriber_last_name}", status: "{subscriber_status}" } },
];
