import "graphiql/setup-workers/vite";
import { createRoot } from "react-dom/client";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "../brand/brand.css";
import { fetchExamples } from "./examples";
import "./graphiql.css";
import { GraphiQLPage } from "./GraphiQLPage";

const examples = await fetchExamples();
createRoot(document.getElementById("root")!).render(<GraphiQLPage examples={examples} />);
