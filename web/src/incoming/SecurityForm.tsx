import { Button, Group, Paper, Stack, Switch, TagsInput } from "@mantine/core";
import { ApiProblem } from "../api/problem";
import { DraftNotes } from "../components/DraftNotes";
import { isMasked } from "../components/CopyNow";
import { useDraft } from "../components/drafts";
import { GRACES } from "../components/Grace";
import { Editable, MayWrite } from "../components/MayWrite";
import { saveThen } from "../components/saving";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import { useChangeIncoming, type IncomingWebhook } from "./IncomingPage";
import { usePreset } from "./presets";
import { useReplacing } from "./replacing";
import { Secrets } from "./Secrets";
import { SignatureFields, type Signature } from "./SignatureFields";
import { SignatureTest } from "./SignatureTest";

/** Who may send. */
export function SecurityForm({ webhook }: { webhook: IncomingWebhook }) {
  const t = useTexts();
  const change = useChangeIncoming(webhook.id);
  const replace = useReplacing(webhook.id);
  const preset = usePreset(webhook.preset);
  const { require_api_key, signature, ip_allowlist } = webhook;
  const draft = useDraft(`incoming/${webhook.id}/security`, { require_api_key, signature, ip_allowlist });
  const form = draft.value;
  const faults = change.error instanceof ApiProblem ? change.error.fields : {};
  const save = () =>
    saveThen(change, form, () => {
      draft.reset();
      // What was not asked for until now was told to nobody: it is made anew, so that it can be.
      if (form.require_api_key && !require_api_key) replace.mutate({ what: "key", grace_seconds: GRACES.none });
      if (needsOurSecret(signature, form.signature)) replace.mutate({ what: "secret", grace_seconds: GRACES.none });
    });
  return (
    <Stack maw={820} gap="lg">
      <Paper withBorder p="lg">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            save();
          }}
        >
          <Editable><Stack>
            <DraftNotes draft={draft} />
            {change.isError && <Trouble error={change.error} />}
            <Switch
              label={t("require_api_key")} description={t("require_api_key_about")}
              checked={form.require_api_key} onChange={(event) => draft.change({ require_api_key: event.currentTarget.checked })}
            />
            <SignatureFields signature={form.signature} preset={preset} faults={faults} onChange={(signature) => draft.change({ signature })} />
            <TagsInput
              label={t("ip_allowlist")} description={t("ip_allowlist_about")} placeholder="203.0.113.0/24"
              value={form.ip_allowlist} onChange={(ip_allowlist) => draft.change({ ip_allowlist })}
            />
            <MayWrite says><Group>
              <Button type="submit" disabled={!draft.dirty} loading={change.isPending}>{t("save")}</Button>
              {draft.dirty && <Button variant="default" onClick={draft.reset}>{t("undo_changes")}</Button>}
            </Group></MayWrite>
          </Stack></Editable>
        </form>
      </Paper>
      <MayWrite><SignatureTest webhook={webhook} saved={!draft.dirty} /></MayWrite>
      <Secrets webhook={webhook} />
    </Stack>
  );
}

/** Whether a signature is asked for with a secret of ours, which was not so before. */
function needsOurSecret(before: Signature, { scheme, secret }: Signature): boolean {
  const isTyped = Boolean(secret) && !isMasked(secret);
  return !isTyped && scheme !== before.scheme && (scheme === "hmac_sha256" || scheme === "standard_webhooks" || scheme === "basic");
}
