import { Button } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { useState } from "react";
import { useTexts } from "../texts";

/** How often a log that is looked at is asked for again, in milliseconds. */
const LIVE = 2_000;

/** Whether a log follows what happens, and the button that says so. */
export function useLive() {
  const t = useTexts();
  const [live, setLive] = useState(true);
  const button = (
    <Button
      variant="default" onClick={() => setLive(!live)}
      leftSection={live ? <IconPlayerPause size={16} /> : <IconPlayerPlay size={16} />}
    >
      {live ? t("pause_live") : t("follow_live")}
    </Button>
  );
  return { refresh: live ? LIVE : undefined, button };
}
