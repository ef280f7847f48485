/** Texts of the audit log, in Italian, in alphabetical order. */
import type { audit as english } from "../en/audit";

export const audit: Record<keyof typeof english, string> = {
  audit_about: "Chi ha fatto cosa, e quando. Nessuno può modificarlo, e le voci vecchie scadono col tempo.",
  audit_action: "Azione",
  audit_address: "Da",
  audit_changes: "Che cosa è cambiato",
  audit_entry: "Voce",
  audit_export: "Esporta",
  audit_kind: "È",
  audit_log: "Registro di controllo",
  audit_no_changes: "Non ha cambiato nulla.",
  audit_none: "Non è ancora stato fatto nulla",
  audit_request: "Richiesta",
  audit_target_id: "Il suo id",
};
