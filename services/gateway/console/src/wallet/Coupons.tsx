import { useState } from "react";
import type { Language } from "../brand/language";
import { QrCode } from "./Codes";
import { useKnown, useListed } from "./context";
import { Dialog } from "./Dialog";
import { List } from "./Lists";
import { type Coupon, type CouponTerms, COUPONS, type Money, type Page } from "./operations";
import { shownDay, shownMoney } from "./shown";
import { BENEFIT_WORDS, COUPON_WORDS } from "./words";

// What can be used stands before what has ended; otherwise the newest first, as they come.
const PLACE: Record<string, number> = { AVAILABLE: 0, HELD: 1, PENDING: 2 };
const LAST = 3;

function pick(data: { me: { coupons: Page<Coupon> } | null }): Page<Coupon> | null {
  return data.me?.coupons ?? null;
}

function placeOf(coupon: Coupon): number {
  return PLACE[coupon.status] ?? LAST;
}

function moneyOf(money: Money, language: Language): string {
  return shownMoney(money.amount, money.currency, language);
}

/** What a coupon is worth, in a word: ¥20, 10% off (in Chinese 9折: what is left to pay), or what it does. */
function valueOf(terms: CouponTerms, language: Language): string {
  const { kind, percent, amount } = terms.benefit;
  if (amount !== null) return moneyOf(amount, language);
  if (kind === "PERCENT" && percent !== null && Number(percent) < 100) {
    return language === "zh" ? `${Number((10 - Number(percent) / 10).toFixed(2))}折` : `−${Number(percent)}%`;
  }
  return BENEFIT_WORDS[language][kind] ?? "%";
}

export function Coupons() {
  const { words, language, member } = useKnown();
  const listed = useListed(COUPONS, pick);
  const [shown, setShown] = useState<Coupon | null>(null);
  return (
    <>
      <List listed={listed} empty={words.noCoupons} hint={words.noCouponsHint}>
        {(coupons) => (
          <ul className="rewards">
            {coupons
              .toSorted((one, other) => placeOf(one) - placeOf(other))
              .map((coupon) => (
                <li key={coupon.id} className={placeOf(coupon) === LAST ? "coupon over" : "coupon"}>
                  <Worth terms={coupon.terms} />
                  <div className="reward-what">
                    <h2>{coupon.terms?.name[language]}</h2>
                    {coupon.terms?.description[language] && (
                      <p className="soft">{coupon.terms.description[language]}</p>
                    )}
                    {coupon.terms?.minimum.amount && (
                      <p className="soft">{words.from(moneyOf(coupon.terms.minimum.amount, language))}</p>
                    )}
                    {coupon.expiresAt && (
                      <p className="soft">
                        {words.until} <span className="date">{shownDay(coupon.expiresAt, member.timezone, language)}</span>
                      </p>
                    )}
                  </div>
                  {coupon.status === "AVAILABLE" ? (
                    <button
                      type="button"
                      className="quiet"
                      aria-label={`${words.use}: ${coupon.terms?.name[language] ?? ""}`}
                      onClick={() => setShown(coupon)}
                    >
                      {words.use}
                    </button>
                  ) : (
                    <span className="state">{COUPON_WORDS[language][coupon.status] ?? coupon.status}</span>
                  )}
                </li>
              ))}
          </ul>
        )}
      </List>
      {shown && <Shown coupon={shown} close={() => setShown(null)} />}
    </>
  );
}

function Worth({ terms }: { terms: CouponTerms | null }) {
  const { language } = useKnown();
  const value = terms === null ? "" : valueOf(terms, language);
  return <p className={/\d/.test(value) ? "worth" : "worth word"}>{value}</p>;
}

/** A coupon as the till needs it: its code, or the word that the card is enough. */
function Shown({ coupon, close }: { coupon: Coupon; close: () => void }) {
  const { words, language } = useKnown();
  return (
    <Dialog title={coupon.terms?.name[language] ?? words.coupons} onClose={close}>
      {coupon.code ? (
        <div className="codes">
          <QrCode text={coupon.code} label={words.couponQr} />
          <p className="number">{coupon.code}</p>
          <p className="show">{words.show}</p>
        </div>
      ) : (
        <p className="soft">{words.onCard}</p>
      )}
      <div className="answers">
        <button type="button" className="primary" onClick={close}>
          {words.done}
        </button>
      </div>
    </Dialog>
  );
}
