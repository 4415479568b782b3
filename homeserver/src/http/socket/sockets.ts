import type { IncomingMessage } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import { networkOf } from "../../platform/client-address.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Metrics } from "../../platform/metrics.ts";
import { errors } from "../../protocol/errors.ts";
import { CLOSE } from "./close-codes.ts";
import { Connection, MAX_MESSAGE_BYTES, SILENCE_MS } from "./connection.ts";
import type { Ask, Asker } from "./exchange.ts";
import type { Proofs } from "./proofs.ts";
import { hasConnection, takeConnection } from "./upgrades.ts";

export interface SocketsDeps {
  readonly ask: Ask;
  readonly proofs: Proofs;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Aborts when the server begins to stop. */
  readonly draining: AbortSignal;
  readonly bounds?: Partial<SocketBounds> | undefined;
}

/** How much, and how long. */
export interface SocketBounds {
  /** From the opening to a token. */
  readonly tokenMs: number;
  /** Sockets without a token: of one network, and in all. */
  readonly unproved: number;
  readonly unprovedInAll: number;
  /** Bytes that a client may send before its token was found good. */
  readonly unprovedBytes: number;
  readonly perUser: number;
  /** The server asks for a sign of life this often; without any for `deadMs` a client is gone. */
  readonly beatMs: number;
  readonly deadMs: number;
  /** The same while something waits to be sent: a slow network brings no sign of life early. */
  readonly slowMs: number;
  /** Bytes that wait for all clients together. */
  readonly waitingInAll: number;
}

const BOUNDS: SocketBounds = {
  tokenMs: 10_000,
  unproved: 50,
  unprovedInAll: 2_000,
  unprovedBytes: 16 * 1024,
  perUser: 100,
  beatMs: SILENCE_MS,
  deadMs: 2.5 * SILENCE_MS,
  slowMs: 10 * SILENCE_MS,
  waitingInAll: 256 * 1024 * 1024,
};
const TICK_MS = 1_000;
const COME_AGAIN_MS = 5_000;

export interface Sockets {
  /**
   * Makes a socket of the request's connection.
   * @throws MatrixError M_UNRECOGNIZED 426, M_LIMIT_EXCEEDED 429
   */
  accept(request: IncomingMessage, ip: string): void;
  /** Ends all at once. */
  cut(): void;
}

