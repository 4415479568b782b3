import { msg } from "@lit/localize";
import { strings } from "../api/types.ts";
import type { Client } from "./client.ts";
import { canSend } from "./power.ts";
import type { Room } from "./room.ts";
import { toast } from "./toasts.ts";

/** Messages of a room that can be pinned at once, and that are shown. */
const MAX_PINS = 100;

/** The ids of what is pinned, in the order of pinning. */
function allPinned(room: Room): string[] {
  return [...new Set(strings(room.stateEvent("m.room.pinned_events")?.content, "pinned"))];
}

/** Those that are shown. */
export function pinned(room: Room): string[] {
  return allPinned(room).slice(-MAX_PINS);
}

export function canPin(room: Room, me: string): boolean {
  return canSend(room, me, "m.room.pinned_events", true);
}

/** Pins a message for everyone in the room, or takes it off. */
export async function setPinned(
  client: Client,
  room: Room,
  eventId: string,
  on: boolean,
): Promise<void> {
  const others = allPinned(room).filter((one) => one !== eventId);
  if (on && others.length >= MAX_PINS) {
    toast(msg("No more messages can be pinned here. Take another one off first."), "error");
    return;
  }
  await client.api.rooms.setState(room.roomId, "m.room.pinned_events", {
    pinned: on ? [...others, eventId] : others,
  });
}
