import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { LanguageSwitch, useLanguage } from "../brand/language";
import { Mark } from "../brand/Mark";
import { CardView } from "./CardView";
import { type Known, KnownContext } from "./context";
import { HistoryView } from "./HistoryView";
import { Nothing } from "./Lists";
import { WALLET, type WalletData } from "./operations";
import { RewardsView } from "./RewardsView";
import { SettingsView } from "./SettingsView";
import { Closed, sentenceOf, sessionOfAddress } from "./session";
import { shownTime } from "./shown";
import { WORDS } from "./words";

type View = "card" | "rewards" | "history" | "settings";

const VIEWS: View[] = ["card", "rewards", "history", "settings"];
const ICONS: Record<View, string> = {
  card: "M3 7a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2zM3 10h18M7 15h4",
  rewards: "M4 11h16v8a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1zM3 7h18v4H3zM12 7v13M12 7C9 7 7 6 7 4.500S9.500 2.500 12 7c2.500-4.500 5-4 5-2.500S15 7 12 7",
  history: "M12 3a9 9 0 1 1-8.500 6M3 4v5h5M12 7v5l3.500 2",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
};
const REFRESH_MS = 4 * 60_000;

interface Loaded {
  data: WalletData;
  /** By how many milliseconds the server's clock is ahead of this phone's. */
  ahead: number;
  at: Date;
}

type Trouble = { isClosed: boolean; sentence: string | null };

export function App() {
  const [session] = useState(sessionOfAddress);
  const [language, choose] = useLanguage();
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const [view, setView] = useState<View>("card");
  const [hasLeft, setHasLeft] = useState(false);
  const words = WORDS[language];
  const main = useRef<HTMLElement>(null);

  const fail = useCallback((error: unknown) => {
    const isClosed = error instanceof Closed;
    setTrouble({ isClosed, sentence: isClosed ? error.sentence : sentenceOf(error) });
  }, []);
  const load = useCallback(async () => {
    if (!session.hasKey) return;
    try {
      const begin = Date.now();
      const data = await session.ask(WALLET, {}, language);
      // Half of the way there and back has passed since the server looked at its clock.
      const ahead = Date.parse(data.tenant.now) - (begin + Date.now()) / 2;
      setLoaded({ data, ahead, at: new Date() });
      setTrouble(null);
    } catch (error) {
      fail(error);
    }
  }, [session, language, fail]);

  useEffect(() => {
    void load();
    const timer = setInterval(() => void load(), REFRESH_MS);
    const look = () => {
      if (document.visibilityState === "visible") void load();
    };
    addEventListener("online", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      removeEventListener("online", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, [load]);

  const member = loaded?.data.me ?? null;
  const merchant = member?.card?.merchantName ?? "";
  useEffect(() => {
    document.title = merchant ? `${words.title} · ${merchant}` : words.title;
  }, [merchant, words]);

  const known = useMemo<Known | null>(() => {
    if (member === null) return null;
    const unit = member.card?.unit;
    return {
      session,
      language,
      words,
      member,
      scale: member.card?.unitScale ?? 0,
      unitName: member.card?.unitName[language] ?? "",
      available: member.balances.find((one) => one.unit === unit)?.available ?? 0,
      refresh: () => void load(),
      fail,
    };
  }, [session, language, words, member, load, fail]);

  const leave = () => {
    session.close(language).then(() => setHasLeft(true), fail);
  };
  const go = (next: View) => {
    setView(next);
    scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  };
  const frame = (content: ReactNode) => (
    <div className="page">
      <header>
        <span className="name">
          <Mark size={26} />
          <span>{merchant || words.title}</span>
        </span>
        <LanguageSwitch language={language} choose={choose} />
      </header>
      {content}
    </div>
  );

  if (hasLeft) return frame(<Nothing title={words.leftTitle} hint={words.leftHint} />);
  if (!session.hasKey) return frame(<Nothing title={words.noKeyTitle} hint={words.noKeyHint} />);
  if (trouble?.isClosed) return frame(<Nothing title={words.closedTitle} hint={trouble.sentence ?? words.closedHint} />);
  if (known === null || loaded === null) {
    if (trouble !== null)
      return frame(
        <Nothing title={words.failedTitle} hint={trouble.sentence ?? words.failedHint} action={words.retry} act={() => void load()} />,
      );
    return frame(
      <div className="opening" role="status">
        <i />
        <i />
        <span className="only-read">{words.loading}</span>
      </div>,
    );
  }
  return (
    <KnownContext value={known}>
      {frame(
        <>
          {trouble !== null && (
            <p className="banner" role="status">
              <span>{trouble.sentence ?? words.offline(shownTime(loaded.at, language))}</span>
              <button type="button" className="quiet" onClick={() => void load()}>
                {words.retry}
              </button>
            </p>
          )}
          <main ref={main} tabIndex={-1}>
            {view === "card" && <CardView ahead={loaded.ahead} />}
            {view === "rewards" && <RewardsView />}
            {view === "history" && <HistoryView />}
            {view === "settings" && <SettingsView choose={choose} leave={leave} />}
          </main>
          <nav className="tabs" aria-label={words.sections}>
            {VIEWS.map((one) => (
              <button key={one} type="button" aria-current={one === view ? "page" : undefined} onClick={() => go(one)}>
                <svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" strokeWidth="1.7" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
                  <path d={ICONS[one]} />
                </svg>
                {words[one]}
              </button>
            ))}
          </nav>
        </>,
      )}
    </KnownContext>
  );
}
