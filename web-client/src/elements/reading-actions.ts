import { msg } from "@lit/localize";
import type { Client } from "../store/client.ts";
import { openDialog } from "../store/dialogs.ts";
import { canForward } from "../store/forward.ts";
import { openPanel } from "../store/panel.ts";
import { canPin, pinned, setPinned } from "../store/pins.ts";
import { canSend } from "../store/power.ts";
import type { Room } from "../store/room.ts";
import type { Entry } from "../store/timeline.ts";
import { attempt } from "../store/toasts.ts";
import type { MessageAction } from "./message-actions.ts";

/** The way into a thread from the message that it begins with, or has begun with. */
function threadAction(
  from: EventTarget,
  client: Client,
  room: Room,
  entry: Entry,
): MessageAction[] {
  // No thread begins within another.
  const canReply =
    client.encryption.rooms.canWrite(room) &&
    canSend(room, client.session.userId, "m.room.message");
  if (entry.thread !== undefined || !canReply) return [];
  const root = entry.event.event_id;
  return [
    {
      label: msg("Reply in a thread"),
      icon: "thread",
      key: "t",
      inBar: true,
      run: () => openPanel(from, { kind: "thread", root }),
    },
  ];
}

/** What else one does with a message: keep it, pass it on, look behind it. */
export function readingActions(
  from: EventTarget,
  client: Client,
  room: Room,
  entry: Entry,
): MessageAction[] {
  const { event } = entry;
  const place = { roomId: room.roomId, eventId: event.event_id };
  const actions = threadAction(from, client, room, entry);
  if (canForward(event)) {
    actions.push({
      label: msg("Forward"),
      icon: "forward",
      run: () => openDialog({ kind: "forward", ...place }),
    });
  }
  if (canPin(room, client.session.userId)) {
    const isPinned = pinned(room).includes(event.event_id);
    actions.push({
      label: isPinned ? msg("Unpin") : msg("Pin"),
      icon: isPinned ? "pinOff" : "pin",
      run: () => void attempt(() => setPinned(client, room, event.event_id, !isPinned)),
    });
  }
  if (room.timeline.relations.editOf(event) !== undefined) {
    actions.push({
      label: msg("Earlier versions"),
      icon: "past",
      run: () => openDialog({ kind: "edit-history", ...place }),
    });
  }
  actions.push({
    label: msg("View source"),
    icon: "source",
    run: () => openDialog({ kind: "source", ...place }),
  });
  return actions;
}
