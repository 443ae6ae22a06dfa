import { useState } from "react";
import { useKnown, useListed } from "./context";
import { Dialog } from "./Dialog";
import { List } from "./Lists";
import { CANCEL, type Page, REDEMPTIONS, type Redemption } from "./operations";
import { Picture } from "./Picture";
import { Proofs } from "./Proofs";
import { freshKey, sentenceOf } from "./session";
import { shownMinute, shownPoints } from "./shown";
import { STATUS_WORDS } from "./words";

const OVER = new Set(["CANCELED", "TIMED_OUT"]);

function pick(data: { me: { redemptions: Page<Redemption> } | null }): Page<Redemption> | null {
  return data.me?.redemptions ?? null;
}

/** What the member had for points, and what can still be given back. */
export function RedeemedList() {
  const { words, language, member, scale, refresh } = useKnown();
  const listed = useListed(REDEMPTIONS, pick);
  const [chosen, setChosen] = useState<Redemption | null>(null);
  const close = (hasChanged: boolean) => {
    setChosen(null);
    if (!hasChanged) return;
    refresh();
    listed.anew();
  };
  return (
    <>
      <List listed={listed} empty={words.noRedemptions} hint={words.noRedemptionsHint}>
        {(redemptions) => (
          <section className="sheet" aria-label={words.redeemed}>
            <ul className="entries">
              {redemptions.map((redemption) => (
                <li key={redemption.id} className={OVER.has(redemption.status) ? "gone" : undefined}>
                  {redemption.reward && <Picture reward={redemption.reward} size={48} />}
                  <span className="entry-what">
                    <strong>{redemption.rewardName?.[language] ?? words.rewards}</strong>
                    <span className="soft">
                      <time dateTime={redemption.occurredAt}>
                        {shownMinute(redemption.occurredAt, member.timezone, language)}
                      </time>
                      {` · ${STATUS_WORDS[language][redemption.status] ?? redemption.status}`}
                      {redemption.quantity > 1 && ` · × ${redemption.quantity}`}
                    </span>
                    {!OVER.has(redemption.status) && <Proofs redemption={redemption} />}
                    {redemption.isCancelableByMember && (
                      <button
                        type="button"
                        className="link"
                        aria-label={`${words.giveBack}: ${redemption.rewardName?.[language] ?? ""}`}
                        onClick={() => setChosen(redemption)}
                      >
                        {words.giveBack}
                      </button>
                    )}
                  </span>
                  <span className={OVER.has(redemption.status) ? "still" : "loss"}>
                    {shownPoints(-redemption.points, scale, language)}
                  </span>
                </li>
              ))}
            </ul>
          </section>
        )}
      </List>
      {chosen && <GiveBack redemption={chosen} close={close} />}
    </>
  );
}

function GiveBack({ redemption, close }: { redemption: Redemption; close: (hasChanged: boolean) => void }) {
  const { session, words, language, scale, unitName, fail } = useKnown();
  const [idempotencyKey] = useState(freshKey);
  const [isWorking, setIsWorking] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const giveBack = async () => {
    setIsWorking(true);
    setRefusal(null);
    try {
      const input = { redemptionId: redemption.id, idempotencyKey };
      const outcome = (await session.ask(CANCEL, { input }, language)).cancelRedemptionAsMember;
      if ("balance" in outcome) close(true);
      else setRefusal(outcome.message);
    } catch (error) {
      setRefusal(sentenceOf(error) ?? words.failedHint);
      fail(error);
    } finally {
      setIsWorking(false);
    }
  };
  return (
    <Dialog title={words.giveBackTitle} onClose={() => !isWorking && close(refusal !== null)}>
      <p>
        <strong>{redemption.rewardName?.[language]}</strong>
      </p>
      <dl>
        <div>
          <dt>{words.comesBack}</dt>
          <dd>
            {shownPoints(redemption.points, scale, language)} {unitName}
          </dd>
        </div>
      </dl>
      {refusal !== null && (
        <p className="refusal" role="alert">
          {refusal}
        </p>
      )}
      <div className="answers">
        <button type="button" className="quiet" disabled={isWorking} onClick={() => close(refusal !== null)}>
          {words.keep}
        </button>
        <button type="button" className="primary" disabled={isWorking} onClick={() => void giveBack()}>
          {isWorking ? words.working : words.giveBack}
        </button>
      </div>
    </Dialog>
  );
}
