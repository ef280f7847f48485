import { ActionIcon, AppShell, Burger, Group, Menu, Modal, NavLink, Text, Tooltip, useMantineColorScheme } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { IconLogout, IconMoon, IconSearch, IconSun, IconUser } from "@tabler/icons-react";
import { useEffect, useRef, useState, type MouseEvent } from "react";
import { whenSessionEnds } from "../api/client";
import { StayOrLeave } from "../components/StayOrLeave";
import { LogInForm } from "../signing_in/LogInForm";
import { useMay } from "../signing_in/may";
import { sessionQuery, useLeave } from "../signing_in/session";
import { chooseLanguage, LANGUAGES, useTexts, type Language } from "../texts";
import { focusArrived, useStandsAbovePages } from "./arriving";
import { FindAnything } from "./FindAnything";
import { PLACES } from "./places";

/** What is around every page: where one can go, who one is, and what is said when the session has ended. */
export function Shell() {
  const t = useTexts();
  const path = useLocation().pathname;
  const [opened, { toggle, close }] = useDisclosure();
  const [finding, find] = useDisclosure();
  const may = useMay();
  useEffect(close, [path, close]);
  useFocusOnMain(path);
  return (
    <>
    <a className="skip" href="#main" onClick={focusMain}>{t("skip")}</a>
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 232, breakpoint: "sm", collapsed: { mobile: !opened } }}
      padding={{ base: "md", sm: "xl" }}
    >
      <AppShell.Header px="md">
        <Group h="100%" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t("menu")} aria-expanded={opened} />
            <img src="/favicon.svg" width={28} height={28} alt="" />
            <Text fw={650} visibleFrom="xs">CloudCusp Mailer</Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Tooltip label={`${t("find")} (Ctrl-K)`}>
              <ActionIcon variant="default" size="lg" onClick={find.open} aria-label={t("find")}>
                <IconSearch size={18} />
              </ActionIcon>
            </Tooltip>
            <DarkOrLight />
            <Account />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label={t("menu")}>
        {PLACES.filter(({ scope }) => !scope || may(scope)).map(({ to, name, icon: Icon, also }) => (
          <NavLink
            key={to} component={Link} to={to} label={t(name)} leftSection={<Icon size={18} />} variant="light"
            active={to === "/" ? path === "/" : path.startsWith(to) || (also !== undefined && path.startsWith(also))}
          />
        ))}
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <div style={{ maxWidth: 1200, marginInline: "auto" }}>
          <Outlet />
        </div>
      </AppShell.Main>
      <FindAnything opened={finding} open={find.open} close={find.close} />
      <SessionEnded />
      <StayOrLeave />
    </AppShell>
    </>
  );
}

/** So that whoever does not see the page, or has no mouse, is where the new page begins. */
function useFocusOnMain(path: string) {
  const last = useRef(path);
  useEffect(() => {
    if (last.current === path) return;
    last.current = path;
    focusArrived(document.getElementById("main"));
  }, [path]);
}

/** The address stays: it is the router's. */
function focusMain(event: MouseEvent) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function DarkOrLight() {
  const t = useTexts();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const dark = colorScheme === "dark" || (colorScheme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  const label = dark ? t("light_mode") : t("dark_mode");
  return (
    <Tooltip label={label}>
      <ActionIcon variant="default" size="lg" onClick={() => setColorScheme(dark ? "light" : "dark")} aria-label={label}>
        {dark ? <IconSun size={18} /> : <IconMoon size={18} />}
      </ActionIcon>
    </Tooltip>
  );
}

function Account() {
  const t = useTexts();
  const session = useQuery(sessionQuery);
  const leave = useLeave();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label={t("account")}>
          <IconUser size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{session.data?.user.email}</Menu.Label>
        {Object.entries(LANGUAGES).map(([code, name]) => (
          <Menu.Item key={code} lang={code} onClick={() => chooseLanguage(code as Language)}>{name}</Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => leave.mutate("here")}>{t("log_out")}</Menu.Item>
        <Menu.Item onClick={() => leave.mutate("everywhere")}>{t("log_out_everywhere")}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** Also above a dialog that was open when the session ended. */
const ABOVE_ALL = 400;

/** Asks to log in over the page as it stands, so that nothing typed is lost. */
function SessionEnded() {
  const t = useTexts();
  const client = useQueryClient();
  const [ended, setEnded] = useState(false);
  useStandsAbovePages(ended);
  useEffect(() => {
    whenSessionEnds(() => setEnded(true));
    return () => whenSessionEnds(() => {});
  }, []);
  const entered = () => {
    setEnded(false);
    void client.invalidateQueries();
  };
  return (
    <Modal
      opened={ended} onClose={() => setEnded(false)} title={t("session_ended")} closeOnClickOutside={false} zIndex={ABOVE_ALL}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      <Text size="sm" mb="md">{t("session_ended_advice")}</Text>
      <LogInForm onEntered={entered} />
    </Modal>
  );
}
