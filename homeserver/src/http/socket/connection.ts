import type { WebSocket } from "ws";
import type { Schema } from "@weft/spec/types";
import type { Logger } from "../../platform/logger.ts";
import { type BucketLevel, type BucketLimit, draw } from "../../platform/pacing/token-bucket.ts";
import type { MatrixError } from "../../protocol/errors.ts";
import type { Requester } from "../../users/common/types.ts";
import { CLOSE } from "./close-codes.ts";
import type { Answered, Ask, Asker, Cancel } from "./exchange.ts";
import { readMessage, SocketBreach } from "./messages.ts";
import { Outlet } from "./outlet.ts";
import type { Proofs } from "./proofs.ts";
import { MAX_REQUESTS, SocketRequests } from "./requests.ts";
import { type SessionEvents, SocketSession } from "./session.ts";
import { Stream, type StreamDeps } from "./stream.ts";

export interface ConnectionDeps {
  readonly asker: Asker;
  /** The client's address. */
  readonly ip: string;
  readonly ask: Ask;
  readonly proofs: Proofs;
  readonly log: Logger;
  /** ms that only ever go forward. */
  readonly now: () => number;
  /** A good token was shown. @throws MatrixError M_LIMIT_EXCEEDED where its user has too many sockets */
  readonly onProved: (userId: string) => void;
  readonly onBatch: () => void;
}

/** The longest message; requests that take more go over HTTP. */
export const MAX_MESSAGE_BYTES = 288 * 1024;
/** The silence after which each end asks the other for a sign of life. */
export const SILENCE_MS = 30_000;
/** Messages of one socket. What comes faster waits in the network. */
const MESSAGES: BucketLimit = { perSecond: 100, burst: 500 };
/** How long requests may still take whose token has ended. */
const LAST_ANSWERS_MS = 5_000;
/** The server cannot say now whose token it is. (RFC 6455: "try again later") */
const TRY_LATER = 1013;

/** One socket, from its first message on. */
export class Connection implements SessionEvents, StreamDeps {
  /** When anything was last heard of the client, by `now`. */
  heardAt: number;
  readonly #ws: WebSocket;
  readonly #deps: ConnectionDeps;
  readonly #outlet: Outlet;
  readonly #session: SocketSession;
  readonly #requests: SocketRequests;
  #stream: Stream | undefined;
  #allowance: BucketLevel | undefined;
  #finishing: { code: number; reason: string } | undefined;

