import { msg, str } from "@lit/localize";
import type { Client } from "../../store/client.ts";
import type { Room } from "../../store/room.ts";
import { hiddenHost, parseMatrixLink, type MatrixLink } from "../../text/links.ts";
import { plainText } from "../../text/names.ts";

function roomName(client: Client | undefined, idOrAlias: string): string {
  const known = client?.store.$list.get().find(({ roomId }) => {
    if (roomId === idOrAlias) return true;
    const alias = client.store.room(roomId)?.stateEvent("m.room.canonical_alias")?.content.alias;
    return alias === idOrAlias;
  });
  return known?.name ?? plainText(idOrAlias);
}

/** Who or what a link leads to, by its own name: what the sender wrote may be anything. */
export function targetName(
  link: MatrixLink,
  room: Room | undefined,
  client: Client | undefined,
): string {
  if (link.kind === "user") {
    const { userId } = link;
    return room?.member(userId) === undefined ? plainText(userId) : room.displayName(userId);
  }
  const name = roomName(client, link.room);
  return link.eventId === undefined ? name : msg(str`Message in ${name}`);
}

/** Makes links say where they lead: Matrix links by the name of their target, others by their host when it is hidden. */
export function nameLinks(
  root: ParentNode,
  room: Room | undefined,
  client: Client | undefined,
): void {
  for (const link of root.querySelectorAll<HTMLAnchorElement>("a[href]")) {
    const place = parseMatrixLink(link.href);
    if (place === undefined) nameHost(link);
    else {
      const name = targetName(place, room, client);
      const self = place.kind === "user" && place.userId === client?.session.userId;
      link.className = self ? "pill self" : "pill";
      link.title = place.kind === "user" ? place.userId : place.room;
      if (link.textContent !== name) link.textContent = name;
    }
  }
}

function nameHost(link: HTMLAnchorElement): void {
  link.title = link.href.slice(0, 500);
  const host = hiddenHost(link.textContent ?? "", link.href);
  if (host === undefined || link.nextElementSibling?.className === "host") return;
  const note = document.createElement("span");
  note.className = "host";
  note.textContent = ` (${host})`;
  link.after(note);
}
