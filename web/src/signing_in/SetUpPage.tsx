import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { answer, api } from "../api/client";
import { ApiProblem } from "../api/problem";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import { Door } from "./Door";
import { linkOfAddress } from "./link";
import { useEnter } from "./session";

/** Where a set-up link leads: the first user names themselves; someone who was invited leaves the address empty. */
export function SetUpPage() {
  const t = useTexts();
  const navigate = useNavigate();
  const link = useRef(linkOfAddress());
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const enter = useEnter(({ email, password, link }) =>
    answer(api.POST("/set-up", { body: email ? { link, email, password } : { link, password } })),
  );
  const fields = enter.error instanceof ApiProblem ? enter.error.fields : {};
  return (
    <Door title={t("set_up")} about={t("set_up_about")}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          enter.mutate({ email, password, link: link.current }, { onSuccess: () => void navigate({ to: "/" }) });
        }}
      >
        <Stack>
          {enter.isError && <Trouble error={enter.error} />}
          <TextInput
            label={t("email")} description={t("set_up_email")} type="email" autoComplete="username" autoFocus
            value={email} onChange={(event) => setEmail(event.currentTarget.value)} error={fields.email}
          />
          <PasswordInput
            label={t("password")} description={t("password_rule")} autoComplete="new-password" required minLength={10}
            value={password} onChange={(event) => setPassword(event.currentTarget.value)} error={fields.password}
          />
          <Button type="submit" loading={enter.isPending}>{t("begin")}</Button>
        </Stack>
      </form>
    </Door>
  );
}
