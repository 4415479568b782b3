import { msg } from "@lit/localize";
import { text } from "../api/types.ts";
import { markRead, viaServers } from "../store/actions.ts";
import type { Client } from "../store/client.ts";
import { openDialog } from "../store/dialogs.ts";
import { askToLeave, forgetRoom } from "../store/leaving.ts";
import { setNotifyLevel } from "../store/set-notify-level.ts";
import { powerFor, powerOf } from "../store/power.ts";
import type { Room } from "../store/room.ts";
import type { RoomSummary } from "../store/room-store.ts";
import { setTag } from "../store/room-order.ts";
import { isUnread } from "../store/room-sections.ts";
import { $route, navigate } from "../store/router.ts";
import { attempt, toast } from "../store/toasts.ts";
import { markUnread } from "../store/unread-mark.ts";
import { matrixTo } from "../text/links.ts";
import type { MenuItem } from "./menu.ts";

/** Copies the address under which others find a room. */
async function copyRoomLink(room: Room): Promise<void> {
  const alias = text(room.stateEvent("m.room.canonical_alias")?.content, "alias");
  const link = alias ? matrixTo(alias) : matrixTo(room.roomId, viaServers(room));
  await navigator.clipboard.writeText(link);
  toast(msg("Link copied."));
}

async function readAll(client: Client, room: Room): Promise<void> {
  const last = room.timeline.last;
  if (last !== undefined) await markRead(client, room, last.event_id, true);
  await markUnread(client, room, false);
}

function reading(client: Client, room: Room, summary: RoomSummary): MenuItem {
  return isUnread(summary)
    ? {
        label: msg("Mark as read"),
        icon: "mailOpen",
        run: () => void attempt(() => readAll(client, room)),
      }
    : {
        label: msg("Mark as unread"),
        icon: "mail",
        run: () => void attempt(() => markUnread(client, room, true)),
      };
}

function sorting(client: Client, { roomId, tag }: RoomSummary): MenuItem[] {
  const put = (to: RoomSummary["tag"]) => () => void attempt(() => setTag(client, roomId, to));
  return [
    tag === "m.favourite"
      ? { label: msg("No longer a favourite"), icon: "star", run: put(undefined) }
      : { label: msg("Make it a favourite"), icon: "star", run: put("m.favourite") },
    tag === "m.lowpriority"
      ? { label: msg("Back to normal priority"), icon: "demote", run: put(undefined) }
      : { label: msg("Low priority"), icon: "demote", run: put("m.lowpriority") },
  ];
}

function muting(client: Client, { roomId, notify }: RoomSummary): MenuItem {
  const set = (level: "default" | "mute") => () =>
    void attempt(() => setNotifyLevel(client, roomId, level));
  return notify === "mute"
    ? { label: msg("Unmute"), icon: "bell", run: set("default") }
    : { label: msg("Mute"), icon: "bellOff", run: set("mute") };
}

/** What can be done with a room that one is no longer in. */
function goneItems(client: Client, roomId: string): MenuItem[] {
  return [
    {
      label: msg("Remove from the list"),
      icon: "trash",
      run: () =>
        void attempt(async () => {
          await forgetRoom(client, roomId);
          const route = $route.get();
          if (route.page === "room" && route.room === roomId) navigate({ page: "home" });
        }),
    },
  ];
}

/** What can be done with a room or space as a whole, for its menu. */
export function roomMenuItems(client: Client, roomId: string): MenuItem[] {
  const [room, summary] = [client.store.room(roomId), client.store.summary(roomId)];
  if (room === undefined || summary === undefined) return [];
  if (summary.removal !== undefined) return goneItems(client, roomId);
  if (room.membership !== "join") return [];
  const items: MenuItem[] = [];
  if (powerOf(room, client.session.userId) >= powerFor(room, "invite")) {
    items.push({
      label: msg("Invite people"),
      icon: "userPlus",
      run: () => openDialog({ kind: "invite", roomId }),
    });
  }
  if (!summary.isSpace) {
    items.push(
      reading(client, room, summary),
      ...sorting(client, summary),
      muting(client, summary),
    );
  }
  items.push(
    { label: msg("Copy link"), icon: "link", run: () => void attempt(() => copyRoomLink(room)) },
    {
      label: summary.isSpace ? msg("Space settings") : msg("Room settings"),
      icon: "settings",
      run: () => navigate({ page: "room-settings", room: roomId, section: "general" }),
    },
    {
      label: summary.isSpace ? msg("Report space") : msg("Report room"),
      icon: "flag",
      run: () => openDialog({ kind: "report-room", roomId, name: summary.name }),
    },
    {
      label: msg("Leave"),
      icon: "leave",
      danger: true,
      run: () => void attempt(() => askToLeave(client, room, summary.name)),
    },
  );
  return items;
}
