import { useEffect } from "react";
import { LanguageSwitch, useLanguage } from "../brand/language";
import { Mark } from "../brand/Mark";
import { Copyable } from "./Copyable";
import { DemoReceipt } from "./DemoReceipt";
import { useStatus, type Status } from "./status";
import { WORDS, type Words } from "./words";

function Doors({ status, words }: { status: Status; words: Words }) {
  const doors: [string | null, string, string][] = [
    [status.graphiql, words.graphiql, words.graphiqlHint],
    [status.mail, words.mail, words.mailHint],
    [status.health, words.health, words.healthHint],
    [status.docs, words.docs, words.docsHint],
  ];
  return (
    <nav aria-labelledby="doors">
      <h2 id="doors">{words.doors}</h2>
      <ul className="doors">
        {doors.map(
          ([address, name, hint]) =>
            address && (
              <li key={name}>
                <a href={address}>
                  <strong>{name}</strong>
                  <code>{address}</code>
                  <span>{hint}</span>
                </a>
              </li>
            ),
        )}
      </ul>
    </nav>
  );
}

export function Welcome() {
  const [language, choose] = useLanguage();
  const { status, failed, ask } = useStatus();
  const words = WORDS[language];
  useEffect(() => {
    document.title = words.title;
  }, [words]);

  return (
    <div className="page">
      <header>
        <a className="name" href="/">
          <Mark size={32} />
          <span>
            回头客 <span lang="en">Regulars</span>
          </span>
        </a>
        <LanguageSwitch language={language} choose={choose} />
      </header>
      <main>
        <div className="intro">
          <h1>{words.headline}</h1>
          <p>{words.about}</p>
          {status && <Doors status={status} words={words} />}
          {!status && !failed && <p role="status">{words.waiting}</p>}
          {failed && (
            <p className="failed" role="alert">
              {words.failed}{" "}
              <button type="button" className="quiet" onClick={ask}>
                {words.retry}
              </button>
            </p>
          )}
        </div>
        {status && (
          <section className="receipt" aria-labelledby="demo">
            <h2 id="demo">{words.demo}</h2>
            {status.demo ? (
              <DemoReceipt demo={status.demo} language={language} words={words} />
            ) : (
              <>
                <p>{words.noDemo}</p>
                <Copyable label="" value="./dev demo" words={words} />
              </>
            )}
          </section>
        )}
      </main>
    </div>
  );
}
