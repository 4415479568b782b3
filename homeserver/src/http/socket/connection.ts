import type { RawData, WebSocket } from "ws";
import type { Schema } from "@weft/spec/types";
import type { Logger } from "../../platform/logger.ts";
import { type BucketLevel, type BucketLimit, draw } from "../../platform/pacing/token-bucket.ts";
import type { MatrixError } from "../../protocol/errors.ts";
import type { Requester } from "../../users/common/types.ts";
import { CLOSE } from "./close-codes.ts";
import type { Ask, Asker } from "./exchange.ts";
import { readMessage, SocketBreach } from "./messages.ts";
import { createOutlet } from "./outlet.ts";
import type { Proofs } from "./proofs.ts";
import { createRequests, MAX_REQUESTS } from "./requests.ts";
import { createSession } from "./session.ts";
import { createStream, type Stream } from "./stream.ts";

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

export interface Connection {
  /** When anything was last heard of the client, by `now`. */
  readonly heardAt: number;
  /** Bytes that wait to be sent. */
  readonly waiting: number;
  /** Asks for a sign of life, and whether the token is still good. */
  beat(): void;
  /** Takes nothing more in, lets what is under way be answered, and closes. */
  finish(code: number, reason: string): void;
  close(code: number, reason: string): void;
  /** Ends it at once. */
  cut(): void;
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
export function createConnection(ws: WebSocket, deps: ConnectionDeps): Connection {
  const { asker, ask, log, now } = deps;
  const outlet = createOutlet(ws);
  const visit = { ip: deps.ip, userAgent: asker.headers["user-agent"] };
  const session = createSession(deps.proofs, { visit, onProved: welcome, onRefused: refuse });
  const requests = createRequests(asker, ask, (id, { status, text }) => {
    outlet.send({ type: "answer", id, status }, text);
    closeWhenAnswered();
  });
  let stream: Stream | undefined;
  let heardAt = now();
  let allowance: BucketLevel | undefined;
  let finishing: { code: number; reason: string } | undefined;

  function release(): void {
    requests.cancelAll();
    endStream();
    session.end();
  }

  function close(code: number, reason: string): void {
    release();
    outlet.close(code, reason);
  }

  function closeWhenAnswered(): void {
    if (finishing && requests.count === 0) close(finishing.code, finishing.reason);
  }

  function welcome({ userId, deviceId }: Requester, isFirst: boolean): void {
    if (isFirst) deps.onProved(userId);
    outlet.send({
      ...{ type: "welcome", user_id: userId, device_id: deviceId },
      ...{ message_bytes: MAX_MESSAGE_BYTES, requests: MAX_REQUESTS, silence_ms: SILENCE_MS },
    });
  }

  function finish(code: number, reason: string): void {
    finishing ??= { code, reason };
    closeWhenAnswered();
  }

  /**
   * Says why, as HTTP would. What is under way is still answered: signing out is one of these
   * requests.
   */
  function refuse(error: MatrixError): void {
    const { status, errcode } = error;
    outlet.send({ type: "end", status }, JSON.stringify(error.toJSON()));
    endStream();
    finish(status === 429 ? CLOSE.tooMany : status < 500 ? CLOSE.token : TRY_LATER, errcode);
    if (ws.readyState !== ws.OPEN) return;
    const late = setTimeout(() => close(finishing!.code, errcode), LAST_ANSWERS_MS);
    ws.once("close", () => clearTimeout(late));
  }

  function endStream(): void {
    stream?.end();
    stream = undefined;
  }

  function startStream(head: Schema<"SocketSync">): void {
    stream = createStream(head, {
      ask(path, done) {
        const { accessToken } = session;
        return ask(asker, { method: "GET", path, accessToken }, (answer) =>
          done(answer, session.accessToken !== accessToken),
        );
      },
      onBatch(text) {
        deps.onBatch();
        outlet.send({ type: "batch", id: head.id }, text);
      },
      onEnd({ status, text }) {
        stream = undefined;
        outlet.send({ type: "answer", id: head.id, status }, text);
      },
    });
  }

  function mustBeFree(id: number): void {
    if (requests.has(id) || stream?.id === id) throw new SocketBreach(`${id} is taken`);
  }

  function take(bytes: Buffer): void {
    const { head, body } = readMessage(bytes);
    if (head.type === "token") return session.show(head.access_token);
    if (!session.isProved) throw new SocketBreach("A token comes first, and then its welcome");
    switch (head.type) {
      case "request":
        mustBeFree(head.id);
        return requests.start(head, body, session.accessToken);
      case "sync":
        endStream();
        mustBeFree(head.id);
        return startStream(head);
      case "ack":
        // One that ended meanwhile, or was replaced, is nothing to complain of.
        if (stream?.id !== head.id || stream.acknowledge(head.next_batch)) return;
        throw new SocketBreach("There is no batch to acknowledge");
      case "presence":
        return stream?.setPresence(head.set_presence);
      case "cancel":
        if (stream?.id === head.id) endStream();
        return requests.cancel(head.id);
      default:
        return outlet.send({ type: "pong" });
    }
  }

  function onMessage(data: RawData, isBinary: boolean): void {
    heardAt = now();
    if (finishing !== undefined || ws.readyState !== ws.OPEN) return;
    const { after, wait } = draw(allowance, MESSAGES, heardAt);
    allowance = after;
    if (wait > 0) outlet.holdFor(wait);
    try {
      if (isBinary) throw new SocketBreach("Messages are text");
      take(data as Buffer);
    } catch (error) {
      if (!(error instanceof SocketBreach)) throw error;
      close(CLOSE.breach, error.message);
    }
  }

  ws.on("message", onMessage);
  ws.on("pong", () => (heardAt = now()));
  ws.on("error", (err) => log.debug({ err }, "a socket failed"));
  ws.once("close", release);

  return {
    get heardAt() {
      return heardAt;
    },
    get waiting() {
      return ws.bufferedAmount;
    },
    beat() {
      if (ws.readyState !== ws.OPEN) return;
      ws.ping();
      session.look();
    },
    finish,
    close,
    cut: () => ws.terminate(),
  };
}
