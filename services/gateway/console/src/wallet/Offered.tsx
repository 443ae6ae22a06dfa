import { useCallback, useState } from "react";
import { useKnown, useListed } from "./context";
import { List } from "./Lists";
import { type Money, type Page, REWARDS, type Reward } from "./operations";
import { Picture } from "./Picture";
import { RedeemDialog } from "./RedeemDialog";
import { shownDay, shownMoney, shownPoints } from "./shown";
import { KIND_WORDS } from "./words";

const SIFTED_FROM = 8;

interface Price {
  points: number;
  money: Money | null;
}

function pick(data: { me: { rewardsOffered: Page<Reward> } | null }): Page<Reward> | null {
  return data.me?.rewardsOffered ?? null;
}

/** What a reward costs a member of a tier. */
function priceOf(reward: Reward, tier: string | undefined): Price {
  const own = reward.terms.tierPrices.find((one) => one.tier === tier)?.price;
  return own ?? { points: reward.costPoints, money: reward.terms.price.money };
}

/** What the member can have for points. */
export function Offered() {
  const { words, member, available, refresh } = useKnown();
  const listed = useListed(REWARDS, pick);
  const tier = member.tier?.tier.code;
  const [chosen, setChosen] = useState<Reward | null>(null);
  const [isSifted, setIsSifted] = useState(false);
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
  const isWithinReach = (reward: Reward) => reward.stock !== 0 && priceOf(reward, tier).points <= available;
  return (
    <>
      <List listed={listed} empty={words.noRewards} hint={words.noRewardsHint}>
        {(rewards) => (
          <>
            {rewards.length >= SIFTED_FROM && (isSifted || rewards.some(isWithinReach)) && (
              <button
                type="button"
                className="chip"
                aria-pressed={isSifted}
                onClick={() => setIsSifted((before) => !before)}
              >
                {words.withinReach} · {rewards.filter(isWithinReach).length}
              </button>
            )}
            <ul className="rewards">
              {rewards
                .filter((reward) => !isSifted || isWithinReach(reward))
                .map((reward) => (
                  <Offer key={reward.id} reward={reward} price={priceOf(reward, tier)} choose={setChosen} />
                ))}
            </ul>
          </>
        )}
      </List>
      {chosen && <RedeemDialog reward={chosen} cost={priceOf(chosen, tier).points} close={close} />}
    </>
  );
}

function Offer({ reward, price, choose }: { reward: Reward; price: Price; choose: (reward: Reward) => void }) {
  const { words, language, member, scale, unitName, available } = useKnown();
  const missing = price.points - available;
  const points = (amount: number) => shownPoints(amount, scale, language);
  const counted = (count: string, word: string) => (language === "zh" ? `${word} ${count}` : `${count} ${word}`);
  // Money is taken by a till; what is done in some stores only is had there.
  const isAtTill = price.money !== null || (reward.kind !== "PHYSICAL" && reward.terms.stores.length > 0);
  const state = reward.stock === 0 ? words.soldOut : missing > 0 ? counted(points(missing), words.missing) : null;
  return (
    <li className={reward.stock === 0 ? "reward gone" : "reward"}>
      <Picture reward={reward} size={80} />
      <div className="reward-what">
        <span className="kind">{KIND_WORDS[language][reward.kind] ?? reward.kind}</span>
        <h2>{reward.name[language]}</h2>
        {reward.description[language] && <p className="soft about">{reward.description[language]}</p>}
        {reward.terms.availableUntil && (
          <p className="soft">
            {words.until} {shownDay(reward.terms.availableUntil, member.timezone, language)}
          </p>
        )}
      </div>
      <div className="reward-foot">
        <p className="price">
          <strong>{points(price.points)}</strong> {unitName}
          {price.money && ` + ${shownMoney(price.money.amount, price.money.currency, language)}`}
          {reward.stock !== null && reward.stock > 0 && (
            <span className="soft left">{counted(String(reward.stock), words.left)}</span>
          )}
        </p>
        {state === null && !isAtTill ? (
          <button
            type="button"
            className="primary"
            aria-label={`${words.redeem}: ${reward.name[language]}`}
            onClick={() => choose(reward)}
          >
            {words.redeem}
          </button>
        ) : (
          <span className="state">{state ?? words.atTill}</span>
        )}
      </div>
      {missing > 0 && reward.stock !== 0 && (
        <progress className="way" max={price.points} value={Math.max(0, available)} aria-hidden="true" />
      )}
    </li>
  );
}
