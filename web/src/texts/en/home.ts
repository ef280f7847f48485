/** Texts of the home page, in English, in alphabetical order. */
export const home = {
  failing: "{name} could not deliver everything",
  first_steps: "First steps",
  home_about: "What came in and went out.",
  see_what_failed: "See what failed",
  sent_24h: "Sent in the last 24 hours",
  step_incoming: "Make an address that others send to.",
  step_outgoing: "Tell another system what happens.",
  step_watch: "3. Then watch here what comes in and goes out.",
};
