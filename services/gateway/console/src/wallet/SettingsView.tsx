import { type FormEvent, useState } from "react";
import type { Language } from "../brand/language";
import { useKnown } from "./context";
import { Dialog } from "./Dialog";
import { UPDATE } from "./operations";
import { sentenceOf } from "./session";
import { shownDay } from "./shown";

const LANGUAGES: { language: Language; locale: string; name: string }[] = [
  { language: "zh", locale: "zh-CN", name: "中文" },
  { language: "en", locale: "en", name: "English" },
];
const NAME_LENGTH_MAX = 200;

export function SettingsView({ choose, leave }: { choose: (language: Language) => void; leave: () => void }) {
  const { session, words, language, member, refresh, fail } = useKnown();
  const [name, setName] = useState(member.name ?? "");
  const [note, setNote] = useState<{ text: string; isRefusal: boolean } | null>(null);
  const [isWorking, setIsWorking] = useState(false);
  const [isLeaving, setIsLeaving] = useState(false);

  const update = async (input: { name?: string | null; locale?: string }, then: Language) => {
    setIsWorking(true);
    setNote(null);
    try {
      const outcome = (await session.ask(UPDATE, { input }, then)).updateMyPreferences;
      if ("member" in outcome) refresh();
      else setNote({ text: outcome.message, isRefusal: true });
      return "member" in outcome;
    } catch (error) {
      setNote({ text: sentenceOf(error) ?? words.failedHint, isRefusal: true });
      fail(error);
      return false;
    } finally {
      setIsWorking(false);
    }
  };
  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (await update({ name: name.trim() || null }, language)) setNote({ text: words.saved, isRefusal: false });
  };
  const speak = (next: (typeof LANGUAGES)[number]) => {
    choose(next.language);
    void update({ locale: next.locale }, next.language);
  };

  return (
    <>
      <h1>{words.settings}</h1>
      <form className="sheet" onSubmit={(event) => void save(event)}>
        <label htmlFor="name">{words.name}</label>
        <div className="field">
          <input
            id="name"
            value={name}
            maxLength={NAME_LENGTH_MAX}
            placeholder={words.namePlaceholder}
            autoComplete="name"
            onChange={(event) => setName(event.target.value)}
          />
          <button type="submit" className="primary" disabled={isWorking}>
            {words.save}
          </button>
        </div>
        {note && (
          <p className={note.isRefusal ? "refusal" : "soft"} role={note.isRefusal ? "alert" : "status"}>
            {note.text}
          </p>
        )}
      </form>
      <fieldset className="sheet">
        <legend>{words.language}</legend>
        <div className="switch">
          {LANGUAGES.map((one) => (
            <button
              key={one.language}
              type="button"
              lang={one.locale}
              aria-pressed={one.language === language}
              onClick={() => speak(one)}
            >
              {one.name}
            </button>
          ))}
        </div>
        <p className="soft">{words.languageHint}</p>
      </fieldset>
      <section className="sheet">
        <dl>
          <div>
            <dt>{words.memberSince}</dt>
            <dd>{shownDay(member.enrolledAt, member.timezone, language)}</dd>
          </div>
        </dl>
      </section>
      <section className="sheet">
        <button type="button" className="wide quiet danger" onClick={() => setIsLeaving(true)}>
          {words.leave}
        </button>
        <p className="soft">{words.leaveHint}</p>
      </section>
      {isLeaving && (
        <Dialog title={words.leaveConfirm} onClose={() => setIsLeaving(false)}>
          <p className="soft">{words.leaveHint}</p>
          <div className="answers">
            <button type="button" className="quiet" onClick={() => setIsLeaving(false)}>
              {words.cancel}
            </button>
            <button type="button" className="primary" onClick={leave}>
              {words.leaveNow}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
