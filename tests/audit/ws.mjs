// graphql-transport-ws as a stranger meets it: the client of `graphql-ws`, and frames that no client should send.
import { CloseCode, createClient } from "graphql-ws";
import WebSocket from "ws";
import { audited, report } from "./report.mjs";

const { url, live_url: liveUrl, owner, key, member_ids: members } = audited();
const FEED = "subscription($memberId: ID) { ledgerEntryPosted(memberId: $memberId) { cursor entry { id sequence } member { id } } }";
const GIVE = `mutation($input: AdjustPointsInput!) { adjustPoints(input: $input) {
  ... on AdjustPointsPayload { entry { id } } ... on Error { code } } }`;
const PATIENCE_MS = 30_000;

const failures = [];
let checks = 0;
async function check(name, run) {
  checks += 1;
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(reject, PATIENCE_MS, new Error("took too long"))));
  try {
    await Promise.race([run(), late]);
  } catch (error) {
    failures.push(`${name}: ${error?.message ?? JSON.stringify(error)}`);
  } finally {
    clearTimeout(timer);
  }
}
function same(found, wanted) {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
  }
}

const connect = (token, more = {}) =>
  createClient({
    url: liveUrl,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    lazy: false,
    retryAttempts: 0,
    onNonLazyError: () => undefined,
    ...more,
  });
const once = (client, query, variables) =>
  new Promise((resolve, reject) => {
    let answer;
    client.subscribe({ query, variables }, { next: (value) => (answer = value), error: reject, complete: () => resolve(answer) });
  });
let numbers = 0;
async function give(member) {
  numbers += 1;
  const input = { member: { id: member }, points: 1, reason: "audit", idempotencyKey: `ws-${process.pid}-${numbers}` };
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${owner}` },
    body: JSON.stringify({ query: GIVE, variables: { input } }),
  });
  return (await answer.json()).data.adjustPoints.entry.id;
}

await check("a query is answered once", async () => {
  const client = connect(owner);
  same((await once(client, "{ __typename }")).data, { __typename: "Query" });
  await client.dispose();
});

await check("a refused operation ends in an error", async () => {
  const client = connect(key);
  const refused = await once(client, "{ nothing }").catch((errors) => errors);
  same(refused[0].extensions.code, "QUERY_INVALID");
  await client.dispose();
});

await check("a mutation is answered once", async () => {
  const client = connect(owner);
  const input = { member: { id: members[0] }, points: 1, reason: "audit", idempotencyKey: `ws-${process.pid}` };
  same(typeof (await once(client, GIVE, { input })).data.adjustPoints.entry.id, "string");
  await client.dispose();
});

await check("entries are told in order, each once, until nobody wants more", async () => {
  const client = connect(owner);
  const events = client.iterate({ query: FEED, variables: { memberId: members[1] } });
  const first = events.next();
  // The protocol has no word for "you are subscribed": entries are posted until one is told.
  const posted = [];
  const told = { done: false };
  first.finally(() => (told.done = true));
  while (!told.done) {
    posted.push(await give(members[1]));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const found = [(await first).value.data.ledgerEntryPosted];
  for (let more = 0; more < 3; more += 1) posted.push(await give(members[1]));
  while (found.at(-1).entry.id !== posted.at(-1)) found.push((await events.next()).value.data.ledgerEntryPosted);
  same(found.map(({ entry }) => entry.id), posted.slice(-found.length));
  same([...new Set(found.map(({ member }) => member.id))], [members[1]]);
  await events.return();
  await client.dispose();
});

await check("who has no credential is told so", async () => {
  const closed = new Promise((resolve) => connect("nobody", { on: { closed: resolve } }));
  same((await closed).code, CloseCode.Forbidden);
});

await check("pings of the client are answered", async () => {
  const pong = new Promise((resolve) => {
    const client = connect(owner, { keepAlive: 50, on: { pong: () => resolve(client) } });
  });
  await (await pong).dispose();
});

/** The code by which a socket is closed that says these frames. */
const codeAfter = (frames, protocol = "graphql-transport-ws") =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(liveUrl, protocol);
    socket.on("open", () => frames.forEach((frame) => socket.send(frame)));
    socket.on("close", resolve);
    socket.on("error", reject);
  });
const INIT = JSON.stringify({ type: "connection_init", payload: { authorization: `Bearer ${owner}` } });
const ASK = JSON.stringify({ id: "a", type: "subscribe", payload: { query: FEED } });
for (const [name, code, frames, protocol] of [
  ["an array", 4400, ["[]"]],
  ["a number", 4400, ["5"]],
  ["no JSON", 4400, ["nonsense"]],
  ["bytes", 4400, [Buffer.from([1, 2, 3])]],
  ["an unknown type", 4400, ['{"type":"start"}']],
  ["no id", 4400, [INIT, '{"type":"subscribe","payload":{"query":"{ __typename }"}}']],
  ["a frame too large", 4400, [JSON.stringify({ type: "ping", payload: { text: "x".repeat(300_000) } })]],
  ["a frame beyond measure", 1009, ["x".repeat(2_000_000)]],
  ["an operation before the acknowledgement", 4401, [ASK]],
  ["an id in use", 4409, [INIT, ASK, ASK]],
  ["two initialisations", 4429, [INIT, INIT]],
  ["the older protocol", 4406, [], "graphql-ws"],
  ["no initialisation", 4408, []],
]) {
  await check(`${name} is answered by ${code}`, async () => {
    // `ws` refuses a server that takes none of its protocols; the code is what it says before that.
    const found = await codeAfter(frames, protocol).catch((error) => (code === 4406 ? /subprotocol/i.test(error.message) && 4406 : error));
    same(found, code);
  });
}

report({ checks, failures, note: "graphql-ws 6 and 13 kinds of frames" });
process.exit(0);
