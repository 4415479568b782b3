import { msg } from "@lit/localize";
import type { Client } from "./client.ts";
import { openDialog } from "./dialogs.ts";
import type { Room } from "./room.ts";
import { joinRule } from "./power.ts";

/** Asks before a room is encrypted for good. */
export function confirmEncryption(client: Client, room: Room): void {
  const isOpen = joinRule(room) === "public";
  const lasting = msg(
    "This cannot be undone. What was written before stays readable to the servers, and bots and bridges may no longer work.",
  );
  openDialog({
    kind: "confirm",
    heading: msg("Turn on encryption?"),
    text: isOpen
      ? `${lasting} ${msg("Everyone can join this room, so encryption keeps little secret here.")}`
      : lasting,
    action: msg("Turn on"),
    run: () => client.encryption.rooms.turnOn(room),
  });
}
