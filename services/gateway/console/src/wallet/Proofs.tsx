import { useKnown } from "./context";
import type { Handed } from "./operations";

/** What is shown or read out to get what was redeemed, and where. */
export function Proofs({ redemption }: { redemption: Handed }) {
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
