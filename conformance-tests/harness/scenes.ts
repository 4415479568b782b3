import { theSubject } from "./clause.ts";
import type { Pdu } from "./events.ts";
import { eventually, mustBeWithout } from "./must.ts";
import type { Peer } from "./peer.ts";
import type { NewPeerRoom, PeerRoom } from "./peer-room.ts";
import type { CreateRoomBody } from "./shapes.ts";
import { isJoined, isMember, syncUntil, timelineOf } from "./sync.ts";
import { registerUser } from "./users.ts";
import type { User } from "./users.ts";

export interface Shared {
  /** A user of the server under test. */
  readonly alice: User;
  /** A user of the peer. */
  readonly mallory: string;
  readonly roomId: string;
  /** The room as the peer sees it. */
  readonly room: PeerRoom;
}

/** A public room of the server under test that a user of the peer has joined. */
export async function roomWithPeer(peer: Peer, options: CreateRoomBody = {}): Promise<Shared> {
  const alice = await registerUser(theSubject(), "alice");
  const mallory = peer.user("mallory");
  const roomId = await alice.createRoom({ preset: "public_chat", room_version: "10", ...options });
  const room = await peer.joinRoom(roomId, mallory);
  await syncUntil(alice, "mallory's join", isMember(roomId, mallory, "join"));
  return { alice, mallory, roomId, room };
}

/** A public room of the peer that a user of the server under test has joined. */
export async function roomOfPeer(peer: Peer, options: Partial<NewPeerRoom> = {}): Promise<Shared> {
  const alice = await registerUser(theSubject(), "alice");
  const mallory = peer.user("mallory");
  const room = peer.createRoom({ version: "10", creator: mallory, ...options });
  await alice.join(room.roomId, [peer.serverName]);
  await syncUntil(alice, "the room", isJoined(room.roomId));
  return { alice, mallory, roomId: room.roomId, room };
}

/** A further user of the peer joins a room that the peer is in. */
export async function joinFromPeer(peer: Peer, scene: Shared, name: string): Promise<string> {
  const { alice, room, roomId } = scene;
  const userId = peer.user(name);
  await peer.sendGood(
    room.append({
      type: "m.room.member",
      sender: userId,
      stateKey: userId,
      content: { membership: "join" },
    }),
  );
  await eventually(`${name}'s join`, async () => {
    const member = await alice.getState(roomId, "m.room.member", userId);
    return member["membership"] === "join";
  });
  return userId;
}

export const textOf = (body: string) => ({ msgtype: "m.text", body });

/** A message of a peer's user, added to the room and not sent yet. */
export function say(room: PeerRoom, sender: string, body: string, after?: readonly string[]): Pdu {
  return room.append({ type: "m.room.message", sender, content: textOf(body), after });
}

/** The peer waits until it has an event of the server under test. */
export async function untilPeerHas(peer: Peer, room: PeerRoom, eventId: string): Promise<Pdu> {
  const found = await peer.awaitPdu(`id ${eventId}`, (pdu) => room.idOf(pdu) === eventId);
  mustBeWithout(await peer.wrongWithPdu(found, room.version.id), `PDU ${eventId}`);
  return found;
}

/**
 * Sends something that must arrive, and syncs until it has: whatever was sent before and is not seen then was
 * not let through. Answers with every event that the user was told since.
 */
export async function toldUpToMarker(
  { alice, roomId }: Shared,
  since: string,
  sendMarker: () => Promise<string>,
): Promise<string[]> {
  const marker = await sendMarker();
  const seen: string[] = [];
  const query = { filter: JSON.stringify({ room: { timeline: { limit: 100 } } }) };
  await syncUntil(
    alice,
    "the marker",
    (body) => {
      const ids = timelineOf(body, roomId).map((event) => event.event_id);
      seen.push(...ids);
      return ids.includes(marker);
    },
    { since, query },
  );
  return seen;
}
