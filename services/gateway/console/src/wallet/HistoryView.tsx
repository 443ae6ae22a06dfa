import { useListed, useKnown } from "./context";
import { List } from "./Lists";
import { type Entry, HISTORY, type Page } from "./operations";
import { shownMinute, shownMonth, shownPoints } from "./shown";
import { ENTRY_WORDS } from "./words";

function pick(data: { me: { ledger: Page<Entry> } | null }): Page<Entry> | null {
  return data.me?.ledger ?? null;
}

export function HistoryView() {
  const { words, language, member, scale } = useKnown();
  const listed = useListed(HISTORY, pick);
  const byMonth = (entries: Entry[]) => {
    const months = new Map<string, Entry[]>();
    for (const entry of entries) {
      const month = shownMonth(entry.occurredAt, member.timezone, language);
      months.set(month, [...(months.get(month) ?? []), entry]);
    }
    return [...months];
  };
  return (
    <>
      <h1>{words.history}</h1>
      <List listed={listed} empty={words.noHistory} hint={words.noHistoryHint}>
        {(entries) =>
          byMonth(entries).map(([month, ofMonth]) => (
            <section className="sheet" key={month} aria-label={month}>
              <h2>{month}</h2>
              <ul className="entries">
                {ofMonth.map((entry) => (
                  <li key={entry.id}>
                    <span className="entry-what">
                      <strong>{ENTRY_WORDS[language][entry.kind] ?? entry.kind}</strong>
                      <span className="soft">
                        <time dateTime={entry.occurredAt}>
                          {shownMinute(entry.occurredAt, member.timezone, language)}
                        </time>
                        {entry.store && ` · ${entry.store.name}`}
                        {entry.reason && ` · ${entry.reason}`}
                      </span>
                    </span>
                    <span className={entry.points > 0 ? "gain" : entry.points < 0 ? "loss" : "still"}>
                      {shownPoints(entry.points, scale, language, true)}
                    </span>
                  </li>
                ))}
              </ul>
            </section>
          ))
        }
      </List>
    </>
  );
}
