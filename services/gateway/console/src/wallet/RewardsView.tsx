import { useCallback, useState } from "react";
import { useKnown, useListed } from "./context";
import { Dialog } from "./Dialog";
import { List } from "./Lists";
import {
  type Coupon,
  COUPONS,
  type Money,
  type Page,
  REDEEM,
  REDEMPTIONS,
  REWARDS,
  type Redemption,
  type Reward,
} from "./operations";
import { freshKey } from "./session";
import { shownDay, shownMinute, shownMoney, shownPoints } from "./shown";
import { COUPON_WORDS, KIND_WORDS, STATUS_WORDS } from "./words";

type Shelf = "toRedeem" | "redeemed" | "coupons";

const SHELVES: Shelf[] = ["toRedeem", "redeemed", "coupons"];

function pickRewards(data: { me: { rewardsOffered: Page<Reward> } | null }): Page<Reward> | null {
  return data.me?.rewardsOffered ?? null;
}

function pickRedemptions(data: { me: { redemptions: Page<Redemption> } | null }): Page<Redemption> | null {
  return data.me?.redemptions ?? null;
}

function pickCoupons(data: { me: { coupons: Page<Coupon> } | null }): Page<Coupon> | null {
  return data.me?.coupons ?? null;
}

/** What a reward costs a member of a tier. */
function priceOf(reward: Reward, tier: string | undefined): { points: number; money: Money | null } {
  const own = reward.terms.tierPrices.find((one) => one.tier === tier)?.price;
  return own ?? { points: reward.costPoints, money: reward.terms.price.money };
}

export function RewardsView() {
  const { words, language, scale, unitName, available } = useKnown();
  const [shelf, setShelf] = useState<Shelf>("toRedeem");
  return (
    <>
      <h1>{words.rewards}</h1>
      <p className="beside">
        <strong>{shownPoints(available, scale, language)}</strong> {unitName}
      </p>
      <div className="switch" role="group" aria-label={words.rewards}>
        {SHELVES.map((one) => (
          <button key={one} type="button" aria-pressed={one === shelf} onClick={() => setShelf(one)}>
            {words[one]}
          </button>
        ))}
      </div>
      {shelf === "toRedeem" && <Offered />}
      {shelf === "redeemed" && <Redeemed />}
      {shelf === "coupons" && <Coupons />}
    </>
  );
}

function Offered() {
  const { words, language, member, scale, unitName, available, refresh } = useKnown();
  const listed = useListed(REWARDS, pickRewards);
  const tier = member.tier?.tier.code;
  const [chosen, setChosen] = useState<Reward | null>(null);
  const { anew } = listed;
  const close = useCallback(
    (hasChanged: boolean) => {
      setChosen(null);
      if (!hasChanged) return;
      refresh();
      anew();
    },
    [refresh, anew],
  );
  const stateOf = (reward: Reward): string | null => {
    if (reward.stock === 0) return words.soldOut;
    const price = priceOf(reward, tier);
    const missing = price.points - available;
    // Money is taken by a till, and what only some stores hand out is had there.
    if (missing <= 0) return price.money !== null || reward.terms.stores.length > 0 ? words.atTill : null;
    const amount = shownPoints(missing, scale, language);
    return language === "zh" ? `${words.missing} ${amount}` : `${amount} ${words.missing}`;
  };
  return (
    <>
      <List listed={listed} empty={words.noRewards} hint={words.noRewardsHint}>
        {(rewards) => (
          <ul className="rewards">
            {rewards.map((reward) => {
              const state = stateOf(reward);
              const price = priceOf(reward, tier);
              return (
                <li key={reward.id} className="reward">
                  <div>
                    <span className="kind">{KIND_WORDS[language][reward.kind] ?? reward.kind}</span>
                    <h2>{reward.name[language]}</h2>
                    {reward.description[language] && <p className="soft">{reward.description[language]}</p>}
                    <p className="price">
                      <strong>{shownPoints(price.points, scale, language)}</strong> {unitName}
                      {price.money && ` + ${shownMoney(price.money.amount, price.money.currency, language)}`}
                      {reward.stock !== null && reward.stock > 0 && (
                        <span className="soft">
                          {" · "}
                          {language === "zh" ? `${words.left} ${reward.stock}` : `${reward.stock} ${words.left}`}
                        </span>
                      )}
                    </p>
                    {reward.terms.availableUntil && (
                      <p className="soft">
                        {words.until} {shownDay(reward.terms.availableUntil, member.timezone, language)}
                      </p>
                    )}
                  </div>
                  {state === null ? (
                    <button
                      type="button"
                      className="primary"
                      aria-label={`${words.redeem}: ${reward.name[language]}`}
                      onClick={() => setChosen(reward)}
                    >
                      {words.redeem}
                    </button>
                  ) : (
                    <span className="state">{state}</span>
                  )}
                </li>
              );
            })}
          </ul>
        )}
      </List>
      {chosen && <Confirm reward={chosen} cost={priceOf(chosen, tier).points} close={close} />}
    </>
  );
}

