/** Texts around every page, and of log-in and set-up, in Italian, in alphabetical order. */
import type { shell as english } from "../en/shell";

export const shell: Record<keyof typeof english, string> = {
  account: "Account",
  begin: "Inizia",
  dark_mode: "Modalità scura",
  deed: "Azione",
  find: "Trova",
  find_hint: "Una pagina, un webhook, un'email, un id dal registro",
  forgot_password: "Hai dimenticato la password? Un proprietario può darti un link per sceglierne una nuova.",
  found_nothing: "Nulla si chiama così.",
  light_mode: "Modalità chiara",
  log_in: "Accedi",
  log_out: "Esci",
  menu: "Menu",
  new_version: "C'è una nuova versione",
  new_version_advice: "Il server è stato aggiornato mentre questa pagina era aperta. Ricaricala per continuare.",
  page: "Pagina",
  page_not_found: "Questa pagina non esiste",
  page_not_found_advice: "L'indirizzo può essere scritto male, o ciò che c'era non c'è più.",
  reload: "Ricarica",
  session_ended: "Accedi di nuovo",
  session_ended_advice: "La tua sessione è terminata. Ciò che hai scritto è ancora dietro questa finestra.",
  set_up: "Benvenuto",
  set_up_about: "Scegli come accedere.",
  set_up_email: "Lascialo vuoto se qualcuno ti ha invitato.",
  skip: "Vai al contenuto",
};
