import { Button, JsonInput, Modal, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { IconSend } from "@tabler/icons-react";
import { answer, api } from "../api/client";
import { ApiProblem } from "../api/problem";
import { useScratch } from "../components/drafts";
import { EventTypeInput, useEventTypes } from "../components/EventTypeInput";
import { tell } from "../components/tell";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import { objectOf } from "./object";

const NEW = { name: "", typed: "{}" };

/** A form that tells an event, beginning with the example of its kind. */
export function PublishEvent() {
  const t = useTexts();
  const client = useQueryClient();
  const kinds = useEventTypes().data ?? [];
  const [opened, { open, close }] = useDisclosure();
  const { value: { name, typed }, change } = useScratch("events/new", NEW);
  const data = objectOf(typed);
  const publish = useMutation({
    mutationFn: () => answer(api.POST("/events", { body: { event: name.trim(), data: data.value ?? {} } })),
    onSuccess: () => {
      close();
      tell(t("published", { name }));
      void client.invalidateQueries({ queryKey: ["events"] });
    },
  });
  const choose = (chosen: string) => {
    const example = kinds.find((kind) => kind.name === chosen)?.example;
    change({ name: chosen, ...(example ? { typed: JSON.stringify(example, null, 2) } : {}) });
  };
  const fields = publish.error instanceof ApiProblem ? publish.error.fields : {};
  return (
    <>
      <Button leftSection={<IconSend size={16} />} onClick={open}>{t("publish_event")}</Button>
      <Modal opened={opened} onClose={close} size="lg" title={t("publish_event")} closeButtonProps={{ "aria-label": t("close") }}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!data.fault) publish.mutate();
          }}
        >
          <Stack>
            <Text size="sm" c="dimmed">{t("publish_about")}</Text>
            {publish.isError && <Trouble error={publish.error} />}
            <EventTypeInput label={t("event")} value={name} onChange={choose} error={fields.event} />
            <JsonInput label={t("publish_data")} autosize minRows={6} maxRows={16} value={typed} onChange={(typed) => change({ typed })} error={data.fault ? t("not_json_object") : fields.data} />
            <Button type="submit" disabled={name.trim() === ""} loading={publish.isPending}>{t("publish")}</Button>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
