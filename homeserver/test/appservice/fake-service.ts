/** An application service that takes what it is sent, or does worse. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { createValidators } from "@weft/spec/validators";
import { startHttpListener } from "../support/http-listener.ts";
import type { Body } from "../support/user.ts";

const validators = createValidators();

interface Taken {
  readonly txnId: string;
  readonly body: Body;
  /** As it came. */
  readonly text: string;
}

/** How a request is answered: a status with a body, which may get lost, or in a way of its own. */
type Answer =
  | { readonly status: number; readonly body?: unknown; readonly isLost?: boolean }
  | ((response: ServerResponse) => void);

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly token: string | undefined;
  readonly text: string;
}

/**
 * A service that remembers the transactions which it has answered with success, each once by its id.
 * `answer` decides before that; undefined: success with `{}`.
 */
export async function startFakeService(
  answer: (asked: Asked) => Answer | undefined = () => undefined,
) {
  const taken = new Map<string, Taken>();
  const asked: Asked[] = [];
  /** How transactions differ from the contract. */
  const faults: string[] = [];
  let decide = answer;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", "http://service.test");
    const body = await text(request);
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? "")?.[1];
    const one = {
      method: request.method!,
      path: url.pathname,
      query: url.searchParams,
      token,
      text: body,
    };
    asked.push(one);
    const found = decide(one) ?? { status: 200, body: {} };
    if (typeof found === "function") return found(response);
    const txnId = /\/transactions\/(.*)$/.exec(url.pathname)?.[1];
    if (txnId !== undefined)
      faults.push(...validators.body("appserviceSendTransaction", JSON.parse(body)));
    if (txnId !== undefined && found.status < 300 && !taken.has(txnId)) {
      taken.set(txnId, { txnId, body: JSON.parse(body), text: body });
    }
    if (found.isLost === true) return void response.destroy();
    response.writeHead(found.status, { "content-type": "application/json" });
    response.end(JSON.stringify(found.body ?? {}));
  }

  const { port, stop, start } = await startHttpListener(handle);
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    faults,
    get transactions(): Taken[] {
      return [...taken.values()];
    },
    /** What all transactions hold under a key, in order. */
    all: (key: string): Body[] => [...taken.values()].flatMap(({ body }) => body[key] ?? []),
    answer(next: (asked: Asked) => Answer | undefined) {
      decide = next;
    },
    /** Nothing listens at its address. */
    stop,
    start,
  };
}

export type FakeService = Awaited<ReturnType<typeof startFakeService>>;
