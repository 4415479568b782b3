import { msg, str } from "@lit/localize";
import { keptSessions } from "../../api/session.ts";
import type { IconName } from "../../elements/icon.ts";
import { addAccount, switchTo } from "../../store/account.ts";
import { openDirect } from "../../store/actions.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { localName } from "../../store/room.ts";
import { $route, navigate } from "../../store/router.ts";
import { $theme, setTheme } from "../../store/theme.ts";
import { plainName } from "../../text/names.ts";

/** Something that one can go to or do. */
export interface Command {
  readonly id: string;
  readonly label: string;
  /** What else it is found by, and what is shown beside it. */
  readonly detail: string;
  /** A sign, or the face of a room or person. */
  readonly icon?: IconName;
  readonly face?: { seed: string; mxc: string | undefined };
  run(): unknown;
}

/** Without accents and capitals. */
function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** How well a command fits what is wanted; undefined: not at all. Less is better. */
function distance(command: Command, words: readonly string[]): number | undefined {
  const label = fold(command.label);
  const detail = fold(command.detail);
  let sum = 0;
  for (const word of words) {
    if (label.startsWith(word)) continue;
    if (label.split(/[^\p{L}\p{N}]+/u).some((part) => part.startsWith(word))) sum += 1;
    else if (label.includes(word)) sum += 2;
    else if (detail.includes(word)) sum += 3;
    else return undefined;
  }
  return sum;
}

/** The commands that fit, the best first; those that fit alike stay in their order. */
export function findCommands(commands: readonly Command[], wanted: string): Command[] {
  const words = fold(wanted).split(/\s+/).filter(Boolean);
  return commands
    .map((command) => ({ command, far: distance(command, words) }))
    .filter((each): each is { command: Command; far: number } => each.far !== undefined)
    .toSorted((a, b) => a.far - b.far)
    .map(({ command }) => command);
}

function roomCommands({ store }: Client): Command[] {
  return store.$list
    .get()
    .filter(({ membership }) => membership === "join" || membership === "invite")
    .map((room) => ({
      id: room.roomId,
      label: room.name,
      detail: room.membership === "invite" ? msg("Invites you") : (room.partner ?? ""),
      face: { seed: room.partner ?? room.roomId, mxc: room.avatarUrl },
      run: () => navigate({ page: "room", room: room.roomId, via: [] }),
    }));
}

function settingsCommands(): Command[] {
  const sections: [section: string, label: string, icon: IconName][] = [
    ["profile", msg("Profile"), "user"],
    ["appearance", msg("Appearance"), "theme"],
    ["notifications", msg("Notifications"), "bell"],
    ["password", msg("Password"), "key"],
    ["devices", msg("Devices"), "device"],
    ["account", msg("Account"), "user"],
    ["encryption", msg("Encryption"), "lock"],
  ];
  return sections.map(([section, label, icon]) => ({
    id: `settings ${section}`,
    label,
    detail: msg("Settings"),
    icon,
    run: () => navigate({ page: "settings", section }),
  }));
}

function isDark(): boolean {
  const theme = $theme.get();
  return theme === "system" ? matchMedia("(prefers-color-scheme: dark)").matches : theme === "dark";
}

/** What can be done in the room that is open. */
function hereCommands({ store }: Client): Command[] {
  const route = $route.get();
  const room = route.page === "room" ? store.rooms.get(route.room) : undefined;
  const summary = room === undefined ? undefined : store.summary(room.roomId);
  if (room === undefined || summary?.membership !== "join") return [];
  const { roomId } = room;
  const detail = msg(str`In ${summary.name}`);
  return [
    {
      id: "invite",
      label: msg("Invite people"),
      detail,
      icon: "userPlus",
      run: () => openDialog({ kind: "invite", roomId }),
    },
    {
      id: "room settings",
      label: msg("Room settings"),
      detail,
      icon: "settings",
      run: () => navigate({ page: "room-settings", room: roomId, section: "general" }),
    },
  ];
}

function actionCommands({ store, session }: Client): Command[] {
  const action = (id: string, label: string, icon: IconName, run: () => unknown): Command => ({
    ...{ id, label, icon, run },
    detail: "",
  });
  return [
    action("direct", msg("Write to someone"), "message", () =>
      openDialog({ kind: "start-direct" }),
    ),
    action("create", msg("Create a room"), "hash", () => openDialog({ kind: "create-room" })),
    action("join", msg("Join by address"), "link", () => openDialog({ kind: "join" })),
    action("explore", msg("Explore public rooms"), "compass", () =>
      navigate({ page: "directory" }),
    ),
    // Servers that show nobody's presence show ours neither.
    ...(store.presence.of(session.userId) === undefined
      ? []
      : [action("status", msg("Status"), "smile", () => openDialog({ kind: "status" }))]),
    action("theme", msg("Switch light and dark"), "theme", () =>
      setTheme(isDark() ? "light" : "dark"),
    ),
    action("shortcuts", msg("Keyboard shortcuts"), "more", () => openDialog({ kind: "shortcuts" })),
    ...keptSessions()
      .filter(({ userId }) => userId !== session.userId)
      .map(({ userId }) =>
        action(`switch ${userId}`, msg(str`Switch to ${userId}`), "user", () => switchTo(userId)),
      ),
    action("add-account", msg("Add another account"), "userPlus", addAccount),
    action("sign-out", msg("Sign out"), "logOut", () => openDialog({ kind: "sign-out" })),
  ];
}

/** All that is known without asking the server: rooms by activity, what can be done here, and everywhere. */
export function commandsOf(client: Client): Command[] {
  return [
    ...roomCommands(client),
    ...hereCommands(client),
    ...actionCommands(client),
    ...settingsCommands(),
  ];
}

/** People of the server's directory with whom there is no direct chat yet: choosing one opens it. */
export async function findPeople(client: Client, term: string): Promise<Command[]> {
  const { account } = client.api;
  const found = await account.searchUsers(term.replace(/^@/, "")).catch(() => []);
  const partners = new Set(client.store.$list.get().map(({ partner }) => partner));
  return found
    .filter(({ user_id: id }) => id !== client.session.userId && !partners.has(id))
    .map(({ user_id: id, display_name: name, avatar_url: mxc }) => ({
      id,
      label: plainName(name) ?? localName(id),
      detail: id,
      face: { seed: id, mxc },
      run: async () => {
        const room = await openDirect(client, id);
        navigate({ page: "room", room, via: [] });
      },
    }));
}
