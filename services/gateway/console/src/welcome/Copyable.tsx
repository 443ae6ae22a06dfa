import { useRef, useState } from "react";
import type { Words } from "./words";

type Outcome = "none" | "copied" | "selected";
const SHOWN_MS = 2500;

/** A value with a button that copies it; without access to the clipboard it is selected for copying by hand. */
export function Copyable({ label, value, words }: { label: string; value: string; words: Words }) {
  const shown = useRef<HTMLElement>(null);
  const [outcome, setOutcome] = useState<Outcome>("none");

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      setOutcome("copied");
    } catch {
      if (shown.current) getSelection()?.selectAllChildren(shown.current);
      setOutcome("selected");
    }
    setTimeout(() => setOutcome("none"), SHOWN_MS);
  };

  const verdict = { none: "", copied: words.copied, selected: words.copyByHand }[outcome];
  return (
    <div className="copyable">
      {label && <span className="copyable-label">{label}</span>}
      <code ref={shown}>{value}</code>
      <button type="button" className="quiet" aria-label={`${words.copy} ${label || value}`} onClick={() => void copy()}>
        {verdict || words.copy}
      </button>
      <span className="unseen" role="status">
        {verdict}
      </span>
    </div>
  );
}
