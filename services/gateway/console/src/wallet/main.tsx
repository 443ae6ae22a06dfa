import { createRoot } from "react-dom/client";
import "../brand/brand.css";
import { App } from "./App";
import "./wallet.css";

createRoot(document.getElementById("root")!).render(<App />);
