import { Accordion, Button, Group, Paper, Stack } from "@mantine/core";
import { ApiProblem } from "../api/problem";
import { DraftNotes } from "../components/DraftNotes";
import { useDraft } from "../components/drafts";
import { Editable, MayWrite } from "../components/MayWrite";
import { saveThen } from "../components/saving";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import { AboutFields } from "./AboutFields";
import { AdvancedFields } from "./AdvancedFields";
import { useChangeIncoming, type IncomingWebhook } from "./IncomingPage";
import { PresetPicker } from "./PresetPicker";

/** Everything that is neither mapping, actions nor security. */
export function SettingsForm({ webhook }: { webhook: IncomingWebhook }) {
  const t = useTexts();
  const change = useChangeIncoming(webhook.id);
  const draft = useDraft(`incoming/${webhook.id}/settings`, settingsOf(webhook));
  const faults = change.error instanceof ApiProblem ? change.error.fields : {};
  return (
    <Paper withBorder p="lg" maw={820}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          saveThen(change, draft.value, draft.reset);
        }}
      >
        <Stack>
          <DraftNotes draft={draft} />
          {change.isError && <Trouble error={change.error} />}
          <Editable><Stack><AboutFields about={draft.value} onChange={draft.change} faults={faults} /></Stack></Editable>
          <PresetPicker value={draft.value.preset} onChange={(preset) => draft.change({ preset })} error={faults.preset} />
          <Accordion variant="contained">
            <Accordion.Item value="advanced">
              <Accordion.Control>{t("advanced")}</Accordion.Control>
              <Accordion.Panel><Editable><AdvancedFields advanced={draft.value} onChange={draft.change} faults={faults} /></Editable></Accordion.Panel>
            </Accordion.Item>
          </Accordion>
          <MayWrite says><Group>
            <Button type="submit" disabled={!draft.dirty} loading={change.isPending}>{t("save")}</Button>
            {draft.dirty && <Button variant="default" onClick={draft.reset}>{t("undo_changes")}</Button>}
          </Group></MayWrite>
        </Stack>
      </form>
    </Paper>
  );
}

function settingsOf(webhook: IncomingWebhook) {
  const { name, description, status, event_type, preset, filter, transform, records, event_path, parse_json } = webhook;
  const { dedupe, rate_limit, sender_rate_limit, redact, log_retention, respond, on_unprocessable } = webhook;
  return {
    name, description, status, event_type, preset, filter, transform, records, event_path, parse_json,
    dedupe, rate_limit, sender_rate_limit, redact, log_retention, respond, on_unprocessable,
  };
}
