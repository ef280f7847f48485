import { PasswordInput, Select, TextInput } from "@mantine/core";
import { LinesText } from "../components/LinesText";
import { useTexts } from "../texts";
import { AUTH_METHODS, newAuth, type Auth, type AuthMethod } from "./form";

interface AuthFieldsProps {
  auth: Auth;
  onChange: (auth: Auth) => void;
}

/** How the destination knows us. */
export function AuthFields({ auth, onChange }: AuthFieldsProps) {
  const t = useTexts();
  const methods = [...new Set<AuthMethod>([...AUTH_METHODS, auth.method])];
  return (
    <>
      <Select
        label={t("authentication")} allowDeselect={false} value={auth.method}
        onChange={(method) => method && onChange(newAuth(method as AuthMethod))}
        data={methods.map((method) => ({ value: method, label: methodName(t, method) }))}
      />
      <Credentials key={auth.method} auth={auth} onChange={onChange} />
    </>
  );
}

function Credentials({ auth, onChange }: AuthFieldsProps) {
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
          <Hidden label={t("password")} value={auth.password} onChange={(password) => onChange({ ...auth, password })} />
        </>
      );
    case "custom_headers":
      return <LinesText label={t("extra_headers")} description={t("extra_headers_about")} value={auth.headers} onChange={(headers) => onChange({ ...auth, headers })} />;
    case "query":
      return <LinesText label={t("query_parameters")} description={t("extra_headers_about")} value={auth.params} onChange={(params) => onChange({ ...auth, params })} />;
    case "oauth2_client_credentials":
      return (
        <>
          <TextInput label={t("token_url")} type="url" required value={auth.token_url} onChange={(event) => onChange({ ...auth, token_url: event.currentTarget.value })} />
          <TextInput label={t("client_id")} required value={auth.client_id} onChange={(event) => onChange({ ...auth, client_id: event.currentTarget.value })} />
          <Hidden label={t("client_secret")} value={auth.client_secret} onChange={(client_secret) => onChange({ ...auth, client_secret })} />
        </>
      );
    default:
      return null;
  }
}

function Hidden({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  return <PasswordInput label={label} required autoComplete="off" value={value} onChange={(event) => onChange(event.currentTarget.value)} />;
}

function methodName(t: ReturnType<typeof useTexts>, method: AuthMethod): string {
  const known = AUTH_METHODS.find((name) => name === method);
  return known ? t(`auth_${known}`) : method;
}
