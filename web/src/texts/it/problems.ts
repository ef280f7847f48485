/** What is said of a problem, by its code, in Italian, in alphabetical order. */
import type { problems as english } from "../en/problems";

export const problems: Record<keyof typeof english, string> = {
  problem_body_timeout: "Il corpo non è arrivato in tempo",
  problem_body_too_large: "Il corpo è troppo grande",
  problem_body_unreadable: "Non è stato possibile leggere il corpo",
  problem_conflict: "La richiesta è in conflitto con ciò che è memorizzato",
  problem_csrf_token_needed: "Il token CSRF manca o è errato",
  problem_forbidden: "Non ti è permesso farlo",
  problem_https_required: "Serve HTTPS",
  problem_idempotency_key_reused: "La chiave di idempotenza è già stata usata per un'altra richiesta",
  problem_internal: "Qualcosa è andato storto sul server",
  problem_invalid_body: "Qualcosa non è valido",
  problem_invalid_header: "Un'intestazione non è valida",
  problem_invalid_query: "Un filtro o un'impostazione non è valida",
  problem_link_expired: "Il link non è più valido",
  problem_log_in_failed: "L'indirizzo email o la password è errata",
  problem_malformed_json: "Il JSON non è valido",
  problem_method_not_allowed: "Qui non è possibile",
  problem_not_found: "Non trovato",
  problem_too_many_requests: "Troppi tentativi",
  problem_unauthorized: "Devi accedere",
  problem_unavailable: "Il server non può farlo in questo momento",
  problem_unknown_fields: "Ci sono campi sconosciuti",
  problem_unsupported_media_type: "Questo tipo di file non è accettato",
};
