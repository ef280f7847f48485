/** Texts around every page, and of log-in and set-up, in Italian, in alphabetical order. */
import type { shell as english } from "../en/shell";

export const shell: Record<keyof typeof english, string> = {
  account: "Account",
  begin: "Inizia",
  dark_mode: "Modalità scura",
  find: "Trova",
  find_hint: "Una pagina, un webhook, un'email",
  forgot_password: "Hai dimenticato la password? Un proprietario può darti un link per sceglierne una nuova.",
  found_nothing: "Nulla si chiama così.",
  light_mode: "Modalità chiara",
  log_in: "Accedi",
  log_out: "Esci",
  menu: "Menu",
  page: "Pagina",
  session_ended: "Accedi di nuovo",
  session_ended_advice: "La tua sessione è terminata. Ciò che hai scritto è ancora dietro questa finestra.",
  set_up: "Benvenuto",
  set_up_about: "Scegli come accedere.",
  set_up_email: "Lascialo vuoto se qualcuno ti ha invitato.",
};
