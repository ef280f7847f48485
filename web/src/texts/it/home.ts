/** Texts of the home page, in Italian, in alphabetical order. */
import type { home as english } from "../en/home";

export const home: Record<keyof typeof english, string> = {
  failing: "{name} non è riuscito a consegnare tutto",
  first_steps: "Primi passi",
  home_about: "Ciò che è entrato e uscito.",
  see_what_failed: "Vedi che cosa è fallito",
  sent_24h: "Inviati nelle ultime 24 ore",
  step_incoming: "Crea un indirizzo a cui gli altri inviano.",
  step_outgoing: "Comunica a un altro sistema ciò che accade.",
  step_watch: "3. Poi osserva qui ciò che entra ed esce.",
};
