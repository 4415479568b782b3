import { theSubject } from "./clause.ts";
import { type User, registerUser } from "./users.ts";
import type { ClientEvent } from "./shapes.ts";

/** Alice and bob, who are new. */
export function twoUsers(): Promise<[User, User]> {
  return Promise.all([registerUser(theSubject(), "alice"), registerUser(theSubject(), "bob")]);
}

/** Both in a new public room of alice's; `more` goes into the request that makes it. */
export async function roomOfTwo(more: object = {}) {
  const [alice, bob] = await twoUsers();
  const roomId = await alice.createRoom({ preset: "public_chat", ...more });
  await bob.join(roomId);
  return { alice, bob, roomId };
}

/** An event as the user is shown it alone. */
export async function eventOf(user: User, roomId: string, eventId: string): Promise<ClientEvent> {
  return await user.call("getOneRoomEvent", {
    path: { roomId, eventId },
  });
}
