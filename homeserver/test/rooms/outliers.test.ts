import { describe, expect, test } from "vitest";
import type { RoomEvent } from "../../src/protocol/event.ts";
import { roomVersion } from "../../src/protocol/room-versions.ts";
import { newEvent } from "../../src/rooms/new-event.ts";
import { refusal } from "../../src/rooms/outliers.ts";
import { CREATE, toldEvent } from "../protocol/told-event.ts";

const FOUNDER = "@founder:alpha";
const FIRST_JOIN = {
  type: "m.room.member",
  state_key: FOUNDER,
  sender: FOUNDER,
  content: { membership: "join" },
  prev_events: ["$create"],
};

function stored(event: RoomEvent, status: "accepted" | "rejected") {
  return newEvent(1, 1, event, { status });
}

describe("the create event of version 12, which no event names", () => {
  test.each(["accepted", "rejected"] as const)("counts when it was accepted: %s", (status) => {
    const version = roomVersion("12")!;
    const create = stored(toldEvent(CREATE, version, "$create"), status);
    const join = toldEvent(FIRST_JOIN, version, "$join");
    const reason = refusal(join, [], [create]);
    if (status === "accepted") expect(reason).toBeUndefined();
    else expect(reason).toMatch(/no m.room.create/);
  });
});
