import type { EphemeralChange } from "../../cluster/ephemeral.ts";
import type { RoomView } from "../../rooms/api/index.ts";
import type { People, Person } from "./syncing-users.ts";
import type { Waker } from "./wake.ts";

/** Marks and wakes the people whom a change of typing or presence concerns. */
export function createEphemeralChanges(deps: {
  readonly view: RoomView;
  readonly people: People;
  readonly waker: Waker;
}) {
  const { view, people, waker } = deps;

  async function concerned(change: EphemeralChange): Promise<Set<Person>> {
    if (change.kind === "typing") {
      const room = await view.room(change.roomId);
      return new Set(room ? people.inRoom(room.nid) : []);
    }
    const found = new Set<Person>();
    const self = people.peek(change.userId);
    if (self) found.add(self);
    for (const row of await view.membershipsOf(change.userId)) {
      if (row.membership !== "join") continue;
      for (const person of people.inRoom(row.roomNid)) found.add(person);
    }
    return found;
  }

  return async function take(change: EphemeralChange): Promise<void> {
    const found = await concerned(change);
    for (const person of found) person.ephemeralAt = Math.max(person.ephemeralAt, change.serial);
    waker.wake(found);
  };
}
