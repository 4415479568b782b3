import { isTransient } from "../../api/errors.ts";
import type { KeyName } from "../protocol.ts";

/** Keys fetched at once, and how many may wait or be remembered as lacking. */
const AT_ONCE = 4;
const MAX_KEYS = 2000;
/** Milliseconds after which a key that was not there is asked for again. */
const ASK_AGAIN = 60_000;
/** The same after a server did not answer. */
const AWAY = 10_000;

interface FetcherDeps {
  /** Fetches one key and takes it in. Rejects when it is not there. */
  fetch(roomId: string, sessionId: string): Promise<void>;
  canFetch(): boolean;
  /** Told of keys whose events are to be read anew. */
  onKeys(keys: KeyName[]): void;
}

/** What became of the key that an event wanted. */
interface Asked extends KeyName {
  /** When it may be asked for again, in milliseconds since the epoch. */
  again: number;
  state: "waiting" | "fetched" | "lacking";
}

const nameOf = ({ roomId, sessionId }: KeyName): string => `${roomId} ${sessionId}`;

/** Fetches single keys when events want them, a few at once, and remembers which are not to be had. */
export function createFetcher({ fetch, canFetch, onKeys }: FetcherDeps) {
  const asked = new Map<string, Asked>();
  const waiting = new Map<string, KeyName>();
  let running = 0;

  function note({ roomId, sessionId }: KeyName, state: Asked["state"], again: number): void {
    const name = nameOf({ roomId, sessionId });
    asked.delete(name);
    asked.set(name, { roomId, sessionId, state, again });
    if (asked.size > MAX_KEYS) asked.delete(asked.keys().next().value!);
  }

  async function fetchOne(key: KeyName): Promise<void> {
    try {
      await fetch(key.roomId, key.sessionId);
      // It may be of no use for the event: the key of a later message. Asking at once would give the same.
      note(key, "fetched", Date.now() + ASK_AGAIN);
      onKeys([key]);
    } catch (error) {
      note(key, "lacking", Date.now() + ASK_AGAIN);
      if (!isTransient(error)) return onKeys([key]);
      // A server that is away says nothing of what it has.
      setTimeout(() => {
        asked.delete(nameOf(key));
        onKeys([key]);
      }, AWAY);
    }
  }

  function pump(): void {
    while (running < AT_ONCE && canFetch()) {
      const next = waiting.entries().next().value;
      if (next === undefined) return;
      const [name, key] = next;
      waiting.delete(name);
      running++;
      void fetchOne(key).finally(() => {
        running--;
        pump();
      });
    }
  }

  return {
    /** An event wants a key that is not here. */
    want(roomId: string, sessionId: string): void {
      const key = { roomId, sessionId };
      const known = asked.get(nameOf(key));
      if (known !== undefined && Date.now() < known.again) return;
      if (!canFetch()) {
        note(key, "lacking", 0);
        return;
      }
      note(key, "waiting", Infinity);
      waiting.set(nameOf(key), key);
      if (waiting.size > MAX_KEYS) {
        const oldest = waiting.keys().next().value!;
        waiting.delete(oldest);
        asked.delete(oldest);
      }
      pump();
    },

    /** True when it is known that fetching the key does not help. */
    isLacking: (roomId: string, sessionId: string): boolean => {
      const known = asked.get(nameOf({ roomId, sessionId }));
      return known !== undefined && known.state !== "waiting";
    },

    /** Asks anew for keys that were not there, as soon as events want them. */
    retry(keys: readonly KeyName[]): void {
      for (const key of keys) {
        if (asked.get(nameOf(key))?.state !== "waiting") asked.delete(nameOf(key));
      }
    },

    /** The same for all, whose events are told of. */
    retryAll(): void {
      const keys = [...asked.values()].filter(({ state }) => state !== "waiting");
      for (const key of keys) asked.delete(nameOf(key));
      if (keys.length > 0) {
        onKeys(keys.map(({ roomId, sessionId }) => ({ roomId, sessionId })));
      }
      pump();
    },
  };
}
