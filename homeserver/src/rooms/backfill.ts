/** History that this server lacks, asked from others and put where it belongs in the timeline. */
import type { Logger } from "../platform/logger.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import { serverOf } from "../protocol/identifiers.ts";
import type { EventId, ServerName } from "../protocol/identifiers.ts";
import { joinedServers } from "../storage/room-members.ts";
import { gapsBetween } from "../storage/room-timeline.ts";
import type { Ingest } from "./ingest.ts";
import type { FillGap } from "./messages.ts";
import { isPlaced } from "./place.ts";
import type { RoomStore } from "./store.ts";
import { listIn } from "./told-state.ts";
import type { KeyRing, RemoteServer } from "./types-federation.ts";
import type { Room } from "./types.ts";
import { verifyPdus } from "./verify.ts";

export interface BackfillDeps {
  readonly store: RoomStore;
  readonly serverName: ServerName;
  readonly ingest: Ingest;
  readonly remote: Pick<RemoteServer, "backfill">;
  readonly keyRing: KeyRing;
  readonly logger: Logger;
}

const PAGE = 100;
const SERVERS_TRIED = 3;

export function createBackfill(deps: BackfillDeps): FillGap {
  const { store, ingest, remote, keyRing, logger } = deps;
  const flights = createSingleFlight<string, number>();

  async function fillFrom(
    server: ServerName,
    room: Room,
    missing: readonly EventId[],
    position: number,
  ): Promise<number> {
    const answer = await remote.backfill(server, room.roomId, missing, PAGE);
    const pdus = listIn(answer, "pdus").slice(0, PAGE);
    const verified = await verifyPdus(keyRing, pdus, room.version);
    const events = verified.flatMap(({ event }) =>
      event === undefined || event.roomId !== room.roomId ? [] : event,
    );
    const known = await store.events.byIds(events.map((event) => event.eventId));
    const fresh = events.filter((event) => {
      const stored = known.get(event.eventId);
      return stored === undefined || !isPlaced(stored);
    });
    return ingest.history(server, room, fresh, { position });
  }

  async function fill(
    room: Room,
    missing: readonly EventId[],
    position: number,
    sender: ServerName | undefined,
  ): Promise<number> {
    const others = (await joinedServers(store.sql, room.nid)) as ServerName[];
    const servers = [...new Set([...(sender === undefined ? [] : [sender]), ...others])];
    for (const server of servers.filter((one) => one !== deps.serverName).slice(0, SERVERS_TRIED)) {
      try {
        const placed = await fillFrom(server, room, missing, position);
        if (placed > 0) return placed;
      } catch (error) {
        logger.info({ err: error, server, room: room.roomId }, "history could not be had");
      }
    }
    return 0;
  }

  return async (room, stretch) => {
    const gaps = await gapsBetween(store.sql, room.nid, stretch.from, stretch.to);
    const [first] = gaps;
    if (first === undefined) return false;
    // The newest gap first: what it brings may close the others.
    const missing = gaps
      .filter((gap) => gap.childNid === first.childNid)
      .map((gap) => gap.eventId as EventId);
    const child = await store.events.one(first.childNid);
    const sender = child === undefined ? undefined : serverOf(child.event.sender);
    const key = `${room.nid} ${missing.join()}`;
    return (await flights.run(key, () => fill(room, missing, first.position, sender))) > 0;
  };
}
