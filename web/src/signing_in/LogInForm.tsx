import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { answer, api } from "../api/client";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import { useEnter } from "./session";

/** Email and password. On a page of its own, and over a page whose session has ended. */
export function LogInForm({ onEntered }: { onEntered: () => void }) {
  const t = useTexts();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const enter = useEnter(({ email, password }) => answer(api.POST("/session", { body: { email, password } })));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        enter.mutate({ email, password, link: "" }, { onSuccess: onEntered });
      }}
    >
      <Stack>
        {enter.isError && <Trouble error={enter.error} />}
        <TextInput
          label={t("email")} type="email" name="email" autoComplete="username" required autoFocus
          value={email} onChange={(event) => setEmail(event.currentTarget.value)}
        />
        <PasswordInput
          label={t("password")} name="password" autoComplete="current-password" required
          value={password} onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Button type="submit" loading={enter.isPending}>{t("log_in")}</Button>
      </Stack>
    </form>
  );
}
