import { Loader, Text } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { answer, api } from "../api/client";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import { Door } from "./Door";
import { linkOfAddress } from "./link";
import { LogInForm } from "./LogInForm";
import { useEnter } from "./session";

export function LogInPage() {
  const t = useTexts();
  const navigate = useNavigate();
  const { back } = useSearch({ from: "/log-in" });
  const proceed = () => void navigate({ href: back ?? "/" });
  const enter = useEnter(({ link }) => answer(api.POST("/session", { body: { link } })));
  const link = useRef(linkOfAddress());
  const tried = useRef(false);

  // A link is good once, and React may run an effect twice.
  useEffect(() => {
    if (!link.current || tried.current) return;
    tried.current = true;
    history.replaceState(null, "", location.pathname + location.search);
    enter.mutate({ email: "", password: "", link: link.current }, { onSuccess: proceed });
  });

  if (enter.isPending) {
    return (
      <Door title={t("log_in")}>
        <Loader aria-label={t("loading")} />
      </Door>
    );
  }
  return (
    <Door title={t("log_in")}>
      {enter.isError && <Trouble error={enter.error} />}
      <LogInForm onEntered={proceed} />
      <Text size="sm" c="dimmed">{t("forgot_password")}</Text>
    </Door>
  );
}
