import { eventFromStored } from "../events/event.ts";
import type { RoomEvent } from "../events/event.ts";
import type { EventId } from "../identifiers.ts";
import { roomVersion } from "../room-versions.ts";
import { resolveConflict } from "./resolve.ts";

/** A conflict as plain data that another thread can resolve: see StateConflict. */
export interface PortableConflict {
  /** Room version. */
  readonly version: string;
  readonly conflicted: readonly (readonly [tuple: string, events: readonly EventId[]])[];
  readonly unconflicted: readonly (readonly [tuple: string, event: EventId])[];
  readonly authDifference: readonly EventId[];
  /** Canonical PDUs by id. */
  readonly events: readonly (readonly [id: EventId, json: string])[];
  readonly rejected: readonly EventId[];
}

/** As resolveConflict; events are parsed when they are looked at. */
export function resolvePortable(conflict: PortableConflict): [tuple: string, event: EventId][] {
  const version = roomVersion(conflict.version);
  if (version === undefined) throw new RangeError(`room version ${conflict.version} is unknown`);
  const texts = new Map(conflict.events);
  const parsed = new Map<EventId, RoomEvent>();
  const unconflicted = new Map(conflict.unconflicted);
  const rejected = new Set(conflict.rejected);
  const resolved = resolveConflict({
    version,
    conflicted: new Map(conflict.conflicted),
    unconflicted: (tuple) => unconflicted.get(tuple),
    authDifference: conflict.authDifference,
    isRejected: (id) => rejected.has(id),
    events(id) {
      let event = parsed.get(id);
      const json = texts.get(id);
      if (event === undefined && json !== undefined) {
        parsed.set(id, (event = eventFromStored(json, version, id)));
      }
      return event;
    },
  });
  return [...resolved];
}
