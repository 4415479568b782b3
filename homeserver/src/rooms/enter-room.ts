/** The room that another server's answer to a join makes: the join is its only extremity, on the state that was told. */
import type { RoomEvent } from "../protocol/event.ts";
import { newEvent } from "./new-event.ts";
import type { Identity } from "./drafting.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { ToldEntries } from "./state-intake.ts";
import type { RoomStore } from "./store.ts";
import type { Room, StateRoot, StoredEvent } from "./types.ts";
import { Work } from "./work.ts";

export type EnterRoom = (room: Room, join: RoomEvent, told: ToldEntries) => Promise<void>;

export function createEnterRoom(
  store: RoomStore,
  mailboxes: Mailboxes,
  identity: Identity,
): EnterRoom {
  async function placeJoin(
    work: Work,
    join: RoomEvent,
    before: StateRoot,
    known: StoredEvent | undefined,
  ): Promise<StoredEvent> {
    const [freshNid] = known === undefined ? await store.registry.eventNids(1) : [known.nid];
    const nid = freshNid as number;
    const after = await work.setState(before, [["m.room.member", join.stateKey as string, nid]]);
    const auth = await store.events.byIds([...join.authEventIds]);
    const states = { stateBefore: before, stateAfter: after, roomState: after };
    const stored = newEvent(work.room.nid, nid, join, states);
    work.add({
      stored,
      authNids: [...auth.values()].map((one) => one.nid),
      timeline: "live",
      stateChanged: true,
      known: known !== undefined,
    });
    await work.moveHead([stored], after);
    return stored;
  }

  return (room, join, told) =>
    mailboxes.run(room, async (head) => {
      const work = new Work(store, identity, head);
      const known = await store.events.byId(join.eventId);
      if (known !== undefined && known.stateAfter !== null) return { value: undefined };
      const before = await work.setTuples(null, [...told.others, ...told.members]);
      const prev = await store.events.byIds([...join.prevEventIds]);
      const stored = await placeJoin(work, join, before, known);
      const missing = join.prevEventIds.filter((id) => prev.get(id)?.stateAfter == null);
      return work.step(undefined, {
        append: {
          missing: {
            add: missing.map((id) => ({ roomNid: room.nid, eventId: id, childNid: stored.nid })),
          },
          strippedRooms: [
            { roomNid: room.nid, userId: join.stateKey as string, strippedState: null },
          ],
        },
      });
    });
}
