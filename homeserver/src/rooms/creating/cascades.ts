/** Redactions that take along what relates to the redacted event. (MSC3912.) */
import type { RecordOf } from "../../log/types.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { MatrixError } from "../../protocol/errors.ts";
import { relationIn } from "../../protocol/events/relations.ts";
import type { EventId, UserId } from "../../protocol/identifiers.ts";
import * as storage from "../../storage/cascade-redactions.ts";
import type { LocalEvents } from "../commands/local-events.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room, RoomCascades } from "../api/index.ts";

/** What a redaction is to take along. */
interface CascadeWish {
  readonly target: EventId;
  readonly sender: UserId;
  /** `*` stands for any. */
  readonly relTypes: readonly string[];
  readonly reason: string | undefined;
  /** Only the sender's own events go along. */
  readonly ownOnly: boolean;
}

export interface Cascades extends RoomCascades {
  /** Sends a redaction, and notes before what it takes along: that survives a stop in between. */
  around<T>(room: Room, wish: CascadeWish, send: () => Promise<T>): Promise<T>;
}

/** What arrives so long after a redaction is not redacted with it any more. */
const LOOKED_OUT_MS = 30 * 24 * 3_600_000;
/** Cascades that are worked on side by side, and events of each in one go. */
const WIDTH = { cascades: 4, each: 10 };
const [FIRST_PAUSE_MS, MAX_PAUSE_MS, IDLE_MS] = [100, 30_000, 3_600_000];

export function createCascades(deps: {
  readonly store: RoomStore;
  readonly local: LocalEvents;
  readonly clock: Clock;
  readonly logger: Logger;
}): Cascades {
  const { store, local, clock, logger } = deps;
  const { sql } = store;
  let working: Promise<void> = Promise.resolve();
  /** Called when there may be something to do. */
  let poke: () => void = () => {};

  async function redact(one: storage.QueuedRedaction): Promise<void> {
    const room = (await store.registry.byNids([one.roomNid])).get(one.roomNid);
    if (room !== undefined && !one.isRedacted) {
      const content = one.reason === null ? {} : { reason: one.reason };
      const draft = { type: "m.room.redaction", sender: one.sender as UserId, content };
      await local.redact(room, { ...draft, redacts: one.eventId as EventId });
    }
    await storage.dropQueued(sql, one);
  }

  /** Of one cascade, one after another. What the user may not redact is passed over. */
  async function redactAll(ofCascade: readonly storage.QueuedRedaction[]): Promise<void> {
    for (const one of ofCascade) {
      try {
        await redact(one);
      } catch (error) {
        if (!(error instanceof MatrixError) || error.status >= 500) throw error;
        if (error.errcode !== "M_FORBIDDEN") {
          await storage.dropQueued(sql, one);
          continue;
        }
        await storage.dropForbidden(sql, one, one.author === one.sender);
        return;
      }
    }
  }

  async function work(signal: AbortSignal): Promise<void> {
    let [behind, pause] = [0, FIRST_PAUSE_MS];
    while (!signal.aborted) {
      const news = new AbortController();
      poke = () => news.abort("news");
      try {
        const some = await storage.nextQueued(sql, behind, WIDTH);
        const byCascade = Map.groupBy(some, ({ cascadeId }) => cascadeId);
        behind = some.at(-1)?.cascadeId ?? 0;
        await Promise.all([...byCascade.values()].map(redactAll));
        pause = FIRST_PAUSE_MS;
        if (some.length > 0) continue;
        // What is gone may have stood before the others.
        if ((await storage.dropOrphans(sql)) > 0) continue;
        await clock.sleep(IDLE_MS, AbortSignal.any([signal, news.signal]));
      } catch (err) {
        if (signal.aborted) return;
        logger.warn({ err }, "related events were not redacted; trying again");
        await clock.sleep(pause, signal);
        pause = Math.min(pause * 2, MAX_PAUSE_MS);
      }
    }
  }

  async function handle(records: readonly RecordOf<"event" | "history">[]): Promise<void> {
    let found = 0;
    const late: number[] = [];
    for (const record of records) {
      if (record.kind === "history") {
        late.push(...record.eventNids);
        continue;
      }
      const { event, eventNid: nid, roomNid, local: isLocal, status } = record;
      if (status !== "accepted") continue;
      if (relationIn(event.content) !== undefined) late.push(nid);
      if (event.redacts === undefined || !isLocal) continue;
      const redaction = { nid, roomNid, target: event.redacts, sender: event.sender };
      found += await storage.beginCascade(sql, redaction);
    }
    if (late.length > 0) found += await storage.takeLateEvents(sql, late);
    if (found > 0) poke();
  }

  return {
    async around(room, wish, send) {
      const now = clock.now();
      const row = { ...wish, roomNid: room.nid, askedTs: now };
      await storage.askCascade(sql, row, now - LOOKED_OUT_MS);
      try {
        return await send();
      } catch (error) {
        if (error instanceof MatrixError) await storage.withdrawCascade(sql, row);
        throw error;
      }
    },

    follower: {
      name: "cascades",
      kinds: ["event", "history"],
      from: "end",
      async begin(signal) {
        await working;
        working = work(signal);
      },
      handle,
    },
    ended: () => working,
  };
}
