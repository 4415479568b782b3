/** Repeats steps 4 and 5 of the checks on receipt for a stored event. */
import { authTypesFor } from "../../protocol/auth/index.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { createEventIdOf } from "../../protocol/identifiers.ts";
import { rejectionByAuthEvents, rejectionByState } from "../checks/authorisation.ts";
import type { RoomStore } from "../state/store.ts";
import type { StateKey } from "../state/tuples.ts";
import type { StateRoot, StoredEvent } from "../api/index.ts";

/** `reason` undefined: the rules allow it. */
export interface Verdict {
  readonly reason: string | undefined;
}

/**
 * By its auth events, and by the state before it (not for an event outside the graph). Undefined
 * when it cannot be decided: an auth event is missing, or something that the rules read was
 * redacted since.
 */
export async function verdictOf(
  store: RoomStore,
  event: RoomEvent,
  before: StateRoot | undefined,
): Promise<Verdict | undefined> {
  const ids = event.authEventIds;
  const found = await store.events.byIds([...ids]);
  const auth = ids.flatMap((id) => found.get(id) ?? []);
  if (auth.length < ids.length || auth.some(isRedacted)) return undefined;
  const create = await createOf(store, event);
  if (create === undefined) return undefined;
  const byAuth = rejectionByAuthEvents(event, auth, [...auth, ...create]);
  if (byAuth !== undefined) return { reason: byAuth };
  if (before === undefined) return { reason: undefined };
  const keys: StateKey[] = [...authTypesFor(event, event.version), ["m.room.create", ""]];
  const state = await store.state.events(before, keys);
  if ([...state.values()].some(isRedacted)) return undefined;
  return { reason: rejectionByState(event, state) };
}

function isRedacted({ redactedBy }: StoredEvent): boolean {
  return redactedBy !== null;
}

/** From version 12 the room's id names the create event, and auth_events don't. */
async function createOf(store: RoomStore, event: RoomEvent): Promise<StoredEvent[] | undefined> {
  if (!event.version.roomIdIsCreateHash || event.type === "m.room.create") return [];
  const create = await store.events.byId(createEventIdOf(event.roomId));
  return create === undefined || isRedacted(create) ? undefined : [create];
}
