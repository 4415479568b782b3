import { msg, str } from "@lit/localize";
import { html, nothing, type TemplateResult } from "lit";
import type { MatrixEvent } from "../../api/types.ts";
import type { Completion, Offer } from "../../controllers/completion.ts";
import type { Client } from "../../store/client.ts";
import { describeMessage } from "../../store/describe.ts";
import { canSend } from "../../store/power.ts";
import type { Room } from "../../store/room.ts";
import "../avatar.ts";
import "../emoticon.ts";
import { icon, type IconName } from "../icon.ts";
import type { MenuItem } from "../menu.ts";

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

/** A press leaves the keyboard in the field, also that of a touch screen: one writes on. */
export function sendButton(isReady: boolean, isEdit: boolean): TemplateResult {
  return html`<button
    type="submit"
    class="icon-button send"
    aria-label=${msg("Send")}
    title=${msg("Send")}
    ?disabled=${!isReady}
    @mousedown=${(event: Event) => event.preventDefault()}
  >
    ${icon(isEdit ? "check" : "send")}
  </button>`;
}

/** Above the field: which message is being answered or changed. */
export function composerContext(
  room: Room,
  subject: MatrixEvent | undefined,
  editing: boolean,
  onCancel: () => void,
): TemplateResult | typeof nothing {
  if (subject === undefined) return nothing;
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

/** What an unfinished word may become. The field keeps the keyboard and names the selected one. */
export function offerList(
  completion: Completion,
  onChoose: (index: number) => void,
): TemplateResult {
  return html`<ul
    id="offers"
    role="listbox"
    aria-label=${completion.label}
    ?hidden=${!completion.open}
  >
    ${completion.offered.map(
      (offer, index) =>
        html`<li
          id="offer-${index}"
          role="option"
          aria-selected=${index === completion.selected}
          @mousedown=${(event: Event) => {
            event.preventDefault();
            onChoose(index);
          }}
        >
          ${picture(offer)}
          <span class="ellipsis">${offer.label}</span>
          ${offer.detail === undefined ? nothing : html`<span class="ellipsis id">${offer.detail}</span>`}
        </li>`,
    )}
  </ul>`;
}

function picture({ avatar, emoji, image }: Offer) {
  if (emoji !== undefined) return html`<span class="sign" aria-hidden="true">${emoji}</span>`;
  if (image !== undefined) return html`<weft-emoticon class="sign" mxc=${image}></weft-emoticon>`;
  if (avatar === undefined) return nothing;
  const { seed, name, mxc } = avatar;
  return html`<weft-avatar seed=${seed} name=${name} .mxc=${mxc} size="26"></weft-avatar>`;
}

/** A button of the composer that is a drawing; `on` for one that stays pressed. */
export function tool(
  drawing: IconName,
  label: string,
  run: (anchor: Element) => void,
  on?: boolean,
): TemplateResult {
  return html`<button
    type="button"
    class="icon-button"
    aria-label=${label}
    title=${label}
    aria-pressed=${on === undefined ? nothing : on ? "true" : "false"}
    @click=${(event: Event) => run(event.currentTarget as Element)}
  >
    ${icon(drawing)}
  </button>`;
}

/** What else than words can be sent from this browser. */
export function addItems(
  run: Record<"attach" | "record" | "place" | "poll", () => void> & {
    /** Absent where no stickers may be sent. */
    sticker: (() => void) | undefined;
  },
): MenuItem[] {
  const canRecord = typeof MediaRecorder !== "undefined" && "mediaDevices" in navigator;
  const canLocate = "geolocation" in navigator && isSecureContext;
  return [
    { label: msg("Attach files"), icon: "paperclip", run: run.attach },
    ...(canRecord
      ? [{ label: msg("Record a voice message"), icon: "mic" as const, run: run.record }]
      : []),
    ...(run.sticker === undefined
      ? []
      : [{ label: msg("Send a sticker"), icon: "sticker" as const, run: run.sticker }]),
    { label: msg("Create a poll"), icon: "poll", run: run.poll },
    ...(canLocate
      ? [{ label: msg("Share my location"), icon: "place" as const, run: run.place }]
      : []),
  ];
}

/** Why something was not sent, and perhaps another way. */
export function problemLine(problem: string, asFile: (() => void) | undefined): TemplateResult {
  return html`<div class="problem" id="problem" role="alert">
    ${icon("alert")}<span>${problem}</span>
    ${
      asFile === undefined
        ? nothing
        : html`<button type="button" class="button quiet small" @click=${asFile}>
            ${msg("Send as a file")}
          </button>`
    }
  </div>`;
}
