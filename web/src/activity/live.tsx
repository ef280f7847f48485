import { Button, Tooltip } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { useTexts } from "../texts";
import type { FeedState } from "./feed";

interface LiveButtonProps {
  state: FeedState;
  onPause: (paused: boolean) => void;
}

/** Says whether a log follows what happens, and lets one hold it. */
export function LiveButton({ state, onPause }: LiveButtonProps) {
  const t = useTexts();
  const paused = state === "paused";
  return (
    <Tooltip label={t(`live_${state}_about`)} multiline maw={260}>
      <Button
        variant="default" onClick={() => onPause(!paused)}
        leftSection={paused ? <IconPlayerPlay size={16} /> : <IconPlayerPause size={16} />}
        rightSection={<span className="live" data-state={state} role="status">{t(`live_${state}`)}</span>}
      >
        {paused ? t("follow_live") : t("pause_live")}
      </Button>
    </Tooltip>
  );
}
