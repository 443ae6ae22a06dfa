import { useState } from "react";
import { Coupons } from "./Coupons";
import { useKnown } from "./context";
import { Offered } from "./Offered";
import { RedeemedList } from "./Redeemed";
import { shownPoints } from "./shown";

type Shelf = "toRedeem" | "redeemed" | "coupons";

const SHELVES: Shelf[] = ["toRedeem", "redeemed", "coupons"];

export function RewardsView() {
  const { words, language, scale, unitName, available } = useKnown();
  const [shelf, setShelf] = useState<Shelf>("toRedeem");
  return (
    <>
      <div className="title">
        <h1>{words.rewards}</h1>
        <p className="beside">
          <strong>{shownPoints(available, scale, language)}</strong> {unitName}
        </p>
      </div>
      <div className="switch" role="group" aria-label={words.rewards}>
        {SHELVES.map((one) => (
          <button key={one} type="button" aria-pressed={one === shelf} onClick={() => setShelf(one)}>
            {words[one]}
          </button>
        ))}
      </div>
      {shelf === "toRedeem" && <Offered />}
      {shelf === "redeemed" && <RedeemedList />}
      {shelf === "coupons" && <Coupons />}
    </>
  );
}
