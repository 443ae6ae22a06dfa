import { textIn, type Language } from "../brand/language";
import { Copyable } from "./Copyable";
import type { Demo } from "./status";
import type { Words } from "./words";

/** The demo chain as a till receipt: what is in it, how far it is loaded, and how to sign in. */
export function DemoReceipt({ demo, language, words }: { demo: Demo; language: Language; words: Words }) {
  const number = new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en");
  const percent = demo.progress == null ? null : Math.floor(Math.min(Math.max(demo.progress, 0), 1) * 100);
  const figures: [string, number][] = [
    [words.members, demo.members],
    [words.purchases, demo.purchases],
    [words.points, demo.points],
  ];
  return (
    <>
      <div className="receipt-head">
        <strong>{textIn(language, demo.name)}</strong>
        <span className={`state ${demo.state}`}>
          {demo.state === "ready" ? words.ready : words.loading}
          {demo.state === "loading" && percent !== null && ` ${percent}%`}
        </span>
      </div>
      {demo.state === "loading" && <progress aria-label={words.loading} {...(percent === null ? {} : { value: percent })} max={100} />}
      <dl>
        {figures.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{number.format(value)}</dd>
          </div>
        ))}
      </dl>
      {demo.credentials && demo.credentials.length > 0 && (
        <section aria-labelledby="credentials">
          <h3 id="credentials">{words.credentials}</h3>
          {demo.credentials.map(({ label, value }) => {
            const name = textIn(language, label);
            return <Copyable key={name} label={name} value={value} words={words} />;
          })}
        </section>
      )}
      {demo.source && (
        <p className="source">
          {words.source}
          {language === "zh" ? "：" : ": "}
          {textIn(language, demo.source)}
        </p>
      )}
    </>
  );
}
