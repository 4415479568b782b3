/**
 * Merges forward extremities when a room has too many, with an empty event of a local user that
 * names them all.
 */
import type { Clock } from "../../platform/clock.ts";
import { addLocal } from "../commands/local-drafts.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Random } from "../../platform/random.ts";
import { MatrixError } from "../../protocol/errors.ts";
import { isUserId, serverOf } from "../../protocol/identifiers.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { isJsonObject } from "../../protocol/json.ts";
import { someJoinedUsers } from "../../storage/rooms/members.ts";
import { MAX_COUNTED } from "../commands/extremities.ts";
import type { LocalEvents } from "../commands/local-events.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room, StoredEvent } from "../api/index.ts";
import type { RoomCommand } from "../commands/room-command.ts";

export interface MergeDeps {
  readonly store: RoomStore;
  readonly local: LocalEvents;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly stop: AbortSignal;
}

/**
 * Call it with a room's number of extremities. When there are too many, they are merged after a
 * while, and the caller is slowed down, so that whoever forks the room does not hold up others.
 */
export type MergeIfMany = (room: Room, extremities: number) => Promise<void> | undefined;

/** Other servers use this type as well; clients do not show it. */
const TYPE = "org.matrix.dummy_event";
/**
 * The merge comes at a random moment within this time: all servers in the room have the same
 * extremities, and the first merge saves the others theirs.
 */
const WITHIN_MS = 60_000;
const MAX_ROOMS_WAITING = 500;
const PAUSE_MS = 3;
const USERS_TRIED = 10;
/** Events sent at once at most: together they merge the 1,000 extremities that are kept. */
const MAX_EVENTS = 60;

export function createMergeExtremities(deps: MergeDeps): MergeIfMany {
  const { store, local, clock, random, logger, stop } = deps;
  const { serverName } = local.identity;
  const waiting = new Set<number>();

  /** Candidates for sending it: users with a power level of their own first. */
  async function senders(command: RoomCommand): Promise<UserId[]> {
    const levels = await command.stateEvent("m.room.power_levels", "");
    const named = isJsonObject(levels?.event.content.users) ? levels.event.content.users : {};
    const create = await command.stateEvent("m.room.create", "");
    const joined = await someJoinedUsers(store.sql, command.room.nid, serverName, USERS_TRIED);
    const users = [create?.event.sender ?? "", ...Object.keys(named).slice(0, 1_000), ...joined];
    const ours = users.filter((user) => isUserId(user) && serverOf(user) === serverName);
    return [...new Set(ours)].slice(0, USERS_TRIED) as UserId[];
  }

  async function mergeBy(command: RoomCommand, sender: UserId): Promise<StoredEvent | undefined> {
    try {
      return await addLocal(command, { type: TYPE, sender, content: {} });
    } catch (error) {
      if (error instanceof MatrixError) return undefined;
      throw error;
    }
  }

  async function merge(room: Room): Promise<void> {
    const merged = await local.run(room, async (command) => {
      if (command.extremities.length <= MAX_COUNTED) return 0;
      const before = command.extremities.length;
      for (const sender of await senders(command)) {
        for (let sent = 0; command.extremities.length > 1 && sent < MAX_EVENTS; sent += 1) {
          if ((await mergeBy(command, sender)) === undefined) break;
        }
      }
      return before - command.extremities.length;
    });
    logger.info({ room: room.roomId, merged }, "forward extremities were merged");
  }

  function mergeLater(room: Room): void {
    if (waiting.has(room.nid) || waiting.size >= MAX_ROOMS_WAITING) return;
    waiting.add(room.nid);
    void clock
      .sleep(random.integer(WITHIN_MS), stop)
      .then(() => (stop.aborted ? undefined : merge(room)))
      .catch((error: unknown) => {
        logger.warn({ err: error, room: room.roomId }, "forward extremities could not be merged");
      })
      .finally(() => waiting.delete(room.nid));
  }

  return (room, extremities) => {
    if (extremities <= MAX_COUNTED) return undefined;
    mergeLater(room);
    return clock.sleep(PAUSE_MS);
  };
}
