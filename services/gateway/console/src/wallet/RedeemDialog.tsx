import { useState } from "react";
import { useKnown } from "./context";
import { Dialog } from "./Dialog";
import { PickUp, SENT } from "./PickUp";
import { Picture } from "./Picture";
import { Proofs } from "./Proofs";
import { REDEEM, type Redeemed, type Reward } from "./operations";
import { freshKey, sentenceOf } from "./session";
import { shownPoints } from "./shown";

/** The question before points are spent, and what came of it. */
export function RedeemDialog({
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
  const [wish, setWish] = useState<{ choice: string | null; key: string }>({ choice: null, key: freshKey() });
  const [isWorking, setIsWorking] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isUnclear, setIsUnclear] = useState(false);
  const [had, setHad] = useState<Redeemed | null>(null);
  const isThing = reward.kind === "PHYSICAL";
  const points = (amount: number) => `${shownPoints(amount, scale, language)} ${unitName}`;
  // Another store is another wish.
  const [choose] = useState(() => (choice: string | null) => setWish({ choice, key: freshKey() }));
  const redeem = async () => {
    setIsWorking(true);
    setRefusal(null);
    try {
      const pickupStoreId = wish.choice === SENT ? null : wish.choice;
      const input = { rewardId: reward.id, expectedPoints: cost, idempotencyKey: wish.key, pickupStoreId };
      const outcome = (await session.ask(REDEEM, { input }, language)).redeemAsMember;
      if ("balance" in outcome) setHad(outcome);
      else setRefusal(outcome.message);
    } catch (error) {
      setRefusal(sentenceOf(error) ?? words.failedHint);
      setIsUnclear(true);
      fail(error);
    } finally {
      setIsWorking(false);
    }
  };
  const what = (
    <div className="subject">
      <Picture reward={reward} size={64} />
      <p>
        <strong>{reward.name[language]}</strong>
        <span className="soft">{reward.description[language]}</span>
      </p>
    </div>
  );
  if (had !== null) {
    return (
      <Dialog title={words.redeemedTitle} onClose={() => close(true)}>
        {what}
        {had.redemption && <Proofs redemption={had.redemption} />}
        <p className="soft">{words.redeemedHint}</p>
        <dl>
          <div>
            <dt>{words.balance}</dt>
            <dd>{points(had.balance)}</dd>
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
      {what}
      {isThing && <PickUp reward={reward} choice={wish.choice} choose={choose} isFixed={isWorking || isUnclear} />}
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
        <button
          type="button"
          className="primary"
          disabled={isWorking || (isThing && wish.choice === null)}
          onClick={() => void redeem()}
        >
          {isWorking ? words.working : words.confirm}
        </button>
      </div>
    </Dialog>
  );
}
