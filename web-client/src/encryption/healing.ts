import type { KeyName } from "./protocol.ts";
import { createQueues } from "./queue.ts";

/** Sessions by room. */
function byRoom(keys: readonly KeyName[]): Map<string, Set<string>> {
  const groups = Map.groupBy(keys, ({ roomId }) => roomId);
  return new Map(
    [...groups].map(([roomId, all]) => [roomId, new Set(all.map(({ sessionId }) => sessionId))]),
  );
}

/**
 * Reads events once more when their keys come. `heal` does it for what a room has loaded: for all of it, or for what was
 * encrypted with these sessions.
 */
export function createHealing(
  heal: (roomId: string, sessions?: ReadonlySet<string>) => Promise<void>,
) {
  /** One at a time in a room: one that began before a key came must not end after the one that reads with it. */
  const inTurn = createQueues();
  /** Readings that go on, and the keys that came during them. */
  let underWay = 0;
  let late: KeyName[] = [];

  function healRoom(roomId: string, sessions?: ReadonlySet<string>): Promise<void> {
    return inTurn(roomId, () => heal(roomId, sessions));
  }

  function healAll(keys: readonly KeyName[]): void {
    for (const [roomId, sessions] of byRoom(keys)) void healRoom(roomId, sessions);
  }

  return {
    heal: healRoom,

    /** Something changed for what is encrypted with these keys. */
    keysCame(keys: readonly KeyName[]): void {
      if (underWay > 0) late.push(...keys);
      healAll(keys);
    },

    /**
     * Does what reads events and takes them in, at the latest in the microtask that follows it. A key that comes after they
     * were read and before they are in their room finds nothing to heal there: those are healed afterwards.
     */
    async during<T>(work: () => Promise<T>): Promise<T> {
      underWay++;
      try {
        return await work();
      } finally {
        setTimeout(() => {
          underWay--;
          if (underWay > 0 || late.length === 0) return;
          const keys = late;
          late = [];
          healAll(keys);
        }, 0);
      }
    },
  };
}
