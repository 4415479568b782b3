import { msg, str } from "@lit/localize";
import { html, type TemplateResult } from "lit";
import type { MatrixEvent } from "../api/types.ts";
import type { Mentions } from "../controllers/mentions.ts";
import { describeMessage } from "../store/describe.ts";
import { canSend } from "../store/power.ts";
import type { Room } from "../store/room.ts";
import "./avatar.ts";
import { icon } from "./icon.ts";

/** Why nothing can be written in a room, or undefined. */
export function whyBarred(room: Room, me: string): string | undefined {
  if (room.stateEvent("m.room.encryption") !== undefined) {
    return msg(
      "This room is encrypted. Weft cannot write encrypted messages yet, and will not write open ones here.",
    );
  }
  return canSend(room, me, "m.room.message") ? undefined : msg("You may read here, but not write.");
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
