/** State resolution: small conflicts are resolved in line, big ones on a thread of their own. */
import { createWorkerPool } from "../../platform/worker-pool.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import { resolveConflict } from "../../protocol/state-res/index.ts";
import type { PortableConflict, StateConflict } from "../../protocol/state-res/index.ts";
import type { StoredEvent } from "../api/index.ts";

/** A conflict, with all events that resolving it reads. */
export interface Resolvable extends Pick<StateConflict, "version" | "conflicted"> {
  readonly unconflicted: ReadonlyMap<string, EventId>;
  readonly authDifference: readonly EventId[];
  readonly events: ReadonlyMap<EventId, StoredEvent>;
}

export interface Resolver {
  resolve(conflict: Resolvable): Promise<ReadonlyMap<string, EventId>>;
  close(): Promise<void>;
}

/** At 10 to 20 µs an event, more would block this thread for over 5 ms. */
const MAX_IN_LINE = 300;

/** `maxInLine`: conflicts of more events than this go to the thread. */
export function createResolver(maxInLine = MAX_IN_LINE): Resolver {
  const thread = createWorkerPool<PortableConflict, [string, EventId][]>(
    new URL("./resolver-thread.ts", import.meta.url),
  );
  return {
    async resolve(conflict) {
      if (sizeOf(conflict) <= maxInLine) return resolveInLine(conflict);
      try {
        return new Map(await thread.run(portable(conflict)));
      } catch {
        // The thread is unavailable: resolving here gives the same result but blocks other work.
        return resolveInLine(conflict);
      }
    },
    close: thread.close,
  };
}

/** On this thread. */
export function resolveInLine(conflict: Resolvable): Map<string, EventId> {
  const { version, conflicted, unconflicted, authDifference, events } = conflict;
  return resolveConflict({
    version,
    conflicted,
    unconflicted: (tuple) => unconflicted.get(tuple),
    authDifference,
    events: (id) => events.get(id)?.event,
    isRejected: (id) => events.get(id)?.status === "rejected",
  });
}

function sizeOf({ conflicted, authDifference }: Resolvable): number {
  let size = authDifference.length;
  for (const events of conflicted.values()) size += events.length;
  return size;
}

function portable(conflict: Resolvable): PortableConflict {
  const events = [...conflict.events.values()];
  return {
    version: conflict.version.id,
    conflicted: [...conflict.conflicted],
    unconflicted: [...conflict.unconflicted],
    authDifference: conflict.authDifference,
    events: events.map(({ event }) => [event.eventId, event.json()]),
    rejected: events.flatMap(({ status, event }) => (status === "rejected" ? event.eventId : [])),
  };
}
