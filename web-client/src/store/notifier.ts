import { atom } from "nanostores";
import type { RoomStore, RoomSummary } from "./room-store.ts";
import { navigate } from "./router.ts";
import { readSetting, writeSetting } from "./settings.ts";

const KEY = "weft.notifications";

/** Whether this browser shows a note for what is new while the page is not looked at. */
export const $notifications = atom(readSetting(KEY) === "on");

export function canNotify(): boolean {
  return "Notification" in window;
}

/** Turns notes on or off. Answers false when the browser's permission is lacking. */
export async function setNotifications(on: boolean): Promise<boolean> {
  const allowed = !on || (await Notification.requestPermission()) === "granted";
  const next = on && allowed;
  writeSetting(KEY, next ? "on" : "off");
  $notifications.set(next);
  return allowed;
}

/** Browsers of phones have notifications, but none that a page may open. */
function openNote(title: string, options: NotificationOptions): Notification | undefined {
  try {
    return new Notification(title, options);
  } catch {
    return undefined;
  }
}

function show(room: RoomSummary): void {
  const body = room.membership === "invite" ? "" : room.preview;
  const note = openNote(room.name, { body, tag: room.roomId });
  if (note === undefined) return;
  note.addEventListener("click", () => {
    window.focus();
    navigate({ page: "room", room: room.roomId, via: [] });
    note.close();
  });
}

/** Follows the rooms: whatever the server counts as worth a note becomes one, unless the page has the person's attention. */
export function followNews(store: RoomStore): () => void {
  let counts: ReadonlyMap<string, number> | undefined;
  return store.$list.subscribe((list) => {
    const before = counts;
    counts = new Map(
      list.map((room) => [room.roomId, room.unread + (room.membership === "invite" ? 1 : 0)]),
    );
    const unseen = !document.hasFocus() || document.hidden;
    // The first list is no news.
    if (
      before === undefined ||
      before.size === 0 ||
      !unseen ||
      !$notifications.get() ||
      !canNotify()
    )
      return;
    if (Notification.permission !== "granted") return;
    for (const room of list) {
      if ((counts.get(room.roomId) ?? 0) > (before.get(room.roomId) ?? 0)) show(room);
    }
  });
}
