import type { ReactNode } from "react";
import { type Listed, useKnown } from "./context";

/** A list with its three other states: being asked, empty, failed. */
export function List<Item>({
  listed,
  empty,
  hint,
  children,
}: {
  listed: Listed<Item>;
  empty: string;
  hint: string;
  children: (items: Item[]) => ReactNode;
}) {
  const { words } = useKnown();
  if (listed.items === null) {
    if (listed.isLoading) return <Waiting />;
    return <Nothing title={words.failedTitle} hint={listed.refusal ?? words.failedHint} action={words.retry} act={listed.anew} />;
  }
  if (listed.items.length === 0) return <Nothing title={empty} hint={hint} />;
  return (
    <>
      {children(listed.items)}
      {listed.hasMore && (
        <button type="button" className="wide quiet" disabled={listed.isLoading} onClick={listed.more}>
          {listed.isLoading ? words.working : words.more}
        </button>
      )}
    </>
  );
}

export function Waiting() {
  const { words } = useKnown();
  return (
    <div className="waiting" role="status" aria-label={words.working}>
      <i />
      <i />
      <i />
    </div>
  );
}

export function Nothing({
  title,
  hint,
  action,
  act,
}: {
  title: string;
  hint: string;
  action?: string;
  act?: () => void;
}) {
  return (
    <div className="nothing">
      <svg viewBox="0 0 32 32" width="56" height="56" fill="none" aria-hidden="true">
        <path
          d="M4 23V9a5 5 0 0 1 5-5h14a5 5 0 0 1 5 5v14a5 5 0 0 1-5 5H13a3 3 0 0 1-3-3V13a3 3 0 0 1 3-3h6a3 3 0 0 1 3 3v5"
          stroke="currentColor"
          strokeWidth="2"
          strokeLinecap="round"
        />
        <circle cx="16.2" cy="19.6" r="2" fill="currentColor" />
      </svg>
      <h2>{title}</h2>
      <p>{hint}</p>
      {action !== undefined && (
        <button type="button" className="primary" onClick={act}>
          {action}
        </button>
      )}
    </div>
  );
}
