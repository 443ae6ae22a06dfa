import { useMonaco } from "@graphiql/react";
import { useEffect } from "react";

const THEMES = [
  { name: "graphiql-LIGHT", base: "vs", accent: "#1d6b57", sheet: "#ffffff", argument: "9a4a1f" },
  { name: "graphiql-DARK", base: "vs-dark", accent: "#7fd0b8", sheet: "#18201e", argument: "f0a87f" },
] as const;

/** Gives GraphiQL's two editor themes our colors, under the names that GraphiQL already uses. */
export function EditorTheme() {
  const monaco = useMonaco((state) => state.monaco);
  useEffect(() => {
    if (!monaco) return;
    for (const { name, base, accent, sheet, argument } of THEMES) {
      const tint = `${accent}1f`;
      monaco.editor.defineTheme(name, {
        base,
        inherit: true,
        rules: [{ token: "argument.identifier.gql", foreground: argument }],
        colors: {
          "editor.background": "#ffffff00",
          "scrollbar.shadow": "#ffffff00",
          focusBorder: accent,
          "textLink.foreground": accent,
          "textLink.activeForeground": accent,
          "editorLink.activeForeground": accent,
          "list.hoverBackground": tint,
          "list.highlightForeground": accent,
          "list.focusHighlightForeground": accent,
          "menu.background": sheet,
          "menu.selectionBackground": tint,
          "menu.selectionForeground": accent,
          "editorWidget.background": sheet,
          "editorHoverWidget.background": sheet,
          "editorSuggestWidget.background": sheet,
          "editorSuggestWidget.selectedBackground": tint,
          "editorSuggestWidget.selectedForeground": accent,
          "quickInput.background": sheet,
          "quickInputList.focusBackground": tint,
        },
      });
    }
  }, [monaco]);
  return null;
}
