import { useEffect, useState } from "react";
import { useKnown } from "./context";
import { PICKUP_STORES, type PickupStore, type Reward } from "./operations";
import { sentenceOf } from "./session";

/** The reward is sent instead of picked up. */
export const SENT = "";
const TYPING_MS = 250;
const SEARCHED_FROM = 6;

/** Where a reward is handed over: a store, the member's own ones first; or it is sent. Null before it is known. */
export function PickUp({
  reward,
  choice,
  choose,
  isFixed,
}: {
  reward: Reward;
  choice: string | null;
  /** Nothing else can be chosen any more: perhaps it was asked for already. */
  isFixed: boolean;
  choose: (choice: string | null) => void;
}) {
  const { session, words, language } = useKnown();
  const [stores, setStores] = useState<PickupStore[] | null>(null);
  const [isLong, setIsLong] = useState(false);
  const [search, setSearch] = useState("");
  const [refusal, setRefusal] = useState<string | null>(null);
  // What only some stores hand out is sent to nobody.
  const canBeSent = reward.terms.stores.length === 0;

  useEffect(() => {
    let isWanted = true;
    const look = async () => {
      try {
        const input = { rewardId: reward.id, search: search.trim() || null };
        const outcome = (await session.ask(PICKUP_STORES, { input }, language)).pickupStores;
        if (!isWanted) return;
        setRefusal("stores" in outcome ? null : outcome.message);
        if (!("stores" in outcome)) return;
        setStores(outcome.stores);
        if (input.search !== null) return;
        setIsLong(outcome.stores.length >= SEARCHED_FROM);
        choose(outcome.stores[0]?.id ?? (canBeSent ? SENT : null));
      } catch (error) {
        if (isWanted) setRefusal(sentenceOf(error) ?? words.failedHint);
      }
    };
    const timer = setTimeout(() => void look(), search ? TYPING_MS : 0);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [session, language, words, reward, search, canBeSent, choose]);

  if (refusal !== null) {
    return (
      <p className="refusal" role="alert">
        {refusal}
      </p>
    );
  }
  if (stores === null) return <p className="soft">{words.working}</p>;
  const option = (id: string, name: string, more: string | null) => (
    <li key={id}>
      <label className="option">
        <input type="radio" name="pickup" checked={choice === id} onChange={() => choose(id)} />
        <span>
          {name}
          {more && <span className="soft">{more}</span>}
        </span>
      </label>
    </li>
  );
  return (
    <fieldset className="pickup" disabled={isFixed}>
      <legend>{words.pickUpWhere}</legend>
      {isLong && (
        <input
          type="search"
          value={search}
          aria-label={words.findStore}
          placeholder={words.findStore}
          onChange={(event) => setSearch(event.target.value)}
        />
      )}
      <ul className="options">
        {stores.map((store) => option(store.id, store.name, store.address))}
        {canBeSent && !search && option(SENT, words.sendIt, null)}
      </ul>
      {stores.length === 0 && (search || !canBeSent) && <p className="soft">{words.noStore}</p>}
    </fieldset>
  );
}
