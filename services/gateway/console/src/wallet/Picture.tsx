import { useState } from "react";
import type { Illustrated } from "./operations";

// The house's own pictures, for what a merchant shows none of, or one that does not come.
const OF_KIND: Record<string, string> = {
  COUPON: "ticket",
  DONATION: "heart",
  PHYSICAL: "gift",
  SERVICE: "bell",
  VIRTUAL: "screen",
};

/** The first picture of a reward. The name stands beside it, so that it says nothing of its own. */
export function Picture({ reward, size }: { reward: Illustrated; size: number }) {
  const [hasFailed, setHasFailed] = useState(false);
  const ours = `/w/pictures/${OF_KIND[reward.kind] ?? "gift"}.svg`;
  const shown = hasFailed ? ours : (reward.terms.images[0] ?? ours);
  return (
    <img
      className="picture"
      src={shown}
      alt=""
      width={size}
      height={size}
      loading="lazy"
      decoding="async"
      onError={() => setHasFailed(true)}
    />
  );
}
