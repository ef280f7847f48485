import { Center, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useEffect, type ReactNode } from "react";

/** The frame of the pages before the door. */
export function Door({ title, about, children }: { title: string; about?: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · CloudCusp Mailer`;
  }, [title]);
  return (
    <Center component="main" mih="100dvh" p="md">
      <Stack w="100%" maw={400}>
        <Group gap="sm">
          <img src="/favicon.svg" width={32} height={32} alt="" />
          <Text fw={650}>CloudCusp Mailer</Text>
        </Group>
        <Paper withBorder p="lg">
          <Stack>
            <Title order={1} size="h3">{title}</Title>
            {about && <Text c="dimmed" size="sm">{about}</Text>}
            {children}
          </Stack>
        </Paper>
      </Stack>
    </Center>
  );
}
