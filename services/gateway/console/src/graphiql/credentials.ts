/** Who asks: kept for this browser tab only, never longer and never in a cookie. */
export interface Credentials {
  token: string;
  tenant: string;
}

const KEY = "regulars.credentials";
const NOBODY: Credentials = { token: "", tenant: "" };

export function readCredentials(): Credentials {
  const kept = sessionStorage.getItem(KEY);
  return kept === null ? NOBODY : { ...NOBODY, ...(JSON.parse(kept) as Partial<Credentials>) };
}

export function keepCredentials(credentials: Credentials): void {
  if (credentials.token || credentials.tenant) sessionStorage.setItem(KEY, JSON.stringify(credentials));
  else sessionStorage.removeItem(KEY);
}

/** People paste the whole header as often as the bare token; both are understood. */
export function headersOf({ token, tenant }: Credentials): Record<string, string> {
  const bare = token.trim().replace(/^(authorization:\s*)?bearer\s+/i, "");
  const headers: Record<string, string> = {};
  if (bare) headers["Authorization"] = `Bearer ${bare}`;
  if (tenant.trim()) headers["X-Tenant"] = tenant.trim();
  return headers;
}