/** All sockets of this replica. (spec/socket.md) */
export function createSockets(deps: SocketsDeps): Sockets {
  const { ask, proofs, log, draining } = deps;
  const bounds = { ...BOUNDS, ...deps.bounds };
  const now = () => performance.now();
  const protocol = new WebSocketServer({
    ...{ noServer: true, clientTracking: false },
    // Each compressor would hold more than a socket does.
    perMessageDeflate: false,
    ...{ maxPayload: MAX_MESSAGE_BYTES, maxFragments: 64, maxBufferedChunks: 1_024 },
  });
  const open = new Map<Connection, { beatAt: number }>();
  const counts = createCounts();
  const figures = createFigures(deps.metrics, open);

  function accept(request: IncomingMessage, ip: string): void {
    if (!hasConnection(request)) throw errors.upgradeRequired("Open a WebSocket here");
    const network = networkOf(ip);
    if (
      counts.unproved.of(network) >= bounds.unproved ||
      counts.unproved.total >= bounds.unprovedInAll
    ) {
      throw errors.limitExceeded(COME_AGAIN_MS, "Too many sockets wait for a token");
    }
    const { connection, head } = takeConnection(request)!;
    const asker = { connection, headers: headersOf(request) };
    protocol.handleUpgrade(request, connection, head, (ws) => begin(ws, asker, ip));
  }

  function begin(ws: WebSocket, asker: Asker, ip: string): void {
    const leave = counts.unproved.enter(networkOf(ip));
    const { connection: tcp } = asker;
    const before = tcp.bytesRead;
    const watchBytes = () => {
      if (tcp.bytesRead - before > bounds.unprovedBytes) connection.cut();
    };
    tcp.on("data", watchBytes);
    const late = setTimeout(() => {
      connection.close(CLOSE.late, "No token was shown in time");
      leave();
    }, bounds.tokenMs);
    let leaveUser: (() => void) | undefined;
    const settled = () => {
      clearTimeout(late);
      tcp.off("data", watchBytes);
      leave();
    };
    const connection = new Connection(ws, {
      ...{ asker, ip, ask, proofs, log, now },
      onProved(userId) {
        if (counts.ofUsers.of(userId) >= bounds.perUser) {
          throw errors.limitExceeded(COME_AGAIN_MS, "That user has too many sockets");
        }
        leaveUser = counts.ofUsers.enter(userId);
        settled();
      },
      onBatch: figures.onBatch,
    });
    open.set(connection, { beatAt: now() + bounds.beatMs });
    ws.once("close", (code: number) => {
      settled();
      leaveUser?.();
      open.delete(connection);
      figures.onClose(code);
    });
    if (draining.aborted) connection.close(CLOSE.restart, "The server stops");
  }

  /** Looks who is gone, and asks the others whether they are there. */
  function tick(): void {
    const at = now();
    let waiting = 0;
    for (const [connection, state] of open) {
      waiting += connection.waiting;
      const patience = connection.waiting > 0 ? bounds.slowMs : bounds.deadMs;
      if (at - connection.heardAt > patience) connection.cut();
      else if (at >= state.beatAt) {
        state.beatAt = at + bounds.beatMs;
        connection.beat();
      }
    }
    if (waiting > bounds.waitingInAll) cutSlowest(waiting);
  }

  /** Whoever has the most waiting goes first. */
  function cutSlowest(waiting: number): void {
    const slowest = [...open.keys()].toSorted((a, b) => b.waiting - a.waiting);
    for (const connection of slowest) {
      if (waiting <= bounds.waitingInAll) return;
      waiting -= connection.waiting;
      connection.cut();
    }
  }

  const ticking = setInterval(tick, Math.min(TICK_MS, bounds.beatMs));
  ticking.unref();
  draining.addEventListener("abort", () => {
    clearInterval(ticking);
    for (const connection of open.keys()) connection.finish(CLOSE.restart, "The server stops");
  });
  return {
    accept,
    cut() {
      for (const connection of open.keys()) connection.cut();
    },
  };
}

/** What handlers may look at of the request that opened a socket. */
function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ["user-agent", "x-forwarded-for", "accept-language"]) {
    const value = headers[name];
    if (value !== undefined) kept[name] = String(value);
  }
  return kept;
}

function createCounts() {
  return { unproved: createCount(), ofUsers: createCount() };
}

/** How many there are by key. */
function createCount() {
  const byKey = new Map<string, number>();
  let total = 0;
  function add(key: string, amount: 1 | -1): void {
    total += amount;
    const count = (byKey.get(key) ?? 0) + amount;
    if (count > 0) byKey.set(key, count);
    else byKey.delete(key);
  }
  return {
    of: (key: string) => byKey.get(key) ?? 0,
    get total() {
      return total;
    },
    /** @returns the function that leaves; it may be called again */
    enter(key: string): () => void {
      let isIn = true;
      add(key, 1);
      return () => {
        if (isIn) add(key, -1);
        isIn = false;
      };
    },
  };
}

function createFigures(metrics: Metrics, open: ReadonlyMap<Connection, unknown>) {
  metrics.observe(
    "sockets_open",
    "Sockets of clients, those without a token included",
    () => open.size,
  );
  const closed = metrics.counter("sockets_closed_total", "Sockets that were closed, by code", [
    "code",
  ]);
  const batches = metrics.counter("socket_batches_total", "Batches of sync that went over sockets");
  return {
    onClose: (code: number) => closed.inc({ code: CODES.has(code) ? String(code) : "other" }),
    onBatch: () => batches.inc(),
  };
}

/** Codes of others may be any: each would be a series of its own. */
const CODES: ReadonlySet<number> = new Set([1000, 1001, 1005, 1006, 1009, ...Object.values(CLOSE)]);
