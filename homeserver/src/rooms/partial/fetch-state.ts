/** Fetches the complete state before the join of a partial room from the servers in the room. */
import { nextHeadVersion } from "../../log/types.ts";
import type { Logger } from "../../platform/logger.ts";
import { errors } from "../../protocol/errors.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import type { PartialRoomRow } from "../../storage/rooms/partial-rooms.ts";
import { bytesOfRoot } from "../records/events.ts";
import { headMove } from "../commands/head.ts";
import type { Head } from "../commands/head.ts";
import type { CommandResult } from "../commands/mailbox.ts";
import type { Mailboxes } from "../commands/mailboxes.ts";
import type { BeginStateImport, RemoteStateEntries } from "../fetching/state-importer.ts";
import { neededNodes } from "../state/tree/index.ts";
import type { RoomStore } from "../state/store.ts";
import type { RemoteRooms } from "../../federation-client/types.ts";
import type { Room, StateRoot, StoredEvent } from "../api/index.ts";

export interface FetchStateDeps {
  readonly store: RoomStore;
  readonly mailboxes: Mailboxes;
  readonly remote: Pick<RemoteRooms, "joinedState">;
  readonly beginImport: BeginStateImport;
  readonly logger: Logger;
}

/** The join with its complete states; throws when no server gives them. */
export type FetchState = (
  room: Room,
  row: PartialRoomRow,
  join: StoredEvent,
) => Promise<StoredEvent>;

const MAX_SERVERS = 8;

export function createFetchState(deps: FetchStateDeps): FetchState {
  const { store, mailboxes, remote, logger } = deps;

  async function ask(
    server: ServerName,
    room: Room,
    join: StoredEvent,
  ): Promise<RemoteStateEntries> {
    const stateImport = deps.beginImport(room);
    await remote.joinedState(server, room.roomId, join.event.eventId, stateImport.take);
    await stateImport.finish();
    const entries = await stateImport.entries();
    await checkAgrees(room, join.stateBefore, entries);
    return entries;
  }

  /** A state that contradicts the state in the join's answer is refused. */
  async function checkAgrees(
    room: Room,
    known: StateRoot,
    entries: RemoteStateEntries,
  ): Promise<void> {
    for (const [tuple, nid] of await store.tree.entries(known)) {
      if ((entries.others.get(tuple) ?? entries.members.get(tuple)) === nid) continue;
      throw errors.unknown(`Another state of ${room.roomId} was told than at the join`, 502);
    }
  }

  async function storeStates(
    room: Room,
    row: PartialRoomRow,
    join: StoredEvent,
    entries: RemoteStateEntries,
  ): Promise<StoredEvent> {
    return mailboxes.run(room, (head) => setStatesOfJoin(head, row, join, entries));
  }

  /** Only the head's version moves, so that no other command continues with the old join. */
  async function setStatesOfJoin(
    head: Head,
    row: PartialRoomRow,
    join: StoredEvent,
    entries: RemoteStateEntries,
  ): Promise<CommandResult<StoredEvent>> {
    const { room } = head;
    const { tree, tuples, pending, committed } = head.store;
    const before = await tree.set(null, [...entries.others, ...entries.members]);
    tree.hold(before.nodes);
    try {
      const key = ["m.room.member", join.event.stateKey as string] as const;
      const [tuple] = await tuples.ensure([key]);
      const after = await tree.set(before.root, [[tuple as number, join.nid]]);
      const nodes = [...before.nodes, ...after.nodes];
      const { status, roomState } = join;
      const updated = { ...join, stateBefore: before.root, stateAfter: after.root };
      const next: Head = {
        ...head,
        version: nextHeadVersion(head.version, head.store.committed.random),
      };
      const maker = {};
      pending.add(maker, { stored: updated, authNids: undefined });
      pending.fence(maker);
      tree.hold(after.nodes);
      return {
        value: updated,
        next,
        append: {
          head: headMove(head, next),
          stateNodes: neededNodes(nodes, [before.root, after.root]),
          statesOf: [join.nid],
          recomputed: [
            {
              ...{ nid: join.nid, status, roomState: bytesOfRoot(roomState) },
              stateBefore: bytesOfRoot(before.root),
              stateAfter: bytesOfRoot(after.root),
            },
          ],
          records: [
            {
              kind: "partial_state",
              ...{ roomNid: room.nid, roomId: room.roomId, joinNid: join.nid },
              ...{ servers: row.servers, isFetched: true, isComplete: false },
            },
          ],
        },
        settled(outcome) {
          tree.release(nodes);
          pending.settle(maker, [updated]);
          if (outcome === undefined) pending.giveUp();
          else committed.events.keep(updated);
        },
      };
    } catch (error) {
      tree.release(before.nodes);
      throw error;
    }
  }

  return async (room, row, join) => {
    let last: unknown;
    for (const server of (row.servers as ServerName[]).slice(0, MAX_SERVERS)) {
      try {
        return await storeStates(room, row, join, await ask(server, room, join));
      } catch (error) {
        last = error;
        const fields = { err: error, server, room: room.roomId };
        logger.info(fields, "the state of a room could not be had from a server");
      }
    }
    throw last ?? errors.unknown(`No server is known that has the state of ${room.roomId}`, 502);
  };
}
