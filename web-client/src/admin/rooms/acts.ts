import { msg, str } from "@lit/localize";
import { createRoomsAdmin, type ListedRoom, type RoomStatus } from "../../api/admin/rooms.ts";
import type { MenuItem } from "../../elements/menu.ts";
import type { Act } from "../../store/acts.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { navigate } from "../../store/router.ts";
import { toast } from "../../store/toasts.ts";
import { plainName } from "../../text/names.ts";
import { count } from "../parts/facts.ts";

const DAY = 86_400_000;

/** What can be done to a room as a whole. */
export function roomActs(
  client: Client,
  room: ListedRoom,
  status: RoomStatus,
  after: () => void,
): MenuItem[] {
  const open = (act: Act) => (): void => openDialog({ kind: "act", act });
  return [
    {
      label: msg("Change the status"),
      icon: "lock",
      run: open(changeStatus(client, room, status, after)),
    },
    {
      label: msg("Delete old messages"),
      icon: "trash",
      run: open(purge(client, room)),
    },
    {
      label: msg("Quarantine all files"),
      icon: "eyeOff",
      run: open(quarantine(client, room)),
    },
    {
      label: msg("Delete the room"),
      icon: "trash",
      danger: true,
      run: open(remove(client, room)),
    },
  ];
}

const nameOf = (room: ListedRoom): string =>
  plainName(room.name) ?? plainName(room.canonical_alias) ?? room.room_id;

/** What has to be typed to delete a room: an address of which letters are hidden cannot be. */
const typedFor = ({ canonical_alias: alias, room_id: id }: ListedRoom): string =>
  alias !== null && alias === plainName(alias) ? alias : id;

function changeStatus(
  client: Client,
  room: ListedRoom,
  status: RoomStatus,
  after: () => void,
): Act {
  return {
    heading: msg("Change the status"),
    text: msg(
      str`What can be done in “${nameOf(room)}”. Shutting it down puts out the ${count(room.joined_local_members)} people of this server who are in it.`,
    ),
    undo: msg(
      "You can change it back at any time. Those who were put out have to come back by themselves.",
    ),
    fields: [
      {
        name: "status",
        label: msg("Status"),
        type: "choice",
        value: status,
        options: [
          ["open", msg("Open: as the room itself allows")],
          ["archived", msg("Archived: it can be read, and nothing is sent")],
          ["blocked", msg("Blocked: nobody of this server can enter")],
          ["shut_down", msg("Shut down: all of this server are put out")],
        ],
      },
      { name: "reason", label: msg("Why (those who are put out are told)"), type: "text" },
    ],
    action: msg("Change the status"),
    isDanger: true,
    async run(values) {
      const wanted = values["status"] as RoomStatus;
      const rooms = createRoomsAdmin(client.api.http);
      await rooms.setStatus(room.room_id, wanted, values["reason"]!);
      toast(msg("The status was changed."));
      after();
    },
  };
}

function purge(client: Client, room: ListedRoom): Act {
  return {
    heading: msg("Delete old messages"),
    text: msg(
      str`Messages in “${nameOf(room)}” that are older than so many days are deleted on this server. Who is in the room, and its settings, stay.`,
    ),
    undo: msg("This cannot be undone for what was written here."),
    fields: [
      {
        name: "days",
        label: msg("Days"),
        type: "number",
        value: "365",
        isRequired: true,
        check: (value) => (Number(value) > 20_000 ? msg("This number is too large.") : undefined),
      },
      {
        name: "own",
        label: msg("Also what this server’s own users wrote"),
        type: "tick",
        hint: msg("Other servers may be the only ones that still have it then."),
      },
      { name: "sure", label: msg("Delete them for good"), type: "tick", isRequired: true },
    ],
    action: msg("Delete"),
    isDanger: true,
    async run(values) {
      const before = Date.now() - Number(values["days"]) * DAY;
      await createRoomsAdmin(client.api.http).purge(room.room_id, before, values["own"] === "yes");
      return {
        text: msg("The deletion has begun. It goes on in the background, also after a restart."),
      };
    },
  };
}

function quarantine(client: Client, room: ListedRoom): Act {
  return {
    heading: msg("Quarantine all files"),
    text: msg(
      str`Nobody can open the files that messages in “${nameOf(room)}” name, as far as they are not encrypted. Protected ones stay as they are.`,
    ),
    undo: msg("Each file can be given back on its own."),
    action: msg("Quarantine"),
    isDanger: true,
    async run() {
      const rooms = createRoomsAdmin(client.api.http);
      const { num_quarantined: done } = await rooms.quarantine(room.room_id);
      return { text: msg(str`Quarantined: ${count(done)}`) };
    },
  };
}

function remove(client: Client, room: ListedRoom): Act {
  const { joined_local_members: local, joined_members: all } = room;
  return {
    heading: msg("Delete the room"),
    text: msg(
      str`“${nameOf(room)}” is closed for this server: ${count(local)} of its ${count(all)} people are of this server and are put out.`,
    ),
    undo: msg("This cannot be undone. Other servers that are in the room keep it."),
    fields: [
      {
        name: "message",
        label: msg("What those who are put out are told"),
        type: "text",
      },
      {
        name: "purge",
        label: msg("Delete all messages and state here"),
        type: "tick",
        value: "yes",
        hint: msg("Otherwise they stay, and nobody is in the room."),
      },
      {
        name: "block",
        label: msg("Let nobody of this server enter it again"),
        type: "tick",
        value: "yes",
      },
    ],
    typed: typedFor(room),
    action: msg("Delete the room"),
    isDanger: true,
    async run(values) {
      await createRoomsAdmin(client.api.http).delete(room.room_id, {
        purge: values["purge"] === "yes",
        block: values["block"] === "yes",
        ...(values["message"] === "" ? {} : { message: values["message"]! }),
      });
      navigate({ page: "admin", path: ["rooms", room.room_id, "deletion"] });
    },
  };
}
