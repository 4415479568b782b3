import { msg, str } from "@lit/localize";
import { text } from "../api/types.ts";
import { plainName } from "../text/names.ts";
import type { Room } from "./room.ts";

/** The others whom a nameless room is called by: the server's heroes, else whom we know of, by id. */
function heroesOf(room: Room, me: string): string[] {
  const heroes = room.heroes.filter((userId) => userId !== me);
  if (heroes.length > 0) return heroes;
  const present = room.members("join", "invite").map((member) => member.userId);
  const known = present.length > 1 || room.membership !== "join" ? present : [];
  return known
    .filter((userId) => userId !== me)
    .toSorted()
    .slice(0, 5);
}

function join(names: string[], others: number): string {
  if (others > 0) return msg(str`${names.join(", ")} and ${others} more`);
  const last = names.at(-1) ?? "";
  return names.length < 2 ? last : msg(str`${names.slice(0, -1).join(", ")} and ${last}`);
}

/**
 * A room's name as the specification computes it ("Calculating the display name for a room"): its name, its
 * canonical alias, or the names of up to five heroes; with nobody else in it, who was there before.
 */
export function roomName(room: Room, me: string): string {
  const name = plainName(text(room.stateEvent("m.room.name")?.content, "name"));
  if (name) return name;
  const alias = plainName(text(room.stateEvent("m.room.canonical_alias")?.content, "alias"));
  if (alias) return alias;
  if (room.membership === "invite") {
    const inviter = room.stateEvent("m.room.member", me)?.sender;
    if (inviter !== undefined && inviter !== me) return room.displayName(inviter);
  }
  const heroes = heroesOf(room, me);
  const names = heroes.map((userId) => room.displayName(userId));
  const counted = (room.joinedCount ?? 0) + (room.invitedCount ?? 0);
  const others = Math.max(counted - 1, 0);
  if (names.length === 0) return msg("Empty room");
  if (room.joinedCount !== undefined && others === 0)
    return msg(str`Empty room (was ${join(names, 0)})`);
  return join(names, Math.max(others - names.length, 0));
}

/** The user that a two-person room is with, or undefined. */
export function directPartner(
  room: Room,
  me: string,
  directs: ReadonlyMap<string, string>,
): string | undefined {
  const known = directs.get(room.roomId);
  if (known !== undefined) return known;
  const own = room.stateEvent("m.room.member", me);
  return room.membership === "invite" && own?.content["is_direct"] === true
    ? own.sender
    : undefined;
}

/** The picture that stands for the room: its own, or that of the one it is with. */
export function roomAvatar(room: Room, partner: string | undefined): string | undefined {
  const own = text(room.stateEvent("m.room.avatar")?.content, "url");
  return own ?? (partner === undefined ? undefined : room.member(partner)?.avatarUrl);
}
