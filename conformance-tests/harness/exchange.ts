import { Agent, request } from "undici";

/** One HTTP request, nothing followed and nothing tried again. */
interface Question {
  readonly url: string;
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly timeoutMs?: number;
}

export interface Answer<Body = unknown> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The parsed JSON; undefined when the answer is not JSON. */
  readonly body: Body;
  readonly bytes: Buffer;
}

export type Exchange = (question: Question) => Promise<Answer>;

/** An HTTP client that trusts these authorities (PEM), or the system's when none are given. */
export function createExchange(ca: string | undefined): Exchange {
  const dispatcher = new Agent({ connect: ca === undefined ? {} : { ca }, connections: 64 });
  return async ({ url, method, headers, body, timeoutMs = 40_000 }) => {
    const answer = await request(url, {
      dispatcher,
      method,
      headers,
      body,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    return { status: answer.statusCode, headers: flat(answer.headers), body: json(bytes), bytes };
  };
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value].flat().join(", ")]),
  );
}

function json(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