function Confirm({
  reward,
  cost,
  close,
}: {
  reward: Reward;
  cost: number;
  close: (hasChanged: boolean) => void;
}) {
  const { session, words, language, scale, unitName, available, fail } = useKnown();
  // One key for one wish: a second try after an answer that was lost redeems nothing twice.
  const [idempotencyKey] = useState(freshKey);
  const [isWorking, setIsWorking] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [balance, setBalance] = useState<number | null>(null);
  const points = (amount: number) => `${shownPoints(amount, scale, language)} ${unitName}`;
  const redeem = async () => {
    setIsWorking(true);
    setRefusal(null);
    try {
      const input = { rewardId: reward.id, expectedPoints: cost, idempotencyKey };
      const outcome = (await session.ask(REDEEM, { input }, language)).redeemAsMember;
      if ("balance" in outcome) setBalance(outcome.balance);
      else setRefusal(outcome.message);
    } catch (error) {
      setRefusal(words.failedHint);
      fail(error);
    } finally {
      setIsWorking(false);
    }
  };
  if (balance !== null) {
    return (
      <Dialog title={words.redeemedTitle} onClose={() => close(true)}>
        <p>
          <strong>{reward.name[language]}</strong>
        </p>
        <p className="soft">{words.redeemedHint}</p>
        <dl>
          <div>
            <dt>{words.balance}</dt>
            <dd>{points(balance)}</dd>
          </div>
        </dl>
        <div className="answers">
          <button type="button" className="primary" onClick={() => close(true)}>
            {words.done}
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={words.confirmTitle} onClose={() => !isWorking && close(refusal !== null)}>
      <p>
        <strong>{reward.name[language]}</strong>
      </p>
      <dl>
        <div>
          <dt>{words.confirmCost}</dt>
          <dd>{points(cost)}</dd>
        </div>
        <div>
          <dt>{words.confirmAfter}</dt>
          <dd>{points(available - cost)}</dd>
        </div>
      </dl>
      {refusal !== null && (
        <p className="refusal" role="alert">
          {refusal}
        </p>
      )}
      <div className="answers">
        <button type="button" className="quiet" disabled={isWorking} onClick={() => close(refusal !== null)}>
          {words.cancel}
        </button>
        <button type="button" className="primary" disabled={isWorking} onClick={() => void redeem()}>
          {isWorking ? words.working : words.confirm}
        </button>
      </div>
    </Dialog>
  );
}

function Redeemed() {
  const { words, language, member, scale } = useKnown();
  const listed = useListed(REDEMPTIONS, pickRedemptions);
  return (
    <List listed={listed} empty={words.noRedemptions} hint={words.noRedemptionsHint}>
      {(redemptions) => (
        <section className="sheet" aria-label={words.redeemed}>
          <ul className="entries">
            {redemptions.map((redemption) => (
              <li key={redemption.id}>
                <span className="entry-what">
                  <strong>{redemption.rewardName?.[language] ?? words.rewards}</strong>
                  <span className="soft">
                    <time dateTime={redemption.occurredAt}>
                      {shownMinute(redemption.occurredAt, member.timezone, language)}
                    </time>
                    {` · ${STATUS_WORDS[language][redemption.status] ?? redemption.status}`}
                    {redemption.quantity > 1 && ` · × ${redemption.quantity}`}
                  </span>
                  <Proofs redemption={redemption} />
                </span>
                <span className="loss">{shownPoints(-redemption.points, scale, language)}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </List>
  );
}

/** What is shown or read out to get what was redeemed. */
function Proofs({ redemption }: { redemption: Redemption }) {
  const { words } = useKnown();
  const codes = redemption.pickupCode ? [redemption.pickupCode, ...redemption.codes] : redemption.codes;
  return (
    <>
      {codes.map((code) => (
        <span className="proof" key={code}>
          <span className="only-read">{words.showCode} </span>
          {code}
        </span>
      ))}
      {redemption.pickupStore && (
        <span className="soft">
          {words.pickUp} {redemption.pickupStore.name}
        </span>
      )}
      {redemption.deliveryReference && (
        <span className="soft">
          {words.delivery} {redemption.deliveryReference}
        </span>
      )}
    </>
  );
}

function Coupons() {
  const { words, language, member } = useKnown();
  const listed = useListed(COUPONS, pickCoupons);
  return (
    <List listed={listed} empty={words.noCoupons} hint={words.noCouponsHint}>
      {(coupons) => (
        <ul className="rewards">
          {coupons.map((coupon) => (
            <li key={coupon.id} className={coupon.status === "AVAILABLE" ? "reward coupon" : "reward coupon over"}>
              <div>
                <h2>{coupon.terms?.name[language]}</h2>
                {coupon.terms?.description[language] && (
                  <p className="soft">{coupon.terms.description[language]}</p>
                )}
                {coupon.code && <span className="proof">{coupon.code}</span>}
                {coupon.expiresAt && (
                  <p className="soft">
                    {words.until} {shownDay(coupon.expiresAt, member.timezone, language)}
                  </p>
                )}
              </div>
              <span className="state">{COUPON_WORDS[language][coupon.status] ?? coupon.status}</span>
            </li>
          ))}
        </ul>
      )}
    </List>
  );
}
