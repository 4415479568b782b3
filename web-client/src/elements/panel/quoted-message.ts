import { html, nothing, type TemplateResult } from "lit";
import type { MatrixEvent } from "../../api/types.ts";
import { describeMessage } from "../../store/describe.ts";
import type { Room } from "../../store/room.ts";
import { fullTime, shortTime } from "../../text/time.ts";
import "../avatar.ts";

interface Quoted {
  room: Room;
  event: MatrixEvent;
  /** What is said, instead of the message's own words. */
  words?: TemplateResult | string;
  /** Below the words. */
  note?: TemplateResult | typeof nothing;
  onOpen(): void;
}

/** A message in a list beside the conversation: who, when and what, as a button that leads to it. */
export function quotedMessage({ room, event, words, note, onOpen }: Quoted): TemplateResult {
  const { sender, origin_server_ts: ts } = event;
  const name = room.displayName(sender);
  return html`<button type="button" class="quoted" @click=${onOpen}>
    <weft-avatar
      seed=${sender}
      name=${name}
      .mxc=${room.member(sender)?.avatarUrl}
      size="32"
    ></weft-avatar>
    <span class="said">
      <span class="by"
        ><b class="ellipsis">${name}</b> <time title=${fullTime(ts)}>${shortTime(ts)}</time></span
      >
      <span class="words">${words ?? describeMessage(room, event)}</span>
      ${note ?? nothing}
    </span>
  </button>`;
}
