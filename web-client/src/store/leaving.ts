import { msg, str } from "@lit/localize";
import { ALL_ROOMS_MS } from "./actions.ts";
import type { Client } from "./client.ts";
import { openDialog } from "./dialogs.ts";
import { joinRule, powerOf } from "./power.ts";
import type { Room } from "./room.ts";
import { isSpace } from "./room-features.ts";
import { navigate } from "./router.ts";
import { readSpaces } from "./spaces.ts";

/** Leaves a room, and has the server forget it: it is in no list any more. */
export async function leaveAndForget(client: Client, roomId: string): Promise<void> {
  await client.api.rooms.leave(roomId);
  await forgetRoom(client, roomId);
}

/** Drops what is kept of a room that one is no longer in. */
export async function forgetRoom(client: Client, roomId: string): Promise<void> {
  await client.api.rooms.forget(roomId).catch(() => undefined);
  client.store.forget(roomId);
}

/** Whether nobody who stays has the rights that this person has. */
function isLastInCharge(room: Room, me: string): boolean {
  const own = powerOf(room, me);
  if (own < 50 || !room.membersLoaded) return false;
  const others = room.members("join").filter(({ userId }) => userId !== me);
  return others.length > 0 && others.every(({ userId }) => powerOf(room, userId) < own);
}

/** How one could come back. */
function wayBack(room: Room): string {
  switch (joinRule(room)) {
    case "public":
      return msg("Anyone may join, so you can come back whenever you like.");
    case "knock":
      return msg("To come back you have to ask, and someone in the room has to let you in.");
    case "restricted":
    case "knock_restricted":
      return msg("You can come back as long as you are in a space that it belongs to.");
    default:
      return msg("To come back you need a new invitation.");
  }
}

function whatItMeans(client: Client, room: Room): string {
  const me = client.session.userId;
  const parts = [msg("You will get no more messages from it, and its past leaves your list.")];
  if ((room.joinedCount ?? 2) <= 1) {
    parts.push(msg("You are the last one here: afterwards nobody can come back to it."));
  } else {
    parts.push(wayBack(room));
    if (isLastInCharge(room, me)) {
      parts.push(
        msg(
          "Nobody else has your rights. Unless you give them to someone first, nobody can change its settings once you are gone.",
        ),
      );
    }
  }
  return parts.join(" ");
}

/** The rooms and spaces of a space that one would leave along with it. */
function joinedBelow(client: Client, room: Room): string[] {
  return [...readSpaces(client.store).below(room.roomId)].filter(
    (roomId) => client.store.room(roomId)?.membership === "join",
  );
}

/** Asks whether a room or space shall be left, and says what that means. */
export async function askToLeave(client: Client, room: Room, name: string): Promise<void> {
  // Those inside are counted, and left: all of them have to be known.
  if (isSpace(room)) await client.sync.hasAll(ALL_ROOMS_MS);
  const inside = joinedBelow(client, room);
  openDialog({
    kind: "confirm",
    heading: msg(str`Leave ${name}?`),
    text: whatItMeans(client, room),
    action: msg("Leave"),
    danger: true,
    ...(inside.length === 0
      ? {}
      : { choice: msg(str`Leave the ${inside.length} rooms in it that I am in as well`) }),
    async run(_reason, isTicked) {
      for (const roomId of isTicked ? inside : []) await leaveAndForget(client, roomId);
      await leaveAndForget(client, room.roomId);
      navigate({ page: "home" });
    },
  });
}

/** The rooms that name a space as the one whose members may join. */
export function admittingSpaces(room: Room): string[] {
  const allow = room.stateEvent("m.room.join_rules")?.content.allow;
  if (!Array.isArray(allow)) return [];
  return allow.flatMap((one) => {
    const rule = one as Record<string, unknown> | null;
    const roomId = rule?.["room_id"];
    return rule?.["type"] === "m.room_membership" && typeof roomId === "string" ? [roomId] : [];
  });
}
