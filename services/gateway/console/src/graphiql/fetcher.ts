import type { GraphiQLProps } from "graphiql";
import { Kind, parse } from "graphql";
import { headersOf, readCredentials } from "./credentials";

type Fetcher = GraphiQLProps["fetcher"];

/**
 * GraphiQL learns the operation's name a moment after the text: run straight after a change of tab, the old name would
 * be sent along. A name that the text doesn't hold is left out.
 */
function holdsOperation(query: string, name: string): boolean {
  try {
    return parse(query).definitions.some(
      (definition) => definition.kind === Kind.OPERATION_DEFINITION && definition.name?.value === name,
    );
  } catch {
    return true; // The server explains a syntax error better.
  }
}

/** Asks `/graphql` by POST as whoever is named in the bar at that moment; the headers editor has the last word. */
export function makeFetcher(): Fetcher {
  return async (request, options) => {
    const { query, variables, operationName } = request;
    const named = operationName && holdsOperation(query, operationName) ? { operationName } : {};
    const response = await fetch("/graphql", {
      method: "POST",
      headers: {
        Accept: "application/graphql-response+json, application/json",
        "Content-Type": "application/json",
        ...headersOf(readCredentials()),
        ...(options?.headers as Record<string, string> | undefined),
      },
      body: JSON.stringify({ query, variables, ...named }),
    });
    const answer = await response.text();
    if (!response.headers.get("Content-Type")?.includes("json")) {
      throw new Error(`HTTP ${response.status} ${response.statusText}: ${answer.slice(0, 500)}`);
    }
    return JSON.parse(answer) as Awaited<ReturnType<Fetcher>>;
  };
}
