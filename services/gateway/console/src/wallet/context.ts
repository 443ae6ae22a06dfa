import { createContext, useCallback, useContext, useEffect, useRef, useState } from "react";
import type { Language } from "../brand/language";
import type { Member, Operation, Page, PageVariables } from "./operations";
import { type Session, sentenceOf } from "./session";
import type { Words } from "./words";

/** What every part of the page knows. */
export interface Known {
  session: Session;
  language: Language;
  words: Words;
  member: Member;
  scale: number;
  unitName: string;
  available: number;
  /** Ask for the card anew: something has changed. */
  refresh: () => void;
  /** Something could not be asked. */
  fail: (error: unknown) => void;
}

export const KnownContext = createContext<Known | null>(null);

export function useKnown(): Known {
  const known = useContext(KnownContext);
  if (known === null) throw new Error("outside of the page");
  return known;
}

export interface Listed<Item> {
  items: Item[] | null;
  hasMore: boolean;
  isLoading: boolean;
  /** What the server said when it refused; null where it is silent. */
  refusal: string | null;
  more: () => void;
  anew: () => void;
}

const PAGE_SIZE = 50;

/** A list that grows by pages. `pick` must stay the same function. */
export function useListed<Data, Item>(
  operation: Operation<Data, PageVariables>,
  pick: (data: Data) => Page<Item> | null,
): Listed<Item> {
  const { session, language, fail } = useKnown();
  const [items, setItems] = useState<Item[] | null>(null);
  const [after, setAfter] = useState<string | null>(null);
  const [hasMore, setHasMore] = useState(false);
  const [isLoading, setIsLoading] = useState(true);
  const [refusal, setRefusal] = useState<string | null>(null);
  const round = useRef(0);

  const load = useCallback(
    async (cursor: string | null) => {
      const mine = ++round.current;
      setIsLoading(true);
      setRefusal(null);
      try {
        const found = pick(await session.ask(operation, { first: PAGE_SIZE, after: cursor }, language));
        if (mine !== round.current || found === null) return;
        const nodes = found.edges.map((edge) => edge.node);
        setItems((before) => (cursor === null || before === null ? nodes : [...before, ...nodes]));
        setAfter(found.pageInfo.endCursor);
        setHasMore(found.pageInfo.hasNextPage);
      } catch (error) {
        if (mine !== round.current) return;
        setRefusal(sentenceOf(error));
        fail(error);
      } finally {
        if (mine === round.current) setIsLoading(false);
      }
    },
    [session, language, operation, pick, fail],
  );

  useEffect(() => {
    void load(null);
  }, [load]);

  return {
    items,
    hasMore,
    isLoading,
    refusal,
    more: () => void load(after),
    anew: () => void load(null),
  };
}
