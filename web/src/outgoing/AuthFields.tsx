import { PasswordInput, Select, TextInput } from "@mantine/core";
import { LinesText } from "../components/LinesText";
import { useTexts } from "../texts";
import { AUTH_METHODS, CLIENT_AUTHS, chosenAuth, type Auth, type AuthMethod } from "./form";

interface AuthFieldsProps extends CredentialsProps {
  /** What is saved, for those who come back to its method. */
  saved: Auth | undefined;
}

interface CredentialsProps {
  auth: Auth;
  onChange: (auth: Auth) => void;
}

/** How the destination knows us. */
export function AuthFields({ auth, saved, onChange }: AuthFieldsProps) {
  const t = useTexts();
  const methods = [...new Set<AuthMethod>([...AUTH_METHODS, auth.method])];
  return (
    <>
      <Select
        label={t("authentication")} allowDeselect={false} value={auth.method}
        onChange={(method) => method && method !== auth.method && onChange(chosenAuth(method as AuthMethod, saved))}
        data={methods.map((method) => ({ value: method, label: methodName(t, method) }))}
      />
      <Credentials key={auth.method} auth={auth} onChange={onChange} />
    </>
  );
}

function Credentials({ auth, onChange }: CredentialsProps) {
  const t = useTexts();
  switch (auth.method) {
    case "api_key":
      return (
        <>
          <TextInput label={t("header_name")} required value={auth.header ?? ""} onChange={(event) => onChange({ ...auth, header: event.currentTarget.value })} />
          <Hidden label={t("api_key")} value={auth.key} onChange={(key) => onChange({ ...auth, key })} />
        </>
      );
    case "bearer":
      return <Hidden label={t("token")} value={auth.token} onChange={(token) => onChange({ ...auth, token })} />;
    case "basic":
      return (
        <>
          <TextInput label={t("user_name")} required autoComplete="off" value={auth.username} onChange={(event) => onChange({ ...auth, username: event.currentTarget.value })} />
          <Hidden label={t("password")} required={false} value={auth.password} onChange={(password) => onChange({ ...auth, password })} />
        </>
      );
    case "custom_headers":
      return <LinesText label={t("extra_headers")} description={t("extra_headers_about")} value={auth.headers} onChange={(headers) => onChange({ ...auth, headers })} />;
    case "query":
      return <LinesText label={t("query_parameters")} description={t("extra_headers_about")} value={auth.params} onChange={(params) => onChange({ ...auth, params })} />;
    case "oauth2_client_credentials":
      return (
        <>
          <TokenServer auth={auth} onChange={onChange} />
          <Hidden label={t("client_secret")} value={auth.client_secret} onChange={(client_secret) => onChange({ ...auth, client_secret })} />
          <TokenRequest auth={auth} onChange={onChange} />
        </>
      );
    case "oauth2_refresh_token":
      return (
        <>
          <TokenServer auth={auth} onChange={onChange} />
          <Hidden label={t("client_secret")} required={false} value={auth.client_secret ?? ""} onChange={(secret) => onChange({ ...auth, client_secret: secret || undefined })} />
          <Hidden label={t("refresh_token")} value={auth.refresh_token} onChange={(refresh_token) => onChange({ ...auth, refresh_token })} />
          <TokenRequest auth={auth} onChange={onChange} />
        </>
      );
    default:
      return null;
  }
}

type OAuth = Extract<Auth, { token_url: string }>;

interface OAuthFieldsProps {
  auth: OAuth;
  onChange: (auth: OAuth) => void;
}

/** Who gives tokens, and to whom. */
function TokenServer({ auth, onChange }: OAuthFieldsProps) {
  const t = useTexts();
  return (
    <>
      <TextInput label={t("token_url")} type="url" required value={auth.token_url} onChange={(event) => onChange({ ...auth, token_url: event.currentTarget.value })} />
      <TextInput label={t("client_id")} required value={auth.client_id} onChange={(event) => onChange({ ...auth, client_id: event.currentTarget.value })} />
    </>
  );
}

/** What some servers want besides. */
function TokenRequest({ auth, onChange }: OAuthFieldsProps) {
  const t = useTexts();
  return (
    <>
      <TextInput label={t("token_scope")} description={t("token_scope_about")} value={auth.scope ?? ""} onChange={(event) => onChange({ ...auth, scope: event.currentTarget.value || undefined })} />
      <Select
        label={t("client_auth")} description={t("client_auth_about")} allowDeselect={false} value={auth.client_auth ?? "body"}
        onChange={(where) => onChange({ ...auth, client_auth: CLIENT_AUTHS.find((known) => known === where) })}
        data={CLIENT_AUTHS.map((where) => ({ value: where, label: t(`client_auth_${where}`) }))}
      />
      <LinesText label={t("token_params")} description={t("token_params_about")} value={auth.params ?? {}} onChange={(params) => onChange({ ...auth, params })} />
    </>
  );
}

function Hidden({ label, value, required = true, onChange }: { label: string; value: string; required?: boolean; onChange: (value: string) => void }) {
  return <PasswordInput label={label} required={required} autoComplete="off" value={value} onChange={(event) => onChange(event.currentTarget.value)} />;
}

function methodName(t: ReturnType<typeof useTexts>, method: AuthMethod): string {
  const known = AUTH_METHODS.find((name) => name === method);
  return known ? t(`auth_${known}`) : method;
}
