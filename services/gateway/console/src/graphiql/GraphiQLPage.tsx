import { useGraphiQL } from "@graphiql/react";
import { GraphiQL, type GraphiQLProps } from "graphiql";
import { useCallback, useEffect, useMemo, useState } from "react";
import { LanguageSwitch, useLanguage } from "../brand/language";
import { Bar } from "./Bar";
import { EditorTheme } from "./editorTheme";
import { ExampleMenu } from "./ExampleMenu";
import { tabOf, type Example, type Tab } from "./examples";
import { makeFetcher } from "./fetcher";
import { WORDS } from "./words";

/** A first visit opens the examples, a later one what was left. GraphiQL by itself forgets the first tab's variables. */
function openingProps(tabs: Tab[]): Pick<GraphiQLProps, "defaultTabs" | "initialQuery" | "initialVariables"> {
  const [first] = tabs;
  if (!first || localStorage.getItem("graphiql:tabState") !== null) return {};
  return { defaultTabs: tabs, initialQuery: first.query, initialVariables: first.variables };
}

/** Tells when the editors stand: until then a change of tab would be lost, and the tab's text with it. */
function Readiness({ onReady }: { onReady: () => void }) {
  const standing = useGraphiQL((state) => Boolean(state.queryEditor && state.variableEditor && state.responseEditor));
  useEffect(() => {
    if (standing) onReady();
  }, [standing, onReady]);
  return null;
}

export function GraphiQLPage({ examples }: { examples: Example[] }) {
  const [language, choose] = useLanguage();
  const [identity, setIdentity] = useState(0);
  const words = WORDS[language];
  // A new fetcher is how GraphiQL is told to read the schema again.
  const fetcher = useMemo(makeFetcher, [identity]);
  // Tabs are made once: switching the language must not rewrite what someone is working on.
  const [tabs] = useState(() => examples.map((example) => tabOf(example, language)));
  const [ready, setReady] = useState(false);
  const becomeReady = useCallback(() => setReady(true), []);
  const [start] = useState(() => openingProps(tabs));

  return (
    <>
      <Bar words={words} onIdentityChange={() => setIdentity((count) => count + 1)}>
        <LanguageSwitch language={language} choose={choose} />
      </Bar>
      <main className="workbench" inert={!ready} aria-busy={!ready}>
        <GraphiQL
          fetcher={fetcher}
          defaultQuery={words.firstQuery}
          shouldPersistHeaders={false}
          showPersistHeadersSettings={false}
          {...start}
        >
          <GraphiQL.Logo>
            <EditorTheme />
            <Readiness onReady={becomeReady} />
            <ExampleMenu examples={examples} language={language} words={words} />
          </GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}
