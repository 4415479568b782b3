import type { Schema } from "@weft/spec/types";
import { ApiError } from "./errors.ts";
import { contentOf, readMessage, type Heard, type ToServer } from "./socket-messages.ts";

/** The socket went away, or cannot take this: HTTP can. */
export class SocketLost extends Error {
  /** Whether the server may have done what was asked. */
  readonly wasSent: boolean;

  constructor(message: string, wasSent = false) {
    super(message);
    this.wasSent = wasSent;
  }
}

/** Why a line ended: the code, and the server's error where a token was refused. */
export interface LineEnd {
  code: number;
  refusal: ApiError | undefined;
  /** Whether the server ever let us in. */
  wasOpen: boolean;
}

/** What a batch or an answer is. */
export interface Answer {
  status: number;
  text: string;
}

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** One open socket. */
export interface Line {
  readonly token: string;
  /** The bounds that the server told. */
  readonly welcome: Schema<"SocketWelcome">;
  readonly waiting: number;
  /** Shows a renewed token; resolves when it was found good. */
  show(token: string): Promise<void>;
  /** Rejects with SocketLost, and with the signal's AbortError. */
  request(
    head: Omit<Schema<"SocketRequest">, "type" | "id">,
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<Answer>;
  /** A number for a stream. */
  newId(): number;
  say(message: ToServer): void;
  /** Told of each batch, and of the answer that ends a stream. */
  onStream(listener: (id: number, answer: Answer) => void): void;
  close(): void;
}

/** Milliseconds from opening to the welcome, and from a ping to anything. */
const PATIENCE = 10_000;
/** Of our own: the server was not heard of. */
const SILENT = 4000;

/** Opens a socket and shows the token. Resolves when the server has welcomed it; `onEnd` is called once, also if it never does. */
export function openLine(
  address: string,
  token: string,
  onEnd: (end: LineEnd) => void,
): Promise<Line> {
  const ws = new WebSocket(address);
  const opened = Promise.withResolvers<Line>();
  const requests = new Map<number, Waiting>();
  let streams: (id: number, answer: Answer) => void = () => undefined;
  let shown = token;
  let welcome: Schema<"SocketWelcome"> | undefined;
  let welcomed: PromiseWithResolvers<void> | undefined;
  let refusal: ApiError | undefined;
  let last = 0;
  let hasEnded = false;
  let timer = setTimeout(() => end(SILENT), PATIENCE);

  function say(message: ToServer, body?: string): void {
    if (ws.readyState !== WebSocket.OPEN) return;
    const head = JSON.stringify(message);
    ws.send(body === undefined ? head : `${head}\n${body}`);
  }

  /** The server is asked for a sign of life when none came by itself. */
  function listen(): void {
    clearTimeout(timer);
    timer = setTimeout(() => {
      say({ type: "ping" });
      timer = setTimeout(() => end(SILENT), PATIENCE);
    }, welcome?.silence_ms ?? PATIENCE);
  }

  function end(code: number): void {
    if (hasEnded) return;
    hasEnded = true;
    clearTimeout(timer);
    // It may take long to close, and nothing that comes until then is listened to.
    ws.close();
    const lost = new SocketLost(`The socket was closed by ${code}`);
    const sent = new SocketLost(lost.message, true);
    for (const { reject } of requests.values()) reject(sent);
    requests.clear();
    welcomed?.reject(lost);
    opened.reject(lost);
    onEnd({ code, refusal, wasOpen: welcome !== undefined });
  }

  function hear({ head, text }: Heard): void {
    switch (head.type) {
      case "welcome":
        welcome = head;
        welcomed?.resolve();
        welcomed = undefined;
        return opened.resolve(line);
      case "answer": {
        const { id, status } = head;
        const one = requests.get(id);
        requests.delete(id);
        if (one === undefined) streams(id, { status, text });
        else one.resolve({ status, text });
        return;
      }
      case "batch":
        return streams(head.id, { status: 200, text });
      case "end":
        refusal = new ApiError(head.status, contentOf(text));
        return;
      default:
    }
  }

  const line: Line = {
    get token() {
      return shown;
    },
    get welcome() {
      return welcome!;
    },
    get waiting() {
      return requests.size;
    },
    async show(next) {
      // One at a time.
      while (welcomed !== undefined) await welcomed.promise;
      if (next === shown) return;
      shown = next;
      welcomed = Promise.withResolvers();
      say({ type: "token", access_token: next });
      await welcomed.promise;
    },
    request(head, body, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      if (hasEnded) reject(new SocketLost("The socket is closed"));
      else {
        const id = ++last;
        requests.set(id, { resolve, reject });
        say({ type: "request", id, ...head }, body);
        const giveUp = (): void => {
          if (requests.delete(id)) say({ type: "cancel", id });
          reject(signal.reason as Error);
        };
        if (signal.aborted) giveUp();
        signal.addEventListener("abort", giveUp, { once: true });
        const done = (): void => signal.removeEventListener("abort", giveUp);
        promise.then(done, done);
      }
      return promise;
    },
    newId: () => ++last,
    say,
    onStream(listener) {
      streams = listener;
    },
    close: () => end(1000),
  };
  ws.addEventListener("open", () => say({ type: "token", access_token: token }));
  ws.addEventListener("message", ({ data }) => {
    if (hasEnded) return;
    const heard = readMessage(data);
    if (heard === undefined) return end(SILENT);
    hear(heard);
    if (welcome !== undefined) listen();
  });
  ws.addEventListener("close", ({ code }) => end(code));
  return opened.promise;
}
