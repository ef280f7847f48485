/** Texts of the audit log, in English, in alphabetical order. */
export const audit = {
  audit_about: "Who did what, and when. Nobody can change it, and old entries go with time.",
  audit_action: "Action",
  audit_address: "From",
  audit_changes: "What changed",
  audit_entry: "Entry",
  audit_export: "Export",
  audit_kind: "They are",
  audit_log: "Audit log",
  audit_no_changes: "Nothing was changed by it.",
  audit_none: "Nothing has been done yet",
  audit_request: "Request",
  audit_target_id: "Id of it",
};
