/** Three servers, and member events that one of them gives back or makes up. */
import { beforeEach } from "vitest";
import { buildEvent } from "../../../src/protocol/events/build-event.ts";
import type { RoomId, UserId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { roomVersion } from "../../../src/protocol/room-versions.ts";
import type { TestServer } from "../support/world.ts";
import { startServers } from "../support/servers.ts";

export const [world, a, b, c] = await startServers("a.test", "b.test", "c.test");
export const [alice, bob] = [a.user("alice"), b.user("bob")];

beforeEach(() => world.reset());

export function invitation(
  from: TestServer,
  roomId: RoomId,
  target: UserId,
  more: JsonObject = {},
) {
  return buildEvent(
    {
      roomId,
      ...{ type: "m.room.member", stateKey: target, sender: from.user("mallory").userId },
      ...{ content: { membership: "invite", ...more }, depth: 5, originServerTs: Date.now() },
      ...{ prevEventIds: [], authEventIds: [] },
    },
    roomVersion("10")!,
    from.name,
    from.key,
  );
}
