import { describe, expect, test } from "vitest";
import { StaleHead } from "../../../src/log/types.ts";
import type { Append, Committed } from "../../../src/log/types.ts";
import type { RoomTurn } from "../../../src/cluster/room-turns.ts";
import { createMailbox } from "../../../src/rooms/commands/mailbox.ts";
import type { MailboxDeps } from "../../../src/rooms/commands/mailbox.ts";
import type { Head } from "../../../src/rooms/commands/head.ts";
import { nextTurn } from "../../support/wait.ts";

/** A room's row as a database would hold it; heads are told apart by their version. */
function fakeRoom(
  options: {
    failAt?: (n: number) => Error | undefined;
    openTurn?: MailboxDeps["openTurn"];
  } = {},
) {
  let version = 1;
  let appends = 0;
  let loads = 0;
  const committed: number[] = [];
  const head = (at: number) => ({ version: at }) as Head;
  const box = createMailbox({
    openTurn: options.openTurn,
    load: async () => {
      loads += 1;
      return head(version);
    },
    committedVersion: async () => version,
    async append(append: Append): Promise<Committed> {
      const n = ++appends;
      await nextTurn();
      const failure = options.failAt?.(n);
      if (failure !== undefined) throw failure;
      const move = append.head;
      if (move === undefined || move.expectedVersion !== version) throw new StaleHead(1);
      version = move.version;
      committed.push(move.depth);
      return { position: n, positions: new Map(), returned: [] };
    },
  });
  const command = (label: number) =>
    box.run(async (at) => ({
      value: label,
      next: head(at.version + 1),
      append: {
        head: {
          roomNid: 1,
          expectedVersion: at.version,
          version: at.version + 1,
          extremities: [],
          stateRoot: null,
          depth: label,
        },
      },
    }));
  return {
    box,
    command,
    committed,
    loads: () => loads,
    underWay: () => appends - committed.length,
    otherWriter: () => {
      version += 100;
    },
  };
}

describe("the mailbox", () => {
  test("builds the next command on a head that is still being committed", async () => {
    const room = fakeRoom();
    const answers = await Promise.all([1, 2, 3, 4].map(room.command));
    expect(answers).toEqual([1, 2, 3, 4]);
    expect(room.committed).toEqual([1, 2, 3, 4]);
    expect(room.loads()).toBe(1);
  });

  test("loads the head afresh when another writer was faster, and does everything in order", async () => {
    const room = fakeRoom();
    await room.command(0);
    room.otherWriter();
    await Promise.all([1, 2, 3].map(room.command));
    expect(room.committed).toEqual([0, 1, 2, 3]);
    expect(room.loads()).toBe(2);
  });

  test("fails the command whose commit fails, and runs those again that were built on it", async () => {
    const room = fakeRoom({ failAt: (n) => (n === 2 ? new Error("disk full") : undefined) });
    const results = await Promise.allSettled([1, 2, 3, 4].map(room.command));
    expect(results.map((result) => result.status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    expect(room.committed).toEqual([1, 3, 4]);
  });

  test("gives up on a head that stays stale", async () => {
    const room = fakeRoom({ failAt: () => new StaleHead(1) });
    await expect(room.command(1)).rejects.toBeInstanceOf(StaleHead);
    expect(room.box.idle).toBe(true);
  });

  test("thinks a refusal over when it rested on a head that was not committed", async () => {
    const room = fakeRoom({ failAt: (n) => (n === 1 ? new Error("lost") : undefined) });
    const first = room.command(1);
    let asked = 0;
    const second = room.box.run(async (head) => {
      asked += 1;
      if (head.version > 1) throw new Error("forbidden by what the first one did");
      return { value: "allowed" };
    });
    await expect(first).rejects.toThrow("lost");
    expect(await second).toBe("allowed");
    expect(asked).toBe(2);
  });

  test("thinks a refusal over when another writer has moved the head", async () => {
    const room = fakeRoom();
    await room.command(0);
    room.otherWriter();
    const answer = await room.box.run(async (head) => {
      if (head.version < 100) throw new Error("forbidden by what is outdated");
      return { value: "allowed" };
    });
    expect(answer).toBe("allowed");
    expect(room.loads()).toBe(2);
  });

  test("is drained when everything has been answered", async () => {
    const room = fakeRoom();
    const answers = Promise.all([1, 2].map(room.command));
    await room.box.drained();
    expect(room.committed).toEqual([1, 2]);
    await answers;
    expect(room.box.idle).toBe(true);
  });

  test("passes the turn on after its own commits, also where the share ends while it looks", async () => {
    let isWanted = false;
    let looks = 0;
    const underWayAtPass: number[] = [];
    const turn: RoomTurn = {
      take: () => "kept",
      get isWanted() {
        return isWanted;
      },
      // The first look is in time, each later one is too late.
      get isOver() {
        return looks++ > 0;
      },
      linger: async () => {},
      async pass() {
        isWanted = false;
        underWayAtPass.push(room.underWay());
      },
      yield: async () => {},
      close() {},
    };
    const room = fakeRoom({ openTurn: () => turn });
    const both = Promise.all([room.command(1), room.command(2)]);
    isWanted = true;
    await both;
    await room.box.drained();
    expect(room.committed).toEqual([1, 2]);
    expect(underWayAtPass).toEqual([0]);
  });
});
