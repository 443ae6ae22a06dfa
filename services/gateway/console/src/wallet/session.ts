import type { Language } from "../brand/language";
import { CLOSE, OPEN, type Operation } from "./operations";

/** The server can't be reached, or answers nothing that can be read. */
export class Unreachable extends Error {}

/** The page does not open any more: the link was used elsewhere, has ended or was revoked. */
export class Closed extends Error {
  constructor(readonly sentence: string | null) {
    super(sentence ?? "closed");
  }
}

/** The server refuses, and says why in the language that was asked for. */
export class Refused extends Error {}

/** What the server said about a refusal; null where it is silent. */
export function sentenceOf(error: unknown): string | null {
  return error instanceof Refused ? error.message : null;
}

const SLACK_MS = 20_000;
const ANSWER_MS_MAX = 15_000;

interface Reply<Data> {
  data?: Data;
  errors?: { message: string; extensions?: { code?: string } }[];
}

/** Opens the page of one merchant's card on this device, and asks in the member's name. */
export class Session {
  private token: string | null = null;
  private tokenEndsAt = 0;
  private opening: Promise<void> | null = null;

  constructor(
    private readonly merchant: string,
    private link: string | null,
  ) {}

  /** Whether this device has anything to open the page with. */
  get hasKey(): boolean {
    return this.link !== null || this.deviceKey !== null;
  }

  async ask<Data, Variables>(
    operation: Operation<Data, Variables>,
    variables: Variables,
    language: Language,
  ): Promise<Data> {
    await this.open(language);
    const reply = await this.send(operation, variables, language);
    if (reply.errors?.some((error) => error.extensions?.code === "CREDENTIAL_INVALID")) {
      this.token = null;
      await this.open(language);
      return told(await this.send(operation, variables, language));
    }
    return told(reply);
  }

  /** Gives the page up on this device. */
  async close(language: Language): Promise<void> {
    const deviceKey = this.deviceKey;
    if (deviceKey !== null) await this.send(CLOSE, { input: { deviceKey } }, language);
    this.token = null;
    this.link = null;
    localStorage.removeItem(this.place);
  }

  private open(language: Language): Promise<void> {
    if (this.token !== null && Date.now() < this.tokenEndsAt - SLACK_MS) return Promise.resolve();
    // Several questions at once open the page once.
    this.opening ??= this.openAnew(language).finally(() => {
      this.opening = null;
    });
    return this.opening;
  }

  private async openAnew(language: Language): Promise<void> {
    let refusal: string | null = null;
    // A link that was opened here before is of no more use, and the key that it gave is.
    for (const credential of [this.link, this.deviceKey]) {
      if (credential === null) continue;
      this.token = null;
      const outcome = told(await this.send(OPEN, { input: { credential } }, language)).openWallet;
      if ("token" in outcome) {
        this.token = outcome.token;
        this.tokenEndsAt = Date.now() + outcome.expiresInSeconds * 1000;
        if (outcome.deviceKey !== null) localStorage.setItem(this.place, outcome.deviceKey);
        this.link = null;
        return;
      }
      refusal = outcome.message;
    }
    throw new Closed(refusal);
  }

  private async send<Data, Variables>(
    operation: Operation<Data, Variables>,
    variables: Variables,
    language: Language,
  ): Promise<Reply<Data>> {
    const headers: Record<string, string> = {
      "Accept-Language": language,
      "Content-Type": "application/json",
      "X-Tenant": this.merchant,
    };
    if (this.token !== null) headers["Authorization"] = `Bearer ${this.token}`;
    try {
      const response = await fetch("/graphql", {
        method: "POST",
        headers,
        body: JSON.stringify({ query: operation.text, variables }),
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      });
      return (await response.json()) as Reply<Data>;
    } catch (error) {
      throw new Unreachable(String(error));
    }
  }

  private get deviceKey(): string | null {
    return localStorage.getItem(this.place);
  }

  private get place(): string {
    return `regulars.card.${this.merchant}`;
  }
}

function told<Data>(reply: Reply<Data>): Data {
  if (reply.data === undefined || reply.data === null || reply.errors) {
    const [error] = reply.errors ?? [];
    if (error?.extensions?.code === "TENANT_UNKNOWN") throw new Closed(error.message);
    if (error) throw new Refused(error.message);
    throw new Unreachable("no data");
  }
  return reply.data;
}

/** The merchant in the address, and the link's secret behind the `#`, which is taken out of the address. */
export function sessionOfAddress(): Session {
  const merchant = decodeURIComponent(location.pathname.split("/")[2] ?? "");
  const secret = location.hash.slice(1);
  if (secret.startsWith("rl_")) {
    // Neither the history nor somebody who looks over a shoulder needs it.
    history.replaceState(null, "", location.pathname + location.search);
    return new Session(merchant, secret);
  }
  return new Session(merchant, null);
}

/** An idempotency key. `crypto.randomUUID` is missing where a page comes over plain HTTP. */
export function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
