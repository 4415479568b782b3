import { atom, type ReadableAtom } from "nanostores";
import type { operations } from "@weft/spec/operations";
import { ApiError } from "./errors.ts";
import type { TokenSource } from "./http.ts";
import { type Answer, type Line, type LineEnd, openLine, SocketLost } from "./socket-line.ts";
import { contentOf } from "./socket-messages.ts";
import type { PresenceState } from "./sync.ts";
import type { SyncResponse } from "./types.ts";

/** `off`: the server has none; `away`: it is tried again later; HTTP does all of it meanwhile. */
export type SocketState = "off" | "opening" | "open" | "away";

interface SyncFrom {
  since: string;
  presence: PresenceState;
  filter: string;
}

/** Requests and the sync stream over one WebSocket, where the server has that (spec/socket.md). */
export interface Socket {
  readonly $state: ReadableAtom<SocketState>;
  /** Begins to try. Once is enough. */
  start(): void;
  /** Tries at once: the network came back, or the page is looked at again. */
  retryNow(): void;
  stop(): void;
  /** A request's answer. Rejects with SocketLost where HTTP is to be asked instead. */
  request(
    method: string,
    path: string,
    body: string | undefined,
    token: string,
    signal: AbortSignal,
  ): Promise<Answer>;
  /** What is new since then, whenever that is. Rejects with SocketLost where HTTP is to be asked. */
  sync(from: SyncFrom, signal: AbortSignal): Promise<SyncResponse>;
  setPresence(presence: PresenceState): void;
}

const PATH: (typeof operations)["openSocket"]["path"] = "/_weft/socket";

/** Where the sockets of a homeserver are. */
export function socketAddress(baseUrl: string): string {
  const url = new URL(baseUrl + PATH, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}

/** Closed since the server stops: another replica is there at once. */
const RESTART = 1012;
const BAD_TOKEN = 4401;
/** A line that held so long was a good one, milliseconds. */
const HELD = 30_000;

/** 1 s, 2 s, 4 s … 5 min, each up to twice as long, so that clients don't return in step. */
function backOff(failures: number): number {
  return Math.min(1000 * 2 ** (failures - 1), 300_000) * (1 + Math.random());
}

/** Of the client API alone: a request of anything else, such as the administration's, ends the socket (spec/socket.md). */
const CARRIED = "/_matrix/client/";

interface Stream {
  id: number;
  line: Line;
  /** The position of the batch that was not acknowledged yet. */
  position: string | undefined;
  waiting: PromiseWithResolvers<SyncResponse> | undefined;
}

/** `isOffered` asks the server whether it has sockets; undefined: it did not say. */
export function createSocket(
  address: () => string,
  tokens: TokenSource,
  isOffered: () => Promise<boolean | undefined>,
): Socket {
  const $state = atom<SocketState>("off");
  let line: Line | undefined;
  let stream: Stream | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let isRunning = false;
  let openedAt = 0;

  function later(ms: number): void {
    if (!isRunning) return;
    $state.set("away");
    clearTimeout(timer);
    timer = setTimeout(() => void connect(), ms);
  }

  async function connect(): Promise<void> {
    clearTimeout(timer);
    if (!isRunning || $state.get() === "opening" || line !== undefined) return;
    $state.set("opening");
    try {
      const offered = await isOffered();
      if (offered === false) return $state.set("off");
      const token = await tokens.current();
      if (offered === undefined || token === undefined) return later(backOff(++failures));
      const opened = await openLine(address(), token, (end) => void ended(end, token));
      if (!isRunning) return opened.close();
      line = opened;
      openedAt = performance.now();
      opened.onStream(take);
      $state.set("open");
    } catch (error) {
      // What the end of a line asks for, `ended` does.
      if (!(error instanceof SocketLost)) later(backOff(++failures));
    }
  }

  async function ended({ code, refusal, wasOpen }: LineEnd, first: string): Promise<void> {
    const used = line?.token ?? first;
    const held = line !== undefined && performance.now() - openedAt > HELD;
    line = undefined;
    const broken = stream;
    stream = undefined;
    broken?.waiting?.reject(new SocketLost("The socket was closed"));
    if (!isRunning) return $state.set("off");
    $state.set("away");
    if (wasOpen && held) failures = 0;
    if (code === BAD_TOKEN && refusal?.errcode === "M_UNKNOWN_TOKEN") {
      // HTTP's requests find out as well; whoever is first renews.
      const fresh = await tokens.renew(used, refusal).catch(() => undefined);
      if (fresh !== undefined && failures === 0) {
        failures = 1;
        return later(0);
      }
    }
    failures += 1;
    // Another replica is there at once; so that not all come in one moment, a little later.
    later(code === RESTART && failures === 1 ? 2_000 * Math.random() : backOff(failures));
  }

  /** A batch of the stream, or the answer that ends it. */
  function take(id: number, { status, text }: Answer): void {
    const current = stream;
    if (current?.id !== id) return;
    const { waiting } = current;
    current.waiting = undefined;
    if (status === 200) {
      const response = contentOf(text) as unknown as SyncResponse;
      current.position = response.next_batch;
      return waiting?.resolve(response);
    }
    stream = undefined;
    // A token that has ended is HTTP's to renew.
    const lost = status === 401 || status >= 500;
    waiting?.reject(lost ? new SocketLost(`${status}`) : new ApiError(status, contentOf(text)));
  }

  function begin(on: Line, { since, presence, filter }: SyncFrom): Stream {
    const id = on.newId();
    on.say({ type: "sync", id, since, filter, set_presence: presence, use_state_after: true });
    return { id, line: on, position: undefined, waiting: undefined };
  }

  return {
    $state,
    start() {
      if (isRunning) return;
      isRunning = true;
      void connect();
    },
    retryNow() {
      if ($state.get() === "away") void connect();
    },
    stop() {
      isRunning = false;
      clearTimeout(timer);
      line?.close();
    },
    async request(method, path, body, token, signal) {
      const on = line;
      if (on === undefined) throw new SocketLost("There is no socket");
      const { message_bytes: bytes, requests } = on.welcome;
      // A character takes three bytes at most, and the head takes its part.
      const isLong = (body?.length ?? 0) * 3 + path.length + 1000 > bytes;
      const isCarried = path.startsWith(CARRIED);
      if (!isCarried || isLong || on.waiting >= requests) throw new SocketLost("That is for HTTP");
      if (on.token !== token) await on.show(token);
      return on.request({ method: method as "GET", path }, body, signal);
    },
    async sync(from, signal) {
      const on = line;
      if (on === undefined) throw new SocketLost("There is no socket");
      if (stream !== undefined && stream.position === from.since && stream.line === on) {
        on.say({ type: "ack", id: stream.id, next_batch: from.since });
        stream.position = undefined;
      } else stream = begin(on, from);
      const current = stream;
      const waiting = (current.waiting = Promise.withResolvers<SyncResponse>());
      const giveUp = (): void => {
        if (stream === current) {
          stream = undefined;
          on.say({ type: "cancel", id: current.id });
        }
        waiting.reject(signal.reason as Error);
      };
      signal.addEventListener("abort", giveUp, { once: true });
      try {
        return await waiting.promise;
      } finally {
        signal.removeEventListener("abort", giveUp);
      }
    },
    setPresence(presence) {
      line?.say({ type: "presence", set_presence: presence });
    },
  };
}
