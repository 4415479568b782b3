import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

interface Reply {
  readonly status: number;
  readonly body: Buffer;
}

/** One keep-alive HTTP/1.1 connection that carries one request at a time. */
export interface Connection {
  /** Sends a whole request, as `requestText` writes it. Rejects when the connection breaks meanwhile. */
  exchange(request: string | Buffer): Promise<Reply>;
  close(): void;
}

export interface ConnectionOptions {
  /** PEM of a further authority to trust for https. */
  readonly ca?: string | undefined;
}

/** The text of a request. `path` includes the query; `body` is JSON text. */
export function requestText(
  origin: URL,
  method: string,
  path: string,
  { authorization, body }: { authorization?: string | undefined; body?: string | undefined } = {},
): string {
  let text = `${method} ${path} HTTP/1.1\r\nHost: ${origin.host}\r\n`;
  if (authorization !== undefined) text += `Authorization: ${authorization}\r\n`;
  if (body === undefined) return `${text}\r\n`;
  const length = Buffer.byteLength(body);
  return `${text}Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`;
}

interface Answer {
  readonly status: number;
  /** Bytes of the body; undefined: chunked. */
  readonly length: number | undefined;
  /** The server closes the connection after it. */
  readonly isLast: boolean;
  readonly parts: Buffer[];
  have: number;
}

/**
 * Opens (lazily, and again after the server closed it) a connection to `origin`. Written on the bare
 * socket, since every microsecond of the driver is one that the server on the same machine lacks.
 */
export function createConnection(origin: URL, options: ConnectionOptions = {}): Connection {
  let socket: Socket | undefined;
  let waiting: { resolve(reply: Reply): void; reject(error: Error): void } | undefined;
  let head: Buffer | undefined;
  let answer: Answer | undefined;

  function open(): Socket {
    const port = Number(origin.port || (origin.protocol === "https:" ? 443 : 80));
    const host = origin.hostname.replace(/^\[|\]$/g, "");
    const opened =
      origin.protocol === "https:"
        ? connectTls({ host, port, servername: "localhost", ca: options.ca })
        : connectTcp({ host, port });
    opened.setNoDelay(true);
    opened.on("data", receive);
    opened.on("error", (error) => drop(opened, error));
    const closed = () => drop(opened, new Error("the server closed the connection"));
    // What is written between the two reaches nobody.
    opened.on("end", closed);
    opened.on("close", closed);
    return opened;
  }

  function drop(closed: Socket, error: Error): void {
    if (closed !== socket) return;
    socket = undefined;
    head = undefined;
    answer = undefined;
    const asker = waiting;
    waiting = undefined;
    asker?.reject(error);
  }

  function receive(chunk: Buffer): void {
    let rest = chunk;
    if (answer === undefined) {
      const data = head === undefined ? chunk : Buffer.concat([head, chunk]);
      const end = data.indexOf("\r\n\r\n");
      head = end === -1 ? data : undefined;
      if (end === -1) return;
      answer = readHead(data.toString("latin1", 0, end));
      rest = data.subarray(end + 4);
    }
    answer.parts.push(rest);
    answer.have += rest.length;
    const body = whole(answer);
    if (body === undefined) return;
    const { status } = answer;
    const asker = waiting;
    // Said in the head: what is written from now on reaches nobody.
    if (answer.isLast) leave();
    answer = undefined;
    waiting = undefined;
    asker?.resolve({ status, body });
  }

  function leave(): void {
    const closing = socket;
    socket = undefined;
    closing?.destroy();
  }

  return {
    exchange(request) {
      return new Promise((resolve, reject) => {
        if (waiting) return reject(new Error("one request at a time"));
        waiting = { resolve, reject };
        socket ??= open();
        socket.write(request);
      });
    },
    close() {
      leave();
      waiting?.reject(new Error("closed"));
      waiting = undefined;
    },
  };
}

function readHead(text: string): Answer {
  const status = Number(text.slice(9, 12));
  const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
  const chunked = length === undefined && /\r\ntransfer-encoding: *chunked/i.test(text);
  const isLast = /\r\nconnection: *close/i.test(text);
  return { status, length: chunked ? undefined : Number(length ?? 0), isLast, parts: [], have: 0 };
}

/** The body, once all of it is here. */
function whole({ length, parts, have }: Answer): Buffer | undefined {
  if (length !== undefined && have < length) return undefined;
  // The end of a chunked body is a line feed: look no further before there is one.
  if (length === undefined && parts.at(-1)?.at(-1) !== 0x0a) return undefined;
  const data = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  return length === undefined ? unchunk(data) : data;
}

/** Takes the chunks' framing off; undefined when the last chunk has not come. */
function unchunk(data: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const line = data.indexOf("\r\n", at);
    if (line === -1) return undefined;
    const size = Number.parseInt(data.toString("latin1", at, line), 16);
    const start = line + 2;
    if (start + size + 2 > data.length) return undefined;
    if (size === 0) return Buffer.concat(parts);
    parts.push(data.subarray(start, start + size));
    at = start + size + 2;
  }
}
