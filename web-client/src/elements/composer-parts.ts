import { msg, str } from "@lit/localize";
import { html, type TemplateResult } from "lit";
import type { MatrixEvent } from "../api/types.ts";
import type { Mentions } from "../controllers/mentions.ts";
import type { Client } from "../store/client.ts";
import { describeMessage } from "../store/describe.ts";
import { canSend } from "../store/power.ts";
import type { Room } from "../store/room.ts";
import "./avatar.ts";
import { icon } from "./icon.ts";

/** Why nothing can be written in a room, or undefined. */
export function whyBarred(client: Client, room: Room): string | undefined {
  if (!canSend(room, client.session.userId, "m.room.message")) {
    return msg("You may read here, but not write.");
  }
  const { rooms, $status } = client.encryption;
  if (rooms.canWrite(room)) return undefined;
  if (rooms.algorithm(room) === "unknown") {
    return msg("This room is encrypted in a way that Weft does not know.");
  }
  if ($status.get().engine === "starting") return msg("Getting encryption ready…");
  return msg("This room is encrypted, and encryption does not work here at the moment.");
}

/** Above the field: which message is being answered or changed. */
export function composerContext(
  room: Room,
  subject: MatrixEvent,
  editing: boolean,
  onCancel: () => void,
): TemplateResult {
  const label = editing
    ? msg("Edit message")
    : msg(str`Answer to ${room.displayName(subject.sender)}`);
  return html`<div class="context">
    ${icon(editing ? "pencil" : "reply")}
    <span class="ellipsis"><b>${label}</b> ${describeMessage(room, subject)}</span>
    <button type="button" class="icon-button" aria-label=${msg("Cancel")} @click=${onCancel}>
      ${icon("close")}
    </button>
  </div>`;
}

/** The people offered for an unfinished "@name". The field keeps the keyboard and names the selected one. */
export function mentionOffers(
  mentions: Mentions,
  onChoose: (index: number) => void,
): TemplateResult {
  return html`<ul id="offers" role="listbox" aria-label=${msg("People")} ?hidden=${!mentions.open}>
    ${mentions.offered.map(
      (member, index) =>
        html`<li
          id="offer-${index}"
          role="option"
          aria-selected=${index === mentions.selected}
          @mousedown=${(event: Event) => {
            event.preventDefault();
            onChoose(index);
          }}
        >
          <weft-avatar
            seed=${member.userId}
            name=${member.displayName ?? member.userId}
            .mxc=${member.avatarUrl}
            size="26"
          ></weft-avatar>
          <span class="ellipsis">${member.displayName ?? member.userId}</span>
          <span class="ellipsis id">${member.userId}</span>
        </li>`,
    )}
  </ul>`;
}