  constructor(ws: WebSocket, deps: ConnectionDeps) {
    const { asker, ask, ip, log, now } = deps;
    this.#ws = ws;
    this.#deps = deps;
    this.#outlet = new Outlet(ws);
    const visit = { ip, userAgent: asker.headers["user-agent"] };
    this.#session = new SocketSession(deps.proofs, visit, this);
    this.#requests = new SocketRequests(asker, ask, (id, answer) => {
      this.#answer(id, answer);
      this.#closeWhenAnswered();
    });
    this.heardAt = now();
    ws.on("message", (data, isBinary) => this.#onMessage(data as Buffer, isBinary));
    ws.on("pong", () => (this.heardAt = now()));
    ws.on("error", (err) => log.debug({ err }, "a socket failed"));
    ws.once("close", () => this.#release());
  }

  /** Bytes that wait to be sent. */
  get waiting(): number {
    return this.#ws.bufferedAmount;
  }

  /** Asks for a sign of life, and whether the token is still good. */
  beat(): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#ws.ping();
    this.#session.look();
  }

  /** Takes nothing more in, lets what is under way be answered, and closes. */
  finish(code: number, reason: string): void {
    this.#finishing ??= { code, reason };
    this.#closeWhenAnswered();
  }

  close(code: number, reason: string): void {
    this.#release();
    this.#outlet.close(code, reason);
  }

  /** Ends it at once. */
  cut(): void {
    this.#ws.terminate();
  }

  onProved({ userId, deviceId }: Requester, isFirst: boolean): void {
    if (isFirst) this.#deps.onProved(userId);
    this.#outlet.send({
      ...{ type: "welcome", user_id: userId, device_id: deviceId },
      ...{ message_bytes: MAX_MESSAGE_BYTES, requests: MAX_REQUESTS, silence_ms: SILENCE_MS },
    });
  }

  /**
   * Says why, as HTTP would. What is under way is still answered: signing out is one of these
   * requests.
   */
  onRefused(error: MatrixError): void {
    const { status, errcode } = error;
    this.#outlet.send({ type: "end", status }, JSON.stringify(error.toJSON()));
    this.#endStream();
    const code = status === 429 ? CLOSE.tooMany : status < 500 ? CLOSE.token : TRY_LATER;
    this.finish(code, errcode);
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    const late = setTimeout(() => this.close(code, errcode), LAST_ANSWERS_MS);
    this.#ws.once("close", () => clearTimeout(late));
  }

  ask(path: string, done: (answer: Answered, isStale: boolean) => void): Cancel {
    const { accessToken } = this.#session;
    return this.#requests.ask({ method: "GET", path, accessToken }, (answer) =>
      done(answer, this.#session.accessToken !== accessToken),
    );
  }

  onBatch(id: number, text: string): void {
    this.#deps.onBatch();
    this.#outlet.send({ type: "batch", id }, text);
  }

  onEnd(id: number, answer: Answered): void {
    this.#stream = undefined;
    this.#answer(id, answer);
  }

  #answer(id: number, { status, text }: Answered): void {
    this.#outlet.send({ type: "answer", id, status }, text);
  }

  #closeWhenAnswered(): void {
    if (this.#finishing === undefined || this.#requests.count > 0) return;
    this.close(this.#finishing.code, this.#finishing.reason);
  }

  #release(): void {
    this.#requests.cancelAll();
    this.#endStream();
    this.#session.end();
  }

  #endStream(): void {
    this.#stream?.end();
    this.#stream = undefined;
  }

  #startStream(head: Schema<"SocketSync">): void {
    this.#endStream();
    this.#mustBeFree(head.id);
    this.#stream = new Stream(head, this);
    this.#stream.begin();
  }

  #mustBeFree(id: number): void {
    if (!this.#requests.has(id) && this.#stream?.id !== id) return;
    throw new SocketBreach(`${id} is taken`);
  }

  #take(bytes: Buffer): void {
    const { head, body } = readMessage(bytes);
    const session = this.#session;
    if (head.type === "token") return session.show(head.access_token);
    if (!session.isProved) throw new SocketBreach("A token comes first, and then its welcome");
    const stream = this.#stream;
    switch (head.type) {
      case "request":
        this.#mustBeFree(head.id);
        return this.#requests.start(head, body, session.accessToken);
      case "sync":
        return this.#startStream(head);
      case "ack":
        // One that ended meanwhile, or was replaced, is nothing to complain of.
        if (stream?.id !== head.id || stream.acknowledge(head.next_batch)) return;
        throw new SocketBreach("There is no batch to acknowledge");
      case "presence":
        return stream?.setPresence(head.set_presence);
      case "cancel":
        if (stream?.id === head.id) this.#endStream();
        return this.#requests.cancel(head.id);
      default:
        return this.#outlet.send({ type: "pong" });
    }
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    this.heardAt = this.#deps.now();
    if (this.#finishing !== undefined || this.#ws.readyState !== this.#ws.OPEN) return;
    const { after, wait } = draw(this.#allowance, MESSAGES, this.heardAt);
    this.#allowance = after;
    if (wait > 0) this.#outlet.holdFor(wait);
    try {
      if (isBinary) throw new SocketBreach("Messages are text");
      this.#take(data);
    } catch (error) {
      if (!(error instanceof SocketBreach)) throw error;
      this.close(CLOSE.breach, error.message);
    }
  }
}
