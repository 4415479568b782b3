/**
 * The mailboxes of the rooms in use. When there are too many, idle ones are dropped from memory.
 */
import type { RoomTurns } from "../../cluster/room-turns.ts";
import type { Log } from "../../log/types.ts";
import { headVersion } from "../../storage/rooms/heads.ts";
import { readHead } from "./head.ts";
import type { Head } from "./head.ts";
import { createMailbox } from "./mailbox.ts";
import type { Command, Mailbox } from "./mailbox.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room } from "../api/index.ts";

export interface Mailboxes {
  /** Runs a command on the room's head. */
  run<T>(room: Room, command: Command<T>): Promise<T>;
  /** Lets go of a room's head. */
  forget(roomNid: number): void;
  readonly size: number;
  /** Resolves when no command is under way. */
  drained(): Promise<void>;
}

/** `turns` is given when there are several replicas. */
export function createMailboxes(
  store: RoomStore,
  log: Log,
  turns?: RoomTurns,
  max = 2_000,
): Mailboxes {
  // Ordered by last use, the longest unused first.
  const boxes = new Map<number, Mailbox>();

  /**
   * Waits until the caches contain what other replicas wrote up to this head: commands read the
   * caches, too.
   */
  async function load(room: Room, last: Head | undefined): Promise<Head> {
    for (;;) {
      const caughtUp = log.fresh();
      await caughtUp;
      const head = await readHead(store, room, last);
      const isCurrent = caughtUp === undefined || (head.movedAt ?? 0) <= log.position;
      if (isCurrent) return head;
    }
  }

  function boxOf(room: Room): Mailbox {
    let box = boxes.get(room.nid);
    if (box === undefined) {
      box = createMailbox({
        load: (last) => load(room, last),
        committedVersion: () => headVersion(store.sql, room.nid),
        append: (append) => log.append(append),
        openTurn: turns && ((writer) => turns.open(room.nid, writer)),
      });
    } else {
      boxes.delete(room.nid);
    }
    boxes.set(room.nid, box);
    if (boxes.size > max) shrink();
    return box;
  }

  function shrink(): void {
    for (const [nid, box] of boxes) {
      if (boxes.size <= max) return;
      if (box.idle) drop(nid, box);
    }
  }

  function drop(nid: number, box: Mailbox): void {
    boxes.delete(nid);
    box.close();
  }

  return {
    // The room version may have been only another server's claim when the head was loaded.
    run: (room, command) =>
      boxOf(room).run((head) =>
        command(head.room.version === room.version ? head : { ...head, room }),
      ),
    forget(roomNid) {
      const box = boxes.get(roomNid);
      if (box?.idle === true) drop(roomNid, box);
    },
    get size() {
      return boxes.size;
    },
    async drained() {
      await Promise.all([...boxes.values()].map((box) => box.drained()));
    },
  };
}
