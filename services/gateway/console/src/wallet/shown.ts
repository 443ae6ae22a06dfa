import type { Language } from "../brand/language";

const TAG: Record<Language, string> = { en: "en", zh: "zh-CN" };

/** Points as people read them: with as many digits after the point as the unit shows. */
export function shownPoints(points: number, scale: number, language: Language, isSigned = false): string {
  return new Intl.NumberFormat(TAG[language], {
    minimumFractionDigits: scale,
    maximumFractionDigits: scale,
    signDisplay: isSigned ? "exceptZero" : "auto",
  }).format(points / 10 ** scale);
}

export function shownDay(instant: string, timezone: string, language: Language): string {
  return new Intl.DateTimeFormat(TAG[language], { dateStyle: "medium", timeZone: timezone }).format(new Date(instant));
}

export function shownMinute(instant: string, timezone: string, language: Language): string {
  const style = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  return new Intl.DateTimeFormat(TAG[language], { ...style, timeZone: timezone }).format(new Date(instant));
}

export function shownMonth(instant: string, timezone: string, language: Language): string {
  const style = { year: "numeric", month: "long" } as const;
  return new Intl.DateTimeFormat(TAG[language], { ...style, timeZone: timezone }).format(new Date(instant));
}

export function shownTime(at: Date, language: Language): string {
  return new Intl.DateTimeFormat(TAG[language], { timeStyle: "short" }).format(at);
}

export function shownMoney(amount: string, currency: string, language: Language): string {
  const style = { style: "currency", currency, currencyDisplay: "narrowSymbol" } as const;
  return new Intl.NumberFormat(TAG[language], { ...style, trailingZeroDisplay: "stripIfInteger" }).format(Number(amount));
}

/** A card's number in groups of four, as on a bank's card. Others than digits stay as they are. */
export function shownNumber(number: string): string {
  return /^\d{12,}$/.test(number) ? number.replace(/(\d{4})(?=\d)/g, "$1 ") : number;
}
