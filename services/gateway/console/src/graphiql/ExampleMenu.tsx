import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { textIn, type Language } from "../brand/language";
import { tabOf, type Example } from "./examples";
import type { Words } from "./words";

interface ExampleMenuProps {
  examples: Example[];
  language: Language;
  words: Words;
}

/** Opens an example in a new tab. Tabs of an earlier visit may be stale; these are the server's of today. */
export function ExampleMenu({ examples, language, words }: ExampleMenuProps) {
  const { addTab } = useGraphiQLActions();
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);

  const open = (index: number) => {
    const example = examples[index];
    if (!example) return;
    const tab = tabOf(example, language);
    addTab();
    queryEditor?.setValue(tab.query);
    variableEditor?.setValue(tab.variables);
    queryEditor?.focus();
  };

  if (examples.length === 0) return null;
  return (
    <select className="quiet" aria-label={words.examples} value="" onChange={(event) => open(Number(event.target.value))}>
      <option value="" disabled hidden>
        {words.examples}
      </option>
      {examples.map((example, index) => (
        <option key={index} value={index}>
          {textIn(language, example.name)}
        </option>
      ))}
    </select>
  );
}
