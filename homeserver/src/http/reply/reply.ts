import { Readable } from "node:stream";

export type ReplyHeaders = Readonly<Record<string, string | number | undefined>>;

/** An answer other than "200 with this object". Made by the functions below. */
export class Reply {
  readonly status: number;
  readonly headers: ReplyHeaders;
  readonly payload: string | Buffer | Readable | undefined;

  constructor(status: number, headers: ReplyHeaders, payload?: string | Buffer | Readable) {
    this.status = status;
    this.headers = headers;
    this.payload = payload;
  }
}

/** The connection of the request becomes a socket. */
export const OPEN_SOCKET = new Reply(101, {});

const JSON_TYPE = { "content-type": "application/json" };

/** An object as JSON with another status or further headers. */
export function json(
  body: object,
  options: { status?: number; headers?: ReplyHeaders } = {},
): Reply {
  return raw(JSON.stringify(body), options);
}

/** Finished JSON text: it is sent byte for byte. */
export function raw(
  text: string,
  options: { status?: number; headers?: ReplyHeaders } = {},
): Reply {
  return new Reply(options.status ?? 200, { ...JSON_TYPE, ...options.headers }, text);
}

/**
 * JSON text that is sent while its parts are read. If reading fails the connection is cut, so that
 * nobody takes the half for the whole.
 */
export function inParts(parts: AsyncIterable<string>): Reply {
  return new Reply(200, JSON_TYPE, Readable.from(parts));
}

/** A JSON object in parts: some keys at once, then a list of JSON texts under each other key. */
export function streamed(
  head: object,
  lists: Readonly<Record<string, AsyncIterable<readonly string[]>>>,
): Reply {
  return inParts(pieces(head, lists));
}

async function* pieces(
  head: object,
  lists: Readonly<Record<string, AsyncIterable<readonly string[]>>>,
): AsyncGenerator<string> {
  let before = JSON.stringify(head).slice(0, -1);
  for (const [key, list] of Object.entries(lists)) {
    yield `${before}${before === "{" ? "" : ","}${JSON.stringify(key)}:[`;
    let separator = "";
    for await (const texts of list) {
      if (texts.length === 0) continue;
      yield separator + texts.join(",");
      separator = ",";
    }
    before = "]";
  }
  yield `${before}}`;
}

/** Bytes of any kind: `headers` should hold content-type and, where known, content-length. */
export function binary(
  payload: Readable | Buffer | string,
  options: { status?: number; headers: ReplyHeaders },
): Reply {
  return new Reply(options.status ?? 200, options.headers, payload);
}

/** Sends an answer by the framework. */
export function sendReply(
  reply: { code(n: number): unknown; headers(h: object): unknown; send(p?: unknown): unknown },
  answer: Reply,
): void {
  reply.code(answer.status);
  reply.headers(answer.headers);
  reply.send(answer.payload);
}
