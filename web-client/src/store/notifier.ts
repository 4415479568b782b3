import { atom } from "nanostores";
import { keptSessions } from "../api/session.ts";
import type { RoomStore, RoomSummary } from "./room-store.ts";
import { navigate } from "./router.ts";
import { isQuiet, type QuietHours } from "../text/quiet-hours.ts";
import { dropSetting, readSetting, writeSetting } from "./settings.ts";

const KEY = "weft.notifications";

/** Whether this browser shows a note for what is new while the page is not looked at. */
export const $notifications = atom(readSetting(KEY) === "on");

/** Where it is kept whether this browser is told while the page is closed. */
export const PUSH_KEY = "weft.push";
const SOUND = "weft.sound";
const QUIET = "weft.quiet";

/** Whether something new sounds in this browser. */
export const $sound = atom(readSetting(SOUND) === "on");

export function setSound(on: boolean): void {
  writeSetting(SOUND, on ? "on" : "off");
  $sound.set(on);
}

function keptQuiet(): QuietHours | undefined {
  try {
    const kept = JSON.parse(readSetting(QUIET) ?? "null") as Partial<QuietHours> | null;
    const { from, to } = kept ?? {};
    return typeof from === "string" && typeof to === "string" ? { from, to } : undefined;
  } catch {
    return undefined;
  }
}

/** The hours in which this browser stays quiet. */
export const $quiet = atom<QuietHours | undefined>(keptQuiet());

export function setQuiet(hours: QuietHours | undefined): void {
  if (hours === undefined) dropSetting(QUIET);
  else writeSetting(QUIET, JSON.stringify(hours));
  $quiet.set(hours);
}

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

function show(room: RoomSummary, me: string): void {
  const body = room.membership === "invite" ? "" : room.preview;
  const title = keptSessions().length > 1 ? `${room.name} · ${me}` : room.name;
  const note = openNote(title, { body, tag: `${me} ${room.roomId}` });
  if (note === undefined) return;
  note.addEventListener("click", () => {
    window.focus();
    navigate({ page: "room", room: room.roomId, via: [] });
    note.close();
  });
}

/**
 * Follows the rooms: whatever the server counts as worth a note becomes one, unless the page has the person's attention. `hasAll`
 * says whether all rooms are there: before, what comes is no news.
 */
export function followNews(store: RoomStore, hasAll: () => boolean): () => void {
  let counts: ReadonlyMap<string, number> | undefined;
  return store.$list.subscribe((list) => {
    const before = counts;
    counts = new Map(
      list.map((room) => [room.roomId, room.unread + (room.membership === "invite" ? 1 : 0)]),
    );
    const unseen = !document.hasFocus() || document.hidden;
    // The first list is no news.
    if (before === undefined || before.size === 0 || !unseen || !hasAll()) return;
    if (isQuiet($quiet.get(), new Date())) return;
    const fresh = list.filter(
      ({ roomId }) => (counts?.get(roomId) ?? 0) > (before.get(roomId) ?? 0),
    );
    if (fresh.length === 0) return;
    if ($sound.get()) void import("./chime.ts").then(({ chime }) => chime());
    if ($notifications.get() && canNotify() && Notification.permission === "granted") {
      for (const room of fresh) show(room, store.me);
    }
  });
}
