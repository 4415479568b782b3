/** The whole state before the join of a partial room, asked from the servers that are in it. */
import { nextHeadVersion } from "../../log/types.ts";
import type { Logger } from "../../platform/logger.ts";
import { errors } from "../../protocol/errors.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import type { PartialRoomRow } from "../../storage/rooms/partial-rooms.ts";
import { bytesOfRoot } from "../records/events.ts";
import { headMove } from "../commands/head.ts";
import type { Head } from "../commands/head.ts";
import type { Step } from "../commands/mailbox.ts";
import type { Mailboxes } from "../commands/mailboxes.ts";
import type { BeginIntake, ToldEntries } from "../fetching/state-importer.ts";
import { neededNodes } from "../state/tree/index.ts";
import type { RoomStore } from "../state/store.ts";
import type { RemoteRooms } from "../../federation-client/types.ts";
import type { Room, StateRoot, StoredEvent } from "../api/index.ts";

export interface FetchStateDeps {
  readonly store: RoomStore;
  readonly mailboxes: Mailboxes;
  readonly remote: Pick<RemoteRooms, "joinedState">;
  readonly beginIntake: BeginIntake;
  readonly logger: Logger;
}

/** The join with its whole states; throws when none of the servers tells them. */
export type FetchState = (
  room: Room,
  row: PartialRoomRow,
  join: StoredEvent,
) => Promise<StoredEvent>;

const SERVERS_TRIED = 8;

export function createFetchState(deps: FetchStateDeps): FetchState {
  const { store, mailboxes, remote, logger } = deps;

  async function ask(server: ServerName, room: Room, join: StoredEvent): Promise<ToldEntries> {
    const intake = deps.beginIntake(room);
    await remote.joinedState(server, room.roomId, join.event.eventId, intake.take);
    await intake.finish();
    const told = await intake.entries();
    await checkAgrees(room, join.stateBefore, told);
    return told;
  }

  /** A state that lacks, or has others, of the events that let us in is another one. */
  async function checkAgrees(room: Room, known: StateRoot, told: ToldEntries): Promise<void> {
    for (const [tuple, nid] of await store.tree.entries(known)) {
      if ((told.others.get(tuple) ?? told.members.get(tuple)) === nid) continue;
      throw errors.unknown(`Another state of ${room.roomId} was told than at the join`, 502);
    }
  }

  async function keep(
    room: Room,
    row: PartialRoomRow,
    join: StoredEvent,
    told: ToldEntries,
  ): Promise<StoredEvent> {
    return mailboxes.run(room, (head) => restateJoin(head, row, join, told));
  }

  /** The head stays where it is, but for its version: nobody goes on with the join as it was. */
  async function restateJoin(
    head: Head,
    row: PartialRoomRow,
    join: StoredEvent,
    told: ToldEntries,
  ): Promise<Step<StoredEvent>> {
    const { room } = head;
    const { tree, tuples, pending, committed } = head.store;
    const before = await tree.set(null, [...told.others, ...told.members]);
    tree.hold(before.nodes);
    try {
      const key = ["m.room.member", join.event.stateKey as string] as const;
      const [tuple] = await tuples.ensure([key]);
      const after = await tree.set(before.root, [[tuple as number, join.nid]]);
      const nodes = [...before.nodes, ...after.nodes];
      const { status, roomState } = join;
      const restated = { ...join, stateBefore: before.root, stateAfter: after.root };
      const next: Head = { ...head, version: nextHeadVersion(head.version) };
      const maker = {};
      pending.add(maker, { stored: restated, authNids: undefined });
      pending.fence(maker);
      tree.hold(after.nodes);
      return {
        value: restated,
        next,
        append: {
          head: headMove(head, next),
          stateNodes: neededNodes(nodes, [before.root, after.root]),
          builtOn: [join.nid],
          restated: [
            {
              ...{ nid: join.nid, status, roomState: bytesOfRoot(roomState) },
              stateBefore: bytesOfRoot(before.root),
              stateAfter: bytesOfRoot(after.root),
            },
          ],
          partialRoom: {
            ...{ roomNid: room.nid, roomId: room.roomId, joinNid: join.nid },
            ...{ servers: row.servers, isFetched: true, isComplete: false },
          },
        },
        settled(outcome) {
          tree.release(nodes);
          pending.settle(maker, [restated]);
          if (outcome === undefined) pending.giveUp();
          else committed.events.keep(restated);
        },
      };
    } catch (error) {
      tree.release(before.nodes);
      throw error;
    }
  }

  return async (room, row, join) => {
    let last: unknown;
    for (const server of (row.servers as ServerName[]).slice(0, SERVERS_TRIED)) {
      try {
        return await keep(room, row, join, await ask(server, room, join));
      } catch (error) {
        last = error;
        const fields = { err: error, server, room: room.roomId };
        logger.info(fields, "the state of a room could not be had from a server");
      }
    }
    throw last ?? errors.unknown(`No server is known that has the state of ${room.roomId}`, 502);
  };
}
