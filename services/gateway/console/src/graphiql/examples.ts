import { textIn, type Language, type Text } from "../brand/language";

export interface Example {
  name: Text;
  query: string;
  variables?: Record<string, unknown> | string | null;
}

export interface Tab {
  query: string;
  variables: string;
}

/** The example operations of this server; none when it has none. */
export async function fetchExamples(): Promise<Example[]> {
  const response = await fetch("/graphiql/examples.json", { headers: { Accept: "application/json" } }).catch(() => null);
  return response?.ok ? ((await response.json()) as Example[]) : [];
}

/** The example as a tab of GraphiQL, its name standing above it as a comment. */
export function tabOf({ name, query, variables }: Example, language: Language): Tab {
  const text = typeof variables === "string" ? variables : variables ? JSON.stringify(variables, null, 2) : "";
  return { query: `# ${textIn(language, name)}\n${query.trim()}\n`, variables: text };
}
