/** Servers that are not in one another's rooms, and the member events that they make for them. */
import { beforeEach } from "vitest";
import { buildEvent } from "../../../src/protocol/events/build-event.ts";
import type { RoomId, UserId } from "../../../src/protocol/identifiers.ts";
import { type JsonObject } from "../../../src/protocol/json.ts";
import { roomVersion } from "../../../src/protocol/room-versions.ts";
import type { TestServer } from "../support/world.ts";
import { startServers } from "../support/servers.ts";

export const [world, a, b, c] = await startServers("a.test", "b.test", "c.test");
export const [alice, bob, ben] = [a.user("alice"), b.user("bob"), b.user("ben")];

beforeEach(() => world.reset());

/** A member event of the server's, in a room of which it need know nothing. */
export function forged(
  from: TestServer,
  version: string,
  roomId: RoomId,
  target: UserId,
  membership: string,
) {
  return buildEvent(
    {
      roomId,
      ...{ type: "m.room.member", stateKey: target, sender: from.user("mallory").userId },
      ...{ content: { membership }, depth: 5, originServerTs: Date.now() },
      ...{ prevEventIds: [], authEventIds: [] },
    },
    roomVersion(version)!,
    from.name,
    from.key,
  );
}

export function invite(
  from: TestServer,
  version: string,
  roomId: RoomId,
  target: UserId,
  inviteRoomState: JsonObject[] = [],
) {
  const event = forged(from, version, roomId, target, "invite");
  const body = { event: event.pdu, roomVersion: version, inviteRoomState };
  return b.rooms.federation.invite(from.name, roomId, event.eventId, body);
}
