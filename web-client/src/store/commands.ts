import { msg, str } from "@lit/localize";
import { SPOKEN } from "../text/compose.ts";
import { openDirect } from "./actions.ts";
import type { Client } from "./client.ts";
import { openDialog } from "./dialogs.ts";
import { canAct, canSend, powerFor, powerOf } from "./power.ts";
import type { Room } from "./room.ts";
import { hrefTo, navigate } from "./router.ts";

/** Whose command it is, and where. */
export interface CommandPlace {
  client: Client;
  room: Room;
}

/** What can be written at the beginning of a message. */
export interface Command {
  name: string;
  /** What follows it, in words. */
  args: string;
  help: string;
  /** False where the person may not. */
  may?(place: CommandPlace): boolean;
  /** Does it. Absent for those that are messages. */
  run?(place: CommandPlace, rest: string): Promise<unknown>;
}

/** A command that lacks something, in words for the person. */
export class CommandError extends Error {}

function userIn(rest: string): { userId: string; more: string | undefined } {
  const [userId = "", ...more] = rest.split(/\s+/);
  if (!/^@[^\s:]+:\S+$/.test(userId)) {
    throw new CommandError(msg("Say whom, by their full address: @name:server"));
  }
  return { userId, more: more.length === 0 ? undefined : more.join(" ") };
}

function wanted(rest: string, what: string): string {
  if (rest === "") throw new CommandError(what);
  return rest;
}

/** A command about one person, who is named by their address. */
function about(
  act: "invite" | "kick" | "ban" | "unban",
): (place: CommandPlace, rest: string) => Promise<unknown> {
  return ({ client, room }, rest) => {
    const { userId, more } = userIn(rest);
    const { rooms } = client.api;
    if (act === "unban") return rooms.unban(room.roomId, userId);
    const own = client.session.userId;
    if (act !== "invite" && !canAct(room, act, own, userId)) {
      throw new CommandError(msg("Your role here does not allow this."));
    }
    return rooms[act](room.roomId, userId, more);
  };
}

const mayAct =
  (act: "invite" | "kick" | "ban") =>
  ({ client, room }: CommandPlace): boolean =>
    powerOf(room, client.session.userId) >= powerFor(room, act);

const maySet =
  (type: string) =>
  ({ client, room }: CommandPlace): boolean =>
    canSend(room, client.session.userId, type, true);

async function leave({ client, room }: CommandPlace): Promise<void> {
  openDialog({
    kind: "confirm",
    heading: msg("Leave this room?"),
    text: msg("You may need an invitation to come back."),
    action: msg("Leave"),
    danger: true,
    run: async () => {
      await client.api.rooms.leave(room.roomId);
      navigate({ page: "home" });
    },
  });
}

async function nameHere({ client, room }: CommandPlace, rest: string): Promise<void> {
  const displayname = wanted(rest, msg("Say which name."));
  const { userId } = client.session;
  const own = room.stateEvent("m.room.member", userId)?.content;
  const avatar = own?.["avatar_url"];
  await client.api.rooms.setState(
    room.roomId,
    "m.room.member",
    {
      membership: "join",
      displayname,
      ...(typeof avatar === "string" ? { avatar_url: avatar } : {}),
    },
    userId,
  );
}

async function write({ client }: CommandPlace, rest: string): Promise<void> {
  const { userId, more } = userIn(rest);
  const roomId = await openDirect(client, userId);
  const room = client.store.ensure(roomId);
  if (more !== undefined) client.drafts.set(room, undefined, { text: more, mentions: [] });
  navigate({ page: "room", room: roomId, via: [] });
}

async function join({ client }: CommandPlace, rest: string): Promise<void> {
  const address = wanted(rest, msg("Say which room: #name:server"));
  if (!/^[#!]\S+$/.test(address)) throw new CommandError(msg("Say which room: #name:server"));
  const roomId = await client.api.rooms.join(address);
  location.hash = hrefTo({ page: "room", room: roomId, via: [] });
}

/** Those that act on people. */
function ofPeople(): Command[] {
  const person = msg("@name:server");
  const reason = msg("@name:server and why");
  const command = (
    name: "invite" | "kick" | "ban" | "unban",
    args: string,
    help: string,
  ): Command => ({
    name,
    args,
    help,
    may: mayAct(name === "unban" ? "ban" : name),
    run: about(name),
  });
  return [
    command("invite", person, msg("Invite someone")),
    command("kick", reason, msg("Remove someone from the room")),
    command("ban", reason, msg("Remove someone and keep them out")),
    command("unban", person, msg("Let someone in again")),
    {
      name: "msg",
      args: msg("@name:server and what"),
      help: msg("Write to someone directly"),
      run: write,
    },
  ];
}

/** Those that act on the room, and on oneself. */
function ofPlaces(): Command[] {
  return [
    { name: "join", args: msg("#room:server"), help: msg("Enter a room"), run: join },
    { name: "leave", args: "", help: msg("Leave this room"), run: leave },
    {
      name: "topic",
      args: msg("text"),
      help: msg("Say what this room is about"),
      may: maySet("m.room.topic"),
      run: ({ client, room }, topic) =>
        client.api.rooms.setState(room.roomId, "m.room.topic", { topic }),
    },
    {
      name: "roomname",
      args: msg("name"),
      help: msg("Rename this room"),
      may: maySet("m.room.name"),
      run: ({ client, room }, rest) =>
        client.api.rooms.setState(room.roomId, "m.room.name", {
          name: wanted(rest, msg("Say which name.")),
        }),
    },
    {
      name: "nick",
      args: msg("name"),
      help: msg("Change your name everywhere"),
      run: ({ client }, rest) =>
        client.api.account.setDisplayName(wanted(rest, msg("Say which name."))),
    },
    {
      name: "myroomnick",
      args: msg("name"),
      help: msg("Change your name in this room"),
      run: nameHere,
    },
  ];
}

/** Those that are messages. */
function speaking(): Command[] {
  const words = msg("text");
  return [
    { name: "me", args: words, help: msg("Say what you do: “Ann waves”") },
    { name: "plain", args: words, help: msg("Send text as it stands, without formatting") },
    { name: "spoiler", args: words, help: msg("Hide text until it is clicked") },
    { name: "shrug", args: words, help: "¯\\_(ツ)_/¯" },
    { name: "tableflip", args: words, help: "(╯°□°)╯︵ ┻━┻" },
    { name: "unflip", args: words, help: "┬──┬ ノ( ゜-゜ノ)" },
  ];
}

/** All commands, in the order in which they are offered, in the language that is spoken now. */
export function allCommands(): Command[] {
  const help: Command = {
    name: "help",
    args: "",
    help: msg("Show all commands"),
    run: async () => openDialog({ kind: "commands" }),
  };
  return [...speaking(), ...ofPeople(), ...ofPlaces(), help];
}

/** Does what a command says. Answers false when it is one that is sent as a message. Rejects in words of its own. */
export async function runCommand(
  place: CommandPlace,
  { name, rest }: { name: string; rest: string },
): Promise<boolean> {
  if (SPOKEN.has(name)) {
    if (["me", "plain", "spoiler"].includes(name)) wanted(rest, msg("Write something behind it."));
    return false;
  }
  const command = allCommands().find((one) => one.name === name);
  if (command?.run === undefined) {
    throw new CommandError(
      msg(str`There is no command /${name}. Write // at the beginning to send it as text.`),
    );
  }
  if (command.may?.(place) === false) {
    throw new CommandError(msg("Your role here does not allow this."));
  }
  await command.run(place, rest);
  return true;
}
