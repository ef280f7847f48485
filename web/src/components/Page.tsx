import { Group, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { useEffect } from "react";
import { useMay, type Scope } from "../signing_in/may";
import { MayOnlyLook } from "./MayWrite";

interface PageProps {
  title: string;
  /** What the page is for, in one sentence, for someone who sees it for the first time. */
  about?: ReactNode;
  /** Buttons beside the title. */
  actions?: ReactNode;
  /** What one must be allowed to do to see more than its name. */
  needs?: Scope;
  children: ReactNode;
}

/** What every page has: its name, in the tab too, what it is for, and what can be done. */
export function Page({ title, about, actions, needs = "read", children }: PageProps) {
  const isOpen = useMay()(needs);
  useEffect(() => {
    document.title = `${title} · CloudCusp Mailer`;
  }, [title]);
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start">
        <Stack gap={4} flex={1} miw={220}>
          <Title order={1} size="h2" style={{ overflowWrap: "anywhere" }}>
            {title}
          </Title>
          {about && (
            <Text c="dimmed" maw={640}>
              {about}
            </Text>
          )}
        </Stack>
        {actions && isOpen && <Group gap="xs">{actions}</Group>}
      </Group>
      {isOpen ? children : <MayOnlyLook />}
    </Stack>
  );
}
