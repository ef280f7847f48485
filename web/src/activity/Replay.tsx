import { Group, SegmentedControl, TextInput } from "@mantine/core";
import { useState } from "react";
import { answer, api, type Schemas } from "../api/client";
import { useTexts } from "../texts";
import { fromLocal, toLocal } from "./filters";
import { sizeOf, taskOr, WorkModal, type Work } from "./WorkModal";

type ReplayStatus = Schemas["ReplayStatus"];

/** How far back it begins with, in milliseconds: an outage is rarely noticed later. */
const A_DAY = 24 * 60 * 60 * 1000;

interface ReplayProps {
  webhookId: string;
  opened: boolean;
  onClose: () => void;
}

/** Sends the deliveries of a time again. */
export function Replay({ webhookId, opened, onClose }: ReplayProps) {
  const t = useTexts();
  const [since, setSince] = useState(() => toLocal(new Date(Date.now() - A_DAY).toISOString()));
  const [until, setUntil] = useState("");
  const [status, setStatus] = useState<ReplayStatus>("failed");
  const path = { id: webhookId };
  const range = { since: fromLocal(since), until: fromLocal(until), status };
  const work: Work = {
    title: t("replay"), about: t("replay_about"), doIt: (n) => t("send_n_again", { n }), of: range, paced: true,
    count: async () => sizeOf(await answer(api.POST("/outgoing-webhooks/{id}/replay", { params: { path }, body: { ...range, dry_run: true } }))),
    run: async (per_second) => taskOr(await answer(api.POST("/outgoing-webhooks/{id}/replay", { params: { path }, body: { ...range, per_second } }))),
  };
  return (
    <WorkModal webhookId={webhookId} work={opened ? work : null} onClose={onClose}>
      <Group grow align="flex-start">
        <TextInput type="datetime-local" label={t("filter_since")} value={since} onChange={(event) => setSince(event.currentTarget.value)} />
        <TextInput type="datetime-local" label={t("filter_until")} description={t("until_about")} inputWrapperOrder={["label", "input", "description"]} value={until} onChange={(event) => setUntil(event.currentTarget.value)} />
      </Group>
      <SegmentedControl
        aria-label={t("replay_which")} value={status} onChange={(chosen) => setStatus(chosen as ReplayStatus)}
        data={(["failed", "all"] as const).map((value) => ({ value, label: t(`replay_${value}`) }))}
      />
    </WorkModal>
  );
}
