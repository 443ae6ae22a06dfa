// The server audits of `graphql-http`. MAYs are counted as checks and never as failures.
import { serverAudits } from "graphql-http";
import { audited, report } from "./report.mjs";

const { url, owner } = audited();
const authorized = (address, init = {}) =>
  fetch(address, { ...init, headers: { ...init.headers, authorization: `Bearer ${owner}` } });

const counts = { MUST: [0, 0], SHOULD: [0, 0], MAY: [0, 0] };
const failures = [];
for (const { fn } of serverAudits({ url, fetchFn: authorized })) {
  const { id, name, status, reason } = await fn();
  const [kind] = name.split(" ");
  counts[kind][1] += 1;
  if (status === "ok") counts[kind][0] += 1;
  else if (kind !== "MAY") failures.push(`${id} ${name}: ${reason}`);
}
const note = Object.entries(counts).map(([kind, [passed, all]]) => `${passed}/${all} ${kind}`).join(", ");
report({ checks: counts.MUST[1] + counts.SHOULD[1] + counts.MAY[1], failures, note });
