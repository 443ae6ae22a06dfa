import { useState, type ReactNode } from "react";
import { Mark } from "../brand/Mark";
import { keepCredentials, readCredentials, type Credentials } from "./credentials";
import type { Words } from "./words";

interface BarProps {
  words: Words;
  /** Called when a changed field is left: the schema may look different to someone else. */
  onIdentityChange: () => void;
  children: ReactNode;
}

/** Who asks, in one line above GraphiQL. */
export function Bar({ words, onIdentityChange, children }: BarProps) {
  const [credentials, setCredentials] = useState(readCredentials);
  const [announced, setAnnounced] = useState(credentials);
  const [shown, setShown] = useState(false);

  const change = (part: Partial<Credentials>) => {
    const next = { ...credentials, ...part };
    keepCredentials(next);
    setCredentials(next);
  };
  const announce = () => {
    if (credentials === announced) return;
    setAnnounced(credentials);
    onIdentityChange();
  };

  return (
    <header className="bar">
      <a className="name" href="/">
        <Mark size={26} />
        <span>
          回头客 <span lang="en">Regulars</span>
        </span>
      </a>
      <div className="identity" title={words.kept} onBlur={announce}>
        <label className="field token">
          <span>{words.token}</span>
          <input
            type={shown ? "text" : "password"}
            name="token"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            placeholder={words.tokenHint}
            value={credentials.token}
            onChange={(event) => change({ token: event.target.value })}
          />
        </label>
        <button type="button" className="quiet" aria-pressed={shown} onClick={() => setShown(!shown)}>
          {shown ? words.hide : words.show}
        </button>
        <label className="field tenant">
          <span>{words.tenant}</span>
          <input
            type="text"
            name="tenant"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            placeholder={words.tenantHint}
            value={credentials.tenant}
            onChange={(event) => change({ tenant: event.target.value })}
          />
        </label>
      </div>
      {children}
    </header>
  );
}
