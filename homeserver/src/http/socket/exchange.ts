import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Readable, Writable } from "node:stream";

/** Who asks over a socket: what an HTTP request of theirs would say of them. */
export interface Asker {
  /** The connection: its address is theirs, or their proxy's. */
  readonly connection: Socket;
  /** `user-agent`, `x-forwarded-for` and `accept-language`, as the socket was opened with. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Asked {
  readonly method: string;
  /** Path and query, escaped. */
  readonly path: string;
  readonly body?: Buffer | undefined;
  readonly accessToken: string;
}

export interface Answered {
  readonly status: number;
  /** JSON. */
  readonly text: string;
}

/** Gives the request up, as a client does that closes its connection. */
export type Cancel = () => void;

/**
 * Hands a request to the same handlers that HTTP requests go to. `done` is called once, when these
 * have ended: with their answer, or undefined where the request was given up.
 */
export type Ask = (
  asker: Asker,
  asked: Asked,
  done: (answer: Answered | undefined) => void,
) => Cancel;

export function createAsk(routing: RequestListener): Ask {
  return (asker, asked, done) => {
    const request = new ExchangedRequest(asker, asked);
    const response = new ExchangedResponse(done);
    // Both have what the framework and the handlers use of Node's own.
    routing(request as unknown as IncomingMessage, response as unknown as ServerResponse);
    return () => void response.destroy();
  };
}

/** A request that came over a socket, in the form in which Node's HTTP server gives one. */
export class ExchangedRequest extends Readable {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly httpVersion = "1.1";
  readonly httpVersionMajor = 1;
  readonly httpVersionMinor = 1;
  /** All of the body is there. */
  readonly complete = true;
  readonly socket: Socket;
  #body: Buffer | undefined;

  constructor({ connection, headers }: Asker, { method, path, body, accessToken }: Asked) {
    super({ autoDestroy: false });
    this.method = method;
    this.url = path;
    this.headers = { ...headers, authorization: `Bearer ${accessToken}` };
    this.socket = connection;
    if (body === undefined) return;
    this.headers["content-type"] = "application/json";
    this.headers["content-length"] = String(body.length);
    this.#body = body;
  }

  override _read(): void {
    if (this.#body !== undefined && this.#body.length > 0) this.push(this.#body);
    this.#body = undefined;
    this.push(null);
  }
}

const BROKEN_OFF: Answered = {
  status: 502,
  text: JSON.stringify({ errcode: "M_UNKNOWN", error: "The answer broke off" }),
};

/** Takes an answer in as Node's own response would. */
class ExchangedResponse extends Writable {
  statusCode = 200;
  headersSent = false;
  shouldKeepAlive = true;
  readonly socket = null;
  readonly #headers = new Map<string, unknown>();
  #parts: string[] = [];
  #done: ((answer: Answered | undefined) => void) | undefined;

  constructor(done: (answer: Answered | undefined) => void) {
    super({ decodeStrings: false });
    this.#done = done;
  }

  writeHead(status: number): this {
    this.#settleIfGivenUp();
    this.statusCode = status;
    this.headersSent = true;
    return this;
  }

  setHeader(name: string, value: unknown): this {
    this.#settleIfGivenUp();
    this.#headers.set(name.toLowerCase(), value);
    return this;
  }

  getHeader(name: string): unknown {
    return this.#headers.get(name.toLowerCase());
  }

  getHeaders(): Record<string, unknown> {
    return Object.fromEntries(this.#headers);
  }

  hasHeader(name: string): boolean {
    return this.#headers.has(name.toLowerCase());
  }

  removeHeader(name: string): void {
    this.#headers.delete(name.toLowerCase());
  }

  writeContinue(): void {}

  override _write(chunk: string | Buffer, _encoding: string, written: () => void): void {
    this.#parts.push(typeof chunk === "string" ? chunk : chunk.toString("utf8"));
    written();
  }

  override _final(finished: () => void): void {
    this.#answer({ status: this.statusCode, text: this.#parts.join("") });
    finished();
  }

  /** Without an error: it was given up, and nobody waits for an answer. */
  override _destroy(error: Error | null, destroyed: (error?: Error | null) => void): void {
    if (error) this.#answer(BROKEN_OFF);
    else if (this.headersSent) this.#answer(undefined);
    this.#parts = [];
    destroyed(null);
  }

  /** The handler answers a request that was given up: it has ended. */
  #settleIfGivenUp(): void {
    if (this.destroyed) this.#answer(undefined);
  }

  #answer(answer: Answered | undefined): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(answer);
  }
}
