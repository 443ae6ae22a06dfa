import { useCallback, useEffect, useState } from "react";
import type { Text } from "../brand/language";

export interface Credential {
  label: Text;
  value: string;
}

export interface Demo {
  name: Text;
  state: "loading" | "ready";
  /** Share of the demo already loaded, 0 to 1; absent when it isn't known. */
  progress?: number | null;
  members: number;
  purchases: number;
  points: number;
  source?: Text | null;
  credentials?: Credential[];
}

/** What `/welcome.json` says; a link that is null has no door here. */
export interface Status {
  graphiql: string | null;
  mail: string | null;
  health: string | null;
  docs: string | null;
  demo: Demo | null;
}

const REFRESH_MS = 2000;

/** The status, asked again while the demo loads; `failed` when the last question had no answer. */
export function useStatus(): { status: Status | null; failed: boolean; ask: () => void } {
  const [status, setStatus] = useState<Status | null>(null);
  const [failed, setFailed] = useState(false);
  const ask = useCallback(async () => {
    try {
      const response = await fetch("/welcome.json", { headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(`welcome.json answered ${response.status}`);
      setStatus((await response.json()) as Status);
      setFailed(false);
    } catch {
      setFailed(true);
    }
  }, []);

  useEffect(() => void ask(), [ask]);

  const loading = status?.demo?.state === "loading" && !failed;
  useEffect(() => {
    if (!loading) return;
    const timer = setInterval(() => void ask(), REFRESH_MS);
    return () => clearInterval(timer);
  }, [loading, ask]);

  return { status, failed, ask: () => void ask() };
}
