/**
 * The servers that something is sent to, from the first event or EDU until all of it has arrived.
 */
import type { ServerName } from "../protocol/identifiers.ts";
import { type DestinationRow, saveDestinations } from "../storage/federation/outbound.ts";
import {
  deleteAcknowledged,
  deleteLeftAcknowledged,
} from "../storage/federation/outbound-messages.ts";
import { Destination, type DestinationDeps } from "./destination.ts";
import type { Transport } from "./transport.ts";
import type { SenderDeps } from "./types.ts";

/** How often progress is written, and waiting destinations are retried. */
const TICK_MS = 1000;

/** How long a device without keys is kept back: clients upload them a moment after they signed in. */
const KEYS_FOLLOW_MS = 1_000;

/** Acknowledged messages that are removed at once. */
const REMOVED_AT_ONCE = 1_000;

export function createDestinations(
  deps: SenderDeps,
  transport: Transport & Pick<DestinationDeps, "read">,
) {
  const { sql, clock, logger } = deps;
  const { backoff } = deps.remote;
  const byServer = new Map<ServerName, Destination>();
  const waiting = new Set<Destination>();
  const progressed = new Set<Destination>();
  const stopping = new AbortController();
  /** Rises when this process starts or stops sending: older destinations do not continue. */
  let term = 0;
  const ticker = setInterval(() => {
    tick().catch((err: unknown) => logger.warn({ err }, "sending progress was not written"));
  }, TICK_MS);
  ticker.unref();
  const unlisten = backoff.onAwake((server) => {
    const destination = byServer.get(server);
    if (destination) kick(destination);
  });

  function of(server: ServerName): Destination {
    let found = byServer.get(server);
    if (!found) byServer.set(server, (found = make(server)));
    return found;
  }

  function make(server: ServerName): Destination {
    const mine = term;
    return new Destination(
      server,
      { sent: 0, wanted: 0 },
      {
        ...transport,
        mayTry: (name) => mine === term && backoff.mayTry(name),
        waits: (self) => void (mine === term && waiting.add(self)),
        delivered: (self) => progressed.add(self),
        now: () => clock.now(),
        givenUp: (name, { position, pdu, edus }) =>
          logger.warn(
            { server: name, position, room: pdu?.room_id, type: pdu?.type ?? edus[0]?.edu_type },
            "an event or EDU was refused",
          ),
        warn: (name, err) => logger.debug({ server: name, err }, "transaction was not taken"),
      },
    );
  }

  function kick(target: Destination): void {
    waiting.delete(target);
    void target.run();
  }

  async function tick(): Promise<void> {
    for (const target of [...waiting]) {
      target.dropStale(clock.now());
      if (backoff.mayTry(target.server)) kick(target);
    }
    await saveProgress();
    // Destinations that made progress meanwhile are kept: a server must not have two.
    for (const [server, target] of byServer) {
      if (target.idle && !progressed.has(target)) byServer.delete(server);
    }
  }

  async function saveProgress(): Promise<void> {
    const saving = [...progressed];
    progressed.clear();
    try {
      await saveDestinations(sql, saving.map(rowOf));
      await deleteAcknowledged(sql, saving.map(rowOf));
    } catch (error) {
      for (const target of saving) progressed.add(target);
      throw error;
    }
  }

  /** Removes messages that were acknowledged when a process that ended did not note it. */
  async function removeLeft(signal: AbortSignal): Promise<void> {
    let removed = REMOVED_AT_ONCE;
    while (removed === REMOVED_AT_ONCE && !signal.aborted) {
      removed = await deleteLeftAcknowledged(sql, REMOVED_AT_ONCE);
    }
  }

  /** Sends what a destination has got, unless it is to be tried later. */
  function wake(target: Destination): void {
    if (!waiting.has(target)) kick(target);
  }

  /**
   * Sends a moment later what destinations have got, unless something else makes them send it
   * before. It is on record that they are owed it: a process that ends meanwhile leaves it to the
   * next one.
   */
  async function wakeLater(targets: readonly Destination[]): Promise<void> {
    const mine = term;
    await clock.sleep(KEYS_FOLLOW_MS, stopping.signal);
    if (mine !== term || stopping.signal.aborted) return;
    for (const target of targets) if (target.behind) wake(target);
  }

  return {
    of,
    kick,
    wake,
    wakeLater,
    removeLeft,
    all: () => byServer.values(),
    /** Drops all destinations; their running requests end by themselves. */
    endTerm(): void {
      term += 1;
      byServer.clear();
      waiting.clear();
    },
    async stop(): Promise<void> {
      clearInterval(ticker);
      stopping.abort();
      unlisten();
      await saveProgress();
    },
  };
}

export function rowOf(destination: Destination): DestinationRow {
  const { server, sent, wanted, deliveredTs } = destination;
  return { server, sent, wanted, deliveredTs };
}
