/** What is shown to whom: buttons that the server would refuse are not there, and fields that it would not take are shut. */
import { Text } from "@mantine/core";
import { createContext, useContext, type ReactNode } from "react";
import { useMay } from "../signing_in/may";
import { useTexts } from "../texts";

/** Only for those who may change something. `says` tells the others why there is nothing. */
export function MayWrite({ says, children }: { says?: boolean; children: ReactNode }) {
  const may = useMay();
  if (may("write")) return children;
  return says ? <MayOnlyLook /> : null;
}

export function MayOnlyLook() {
  const t = useTexts();
  return <Text size="sm" c="dimmed">{t("may_only_look")}</Text>;
}

const Shut = createContext(false);

/** For fields that a fieldset can't shut, such as an editor. */
export function useIsShut(): boolean {
  return useContext(Shut);
}

/** Fields that can be changed by those who may, and are read by the others. */
export function Editable({ children }: { children: ReactNode }) {
  const shut = !useMay()("write");
  return (
    <Shut value={shut}>
      <fieldset className={shut ? "plain shut" : "plain"} disabled={shut}>{children}</fieldset>
    </Shut>
  );
}
