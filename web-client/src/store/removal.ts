import { object, text } from "../api/types.ts";
import type { Room } from "./room.ts";

/** How somebody else put one out of a room: what stays to be read of it, and what to say. */
export interface Removal {
  how: "removed" | "banned" | "declined";
  by: string;
  /** "" when none was given. */
  reason: string;
  /** Milliseconds, 0 when it is not known. */
  ts: number;
}

/**
 * What a person's own member event says of their removal by another; undefined when they left by themselves, or when
 * nothing but an invitation was taken back.
 */
export function removalOf(room: Room, me: string): Removal | undefined {
  const own = room.stateEvent("m.room.member", me);
  const membership = text(own?.content, "membership");
  if (own === undefined || own.sender === me) return undefined;
  if (membership !== "leave" && membership !== "ban") return undefined;
  const before = text(object(own.unsigned, "prev_content"), "membership");
  if (membership === "leave" && before === "invite") return undefined;
  const how = membership === "ban" ? "banned" : before === "knock" ? "declined" : "removed";
  const reason = text(own.content, "reason") ?? "";
  return { how, by: own.sender, reason, ts: own.origin_server_ts ?? 0 };
}
