/** Two users, and who is what in a room. */
import { theSubject } from "../../harness/clause.ts";
import { registerUser } from "../../harness/users.ts";
import type { User } from "../../harness/users.ts";

export const two = () =>
  Promise.all([registerUser(theSubject(), "alice"), registerUser(theSubject(), "bob")] as const);

export function membership(user: User, roomId: string, of: User) {
  return user.getState(roomId, "m.room.member", of.userId);
}
