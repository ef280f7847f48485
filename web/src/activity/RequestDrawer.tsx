import { Alert, Button, Group, Stack, Text, Timeline } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";
import { MayWrite } from "../components/MayWrite";
import { Json, Moment, StatusBadge } from "../components/small";
import { tell, tellTrouble } from "../components/tell";
import { incomingQuery } from "../incoming/query";
import { useTexts, useWord } from "../texts";
import { CopyCurl, EntryDrawer, Facts, OtherEntry, Section } from "./EntryDrawer";
import { EventsMade } from "./Linked";
import { ResendEdited } from "./ResendEdited";

type Request = Schemas["Request"];

interface RequestDrawerProps {
  id: string | undefined;
  onClose: () => void;
  /** Shows another entry in its place. */
  onOpen: (id: string) => void;
}

/** One request: what came, what was done with it, and what can be done now. */
export function RequestDrawer({ id, onClose, onOpen }: RequestDrawerProps) {
  const t = useTexts();
  const request = useQuery({
    queryKey: ["request", id],
    queryFn: () => answer(api.GET("/requests/{id}", { params: { path: { id: id ?? "" } } })),
    enabled: id !== undefined,
  });
  return (
    <EntryDrawer title={t("request")} id={id} entry={request} onClose={onClose}>
      {(request) => <Detail key={request.id} request={request} onOpen={onOpen} />}
    </EntryDrawer>
  );
}

function Detail({ request, onOpen }: { request: Request; onOpen: (id: string) => void }) {
  const t = useTexts();
  const from = request.resent_from;
  return (
    <Stack>
      <Group gap="xs"><StatusBadge status={request.status} /><Moment at={request.received_at} /></Group>
      <What request={request} onOpen={onOpen} />
      {request.next_attempt_at && <Alert color="blue">{t("next_attempt")} <Moment at={request.next_attempt_at} /></Alert>}
      <Wrong request={request} />
      <Facts
        facts={[
          [t("event"), <code key="event">{request.event_type}</code>],
          [t("sender_ip"), request.sender_ip],
          [t("method"), `${request.method} · ${request.content_type}`],
          [t("attempts"), request.attempts],
          [t("entry_id"), <code key="id">{request.id}</code>],
          [t("resent_from"), from && <OtherEntry key="resent" id={from} onOpen={onOpen} />],
        ]}
      />
      <Section title={t("what_was_done")}><Actions actions={request.actions} /></Section>
      {request.events.length > 0 && <Section title={t("events_made")}><EventsMade ids={request.events} /></Section>}
      <Section title={t("payload")}><Json value={request.payload} label={t("payload")} /></Section>
      <Section title={t("headers")}><Json value={request.headers} label={t("headers")} height={220} /></Section>
      <Section title={t("our_answer")}>
        <Text size="sm">{request.response.status}</Text>
        <Json value={request.response.body} label={t("our_answer")} height={220} />
      </Section>
    </Stack>
  );
}

function What({ request, onOpen }: { request: Request; onOpen: (id: string) => void }) {
  const t = useTexts();
  const client = useQueryClient();
  const [editing, edit] = useDisclosure();
  const webhook = useQuery(incomingQuery(request.webhook_id));
  const retry = useMutation({
    mutationFn: () => answer(api.POST("/requests/{id}/retry", { params: { path: { id: request.id } } })),
    onSuccess: (after) => {
      client.setQueryData(["request", request.id], after);
      tell(t("retried"));
    },
    onError: tellTrouble,
  });
  return (
    <>
      <Group gap="xs">
        <MayWrite>
          <Button size="xs" loading={retry.isPending} disabled={request.status === "rejected"} onClick={() => retry.mutate()}>{t("run_again")}</Button>
          <Button size="xs" variant="default" onClick={edit.open}>{t("resend_edited")}…</Button>
        </MayWrite>
        {webhook.data && <CopyCurl sent={{ method: request.method, url: webhook.data.url, headers: request.headers, body: request.payload }} />}
      </Group>
      <ResendEdited
        opened={editing} onClose={edit.close} entry={`requests/${request.id}`} label={t("payload")} payload={request.payload} about={t("resend_request_about")}
        send={(payload) => answer(api.POST("/requests/{id}/resend", { params: { path: { id: request.id } }, body: { payload } }))}
        onSent={({ id }) => {
          edit.close();
          onOpen(id);
        }}
      />
    </>
  );
}

/** What went wrong, and what to do about it. */
function Wrong({ request: { status, errors, warnings } }: { request: Request }) {
  const t = useTexts();
  const advice = status === "failed" ? t("advice_failed") : status === "rejected" ? t("advice_rejected") : undefined;
  return (
    <>
      {(errors.length > 0 || advice) && (
        <Alert color="red" title={t("went_wrong")}>
          {errors.map(({ field, message }) => <Text key={field + message} size="sm"><strong>{field}</strong>: {message}</Text>)}
          {advice && <Text size="sm" mt={4}>{advice}</Text>}
        </Alert>
      )}
      {warnings.map((warning) => <Alert key={warning} color="yellow">{warning}</Alert>)}
    </>
  );
}

function Actions({ actions }: { actions: Schemas["ActionLog"][] }) {
  const t = useTexts();
  const word = useWord();
  if (actions.length === 0) return <Text size="sm" c="dimmed">{t("nothing_done")}</Text>;
  return (
    <Timeline bulletSize={14} lineWidth={2}>
      {actions.map(({ type, status, detail, duration_ms, output, step, record, part }) => (
        <Timeline.Item key={`${record}/${step}/${part}`} title={word("action", type)}>
          <Stack gap={4}>
            <Group gap="xs">
              <StatusBadge status={status} />
              <Text size="xs" c="dimmed">{t("milliseconds", { n: duration_ms })}</Text>
              {record !== undefined && record > 0 && <Text size="xs" c="dimmed">{t("record_number", { n: record + 1 })}</Text>}
            </Group>
            {detail && <Text size="sm" className="wrapping">{detail}</Text>}
            {output !== undefined && output !== null && <Json value={output} label={t("action_output")} height={140} />}
          </Stack>
        </Timeline.Item>
      ))}
    </Timeline>
  );
}
