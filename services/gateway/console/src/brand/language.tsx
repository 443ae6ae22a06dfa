import { useEffect, useState } from "react";

export type Language = "en" | "zh";
/** A text of the server: one string for all, or one for each language. */
export type Text = string | Record<Language, string>;

const KEY = "regulars.language";

function isLanguage(value: string | null): value is Language {
  return value === "en" || value === "zh";
}

function preferredLanguage(): Language {
  const asked = new URLSearchParams(location.search).get("lang");
  if (isLanguage(asked)) return asked;
  const kept = localStorage.getItem(KEY);
  if (isLanguage(kept)) return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export function useLanguage(): [Language, (language: Language) => void] {
  const [language, setLanguage] = useState(preferredLanguage);
  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  }, [language]);
  const choose = (next: Language) => {
    localStorage.setItem(KEY, next);
    setLanguage(next);
  };
  return [language, choose];
}

export function textIn(language: Language, text: Text): string {
  return typeof text === "string" ? text : text[language];
}

export function LanguageSwitch({ language, choose }: { language: Language; choose: (language: Language) => void }) {
  const other: Language = language === "zh" ? "en" : "zh";
  return (
    <button type="button" className="quiet" lang={other === "zh" ? "zh-CN" : "en"} onClick={() => choose(other)}>
      {other === "zh" ? "中文" : "English"}
    </button>
  );
}
