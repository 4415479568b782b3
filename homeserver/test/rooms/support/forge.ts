/** Events as another server might make them, with whatever is to be wrong about them. */
import { buildEvent } from "../../../src/protocol/events/build-event.ts";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { Actor, StoredEvent } from "../../../src/rooms/index.ts";
import type { TestServer } from "./world.ts";

export interface Forgery {
  readonly type?: string;
  readonly stateKey?: string;
  readonly sender?: string;
  readonly content?: JsonObject;
  readonly prev?: readonly string[];
  readonly auth?: readonly string[];
  readonly roomId?: string;
  readonly depth?: number;
  readonly signer?: TestServer;
  readonly originServerTs?: number;
}

/** Makes events of `user` on top of what `server` knows of the room now. */
export async function forger(server: TestServer, roomId: RoomId, user: Actor) {
  const room = (await server.rooms.view.room(roomId))!;
  const state = await server.rooms.view.currentState(room.nid);
  const tip = (await newest(server, roomId)) as StoredEvent;
  const byV11 = state.filter(({ event }) => event.type === "m.room.create");
  return (forgery: Forgery = {}): RoomEvent => {
    const sender = forgery.sender ?? user.userId;
    const selected = state.filter(
      ({ event }) =>
        event.type === "m.room.power_levels" ||
        (event.type === "m.room.member" && event.stateKey === sender),
    );
    if (!room.version.roomIdIsCreateHash) selected.push(...byV11);
    const signer = forgery.signer ?? server;
    return buildEvent(
      {
        roomId: forgery.roomId ?? roomId,
        type: forgery.type ?? "m.room.message",
        ...(forgery.stateKey === undefined ? {} : { stateKey: forgery.stateKey }),
        sender,
        content: forgery.content ?? { body: "forged" },
        depth: forgery.depth ?? tip.event.depth + 1,
        originServerTs: forgery.originServerTs ?? Date.now(),
        prevEventIds: forgery.prev ?? [tip.event.eventId],
        authEventIds: forgery.auth ?? selected.map(({ event }) => event.eventId),
      },
      room.version,
      signer.name,
      signer.key,
    );
  };
}

/** The last event of the room's timeline. */
export async function newest(server: TestServer, roomId: RoomId): Promise<StoredEvent | undefined> {
  const room = await server.rooms.view.room(roomId);
  return (await server.rooms.history.timeline(room!.nid, { limit: 1 })).events[0];
}
