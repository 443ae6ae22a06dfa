import { createRoot } from "react-dom/client";
import "../brand/brand.css";
import { Welcome } from "./Welcome";
import "./welcome.css";

createRoot(document.getElementById("root")!).render(<Welcome />);
