/**
 * Steps 4 to 6 of the checks on receipt: the authorisation rules, against three views of the room.
 */
import { authorise, authStateOf, checkAuthEvents } from "../../protocol/auth/index.ts";
import { rejectionOf } from "../../protocol/errors.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { createEventIdOf } from "../../protocol/identifiers.ts";
import { counted, extremitiesNotReachedFrom } from "../commands/extremities.ts";
import type { RoomCommand } from "../commands/room-command.ts";
import type { EventReader } from "../records/events.ts";
import { authStateIn } from "../state/reader.ts";
import { resolveRoots } from "../state/resolution.ts";
import type { StateKey } from "../state/tuples.ts";
import type { StateRoot, StoredEvent } from "../api/index.ts";

/**
 * Step 4: authorisation by the auth events. Returns the reason of the
 * rejection, or undefined when the event passes. `state` is the state that the auth events form;
 * from version 12 on it includes the create event, which must not be rejected (rule 2).
 */
export function rejectionByAuthEvents(
  event: RoomEvent,
  authEvents: readonly StoredEvent[],
  state: readonly StoredEvent[],
): string | undefined {
  const rejected = new Set<string>();
  for (const stored of authEvents) {
    if (stored.status === "rejected") rejected.add(stored.event.eventId);
  }
  const accepted = state.filter(({ status }) => status !== "rejected");
  return rejectionOf(() => {
    checkAuthEvents(
      event,
      authEvents.map((stored) => stored.event),
      (id) => rejected.has(id),
    );
    authorise(event, authStateOf(accepted.map((stored) => stored.event)));
  });
}

/**
 * The create event where the auth events do not hold it: from version 12 on, the room's id names
 * it.
 */
export async function createEventBeside(
  { events }: { readonly events: EventReader },
  event: RoomEvent,
): Promise<StoredEvent[]> {
  if (!event.version.roomIdIsCreateHash || event.type === "m.room.create") return [];
  const create = await events.byId(createEventIdOf(event.roomId));
  return create === undefined ? [] : [create];
}

/**
 * Whether the auth events are exactly what the state holds (except for the create event): then the
 * check by auth events has already decided.
 */
export function isSameState(
  state: ReadonlyMap<string, StoredEvent>,
  auth: readonly StoredEvent[],
): boolean {
  const nids = new Set(auth.map((stored) => stored.nid));
  for (const stored of state.values()) {
    if (stored.event.type !== "m.room.create" && !nids.delete(stored.nid)) return false;
    nids.delete(stored.nid);
  }
  return nids.size === 0;
}

/** Steps 5 and 6: the reason why this state does not authorise the event; undefined: it does. */
export function rejectionByState(
  event: RoomEvent,
  state: ReadonlyMap<string, StoredEvent>,
): string | undefined {
  return rejectionOf(() => authorise(event, authStateIn(state)));
}

/**
 * Step 6: the same for the current state. If it refuses, there is a second look at it together with
 * what the event's own branch changed: a join in a gap, for instance.
 */
export async function rejectionByCurrentState(
  command: RoomCommand,
  event: RoomEvent,
  before: StateRoot,
  keys: readonly StateKey[],
): Promise<string | undefined> {
  const now = rejectionByState(event, await command.state(keys));
  if (now === undefined) return undefined;
  return rejectionByState(event, await stateWithBranch(command, event, before, keys));
}

/**
 * The current state if the state before the event replaced those extremities that the event builds
 * on.
 */
async function stateWithBranch(
  command: RoomCommand,
  event: RoomEvent,
  before: StateRoot,
  keys: readonly StateKey[],
): Promise<ReadonlyMap<string, StoredEvent>> {
  const { store } = command;
  const others = await extremitiesNotReachedFrom(store, command.extremities, event);
  const roots = [...counted(others).map((one) => one.stateAfter), before];
  const { base, changes } = await resolveRoots(store, command.room, roots);
  return store.state.events(await command.setTuples(base, changes), [...keys]);
}
