import type { GraphiQLProps } from "graphiql";
import { Kind, OperationTypeNode, parse } from "graphql";
import { createClient } from "graphql-ws";
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

/** Whether what is run is told again and again. The operation is the one of the name, or the only one. */
function isSubscription(query: string, name: string | undefined): boolean {
  try {
    return parse(query).definitions.some(
      (definition) =>
        definition.kind === Kind.OPERATION_DEFINITION &&
        definition.operation === OperationTypeNode.SUBSCRIPTION &&
        (!name || definition.name?.value === name),
    );
  } catch {
    return false; // The server explains a syntax error better.
  }
}

interface Asked extends Record<string, unknown> {
  query: string;
  variables?: Record<string, unknown>;
  operationName?: string;
}

/** Follows a subscription over a WebSocket of its own, until GraphiQL is told to stop. */
async function* follow(asked: Asked, headers: Record<string, string>) {
  const client = createClient({
    url: `${location.origin.replace("http", "ws")}/graphql`,
    // By their lower-case names, `authorization` and `x-tenant`, as the gateway takes them.
    connectionParams: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    retryAttempts: 0,
  });
  try {
    yield* client.iterate(asked);
  } finally {
    await client.dispose();
  }
}

/**
 * Asks `/graphql` by POST, or by WebSocket where it subscribes, as whoever is named in the bar at that moment; the
 * headers editor has the last word.
 */
export function makeFetcher(): Fetcher {
  return async (request, options) => {
    const { query, variables, operationName } = request;
    const named = operationName && holdsOperation(query, operationName) ? { operationName } : {};
    if (isSubscription(query, named.operationName)) {
      const given = options?.headers as Record<string, string> | undefined;
      const headers = { ...headersOf(readCredentials()), ...given };
      return follow({ query, variables, ...named } as Asked, headers) as Awaited<ReturnType<Fetcher>>;
    }
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
