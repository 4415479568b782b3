/** Where pages of a room begin and end, whatever happens meanwhile. */
import { expect, test } from "vitest";
import type { RoomId, UserId } from "../../../src/protocol/identifiers.ts";
import { createMessages } from "../../../src/rooms/history/messages.ts";
import type { MessagesDeps } from "../../../src/rooms/history/messages.ts";
import type { Room, StoredEvent, TimelinePlace } from "../../../src/rooms/api/index.ts";

test("a page without a token begins where its token says, also when something is sent meanwhile", async () => {
  const reader = { userId: "@a:b.test" as UserId, deviceId: "D" };
  const room = { nid: 7, roomId: "!r:b.test" as RoomId } as Room;
  const newest = { position: 5, ordinal: 0 } as StoredEvent;
  const begun: (TimelinePlace | undefined)[] = [];
  const { messages } = createMessages({
    access: { of: async () => ({ room, state: "now" }) },
    timelines: { backwards: async () => ({ events: [newest], more: true }) },
    placeIn: async () => undefined,
    pages: {
      read: async (_room: Room, { from }: { from: TimelinePlace | undefined }) => {
        begun.push(from);
        return { events: [], more: false, isCut: false };
      },
    },
    view: { present: async () => [], related: async () => [] },
    withoutIgnored: async () => [],
  } as unknown as MessagesDeps);
  const { start } = await messages(reader, room.roomId, { dir: "b" });
  expect(start).toBe("t5_0_7");
  expect(begun).toEqual([{ position: 5, ordinal: 0 }]);
});
