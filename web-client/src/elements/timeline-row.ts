import { msg } from "@lit/localize";
import { html, nothing, type TemplateResult } from "lit";
import type { Client } from "../store/client.ts";
import { describeMessage } from "../store/describe.ts";
import type { Room } from "../store/room.ts";
import type { TimelineItem } from "../store/timeline-items.ts";
import { clockTime, dayLabel } from "../text/time.ts";
import "./message.ts";
import "./notice.ts";

export interface TimelineRow {
  client: Client;
  room: Room;
  item: TimelineItem;
  index: number;
  /** Pixels from the top of all lines. */
  start: number;
  /** Changes when the line may look different. */
  version: string;
  active: boolean;
  /** The keyboard comes to this line first. */
  tabStop: boolean;
  /** Lit up for a moment, since somebody was led here. */
  flash: boolean;
  onActive(key: string): void;
}

/** The height that a line will have, about, in pixels. */
export function estimateHeight(item: TimelineItem | undefined): number {
  if (item === undefined || item.kind === "notice") return 32;
  const body = item.entry.event.content["body"];
  const lines = typeof body === "string" ? Math.ceil(body.length / 80) : 1;
  return 8 + 21 * Math.min(lines, 12) + (item.header ? 28 : 0) + (item.day === undefined ? 0 : 44);
}

/** New messages of others, as a screen reader is to say them; "" when there are none. */
export function spokenWords(room: Room, me: string, items: readonly TimelineItem[]): string {
  const spoken = items.flatMap((item) => {
    if (item.kind !== "message" || item.entry.event.sender === me) return [];
    const { event } = item.entry;
    return [`${room.displayName(event.sender)}: ${describeMessage(room, event)}`];
  });
  return spoken.join("\n");
}

/** Labels are asked for with each frame of scrolling; a line's item is made anew when anything about it changes. */
const labels = new WeakMap<TimelineItem, string>();

function labelOf(room: Room, item: TimelineItem): string {
  const known = labels.get(item) ?? makeLabel(room, item);
  labels.set(item, known);
  return known;
}

function makeLabel(room: Room, item: TimelineItem): string {
  if (item.kind === "notice") return item.notices.map((notice) => notice.text).join(". ");
  const { event } = item.entry;
  const name = room.displayName(event.sender);
  return `${name}, ${clockTime(event.origin_server_ts)}: ${describeMessage(room, event)}`;
}

function separators(item: TimelineItem) {
  return html`${item.day === undefined ? nothing : html`<div class="day"><span>${dayLabel(item.day)}</span></div>`}
  ${item.firstUnread ? html`<div class="unread"><span>${msg("New")}</span></div>` : nothing}`;
}

/** One line of the timeline, at its place: what separates it from the one before, and the message or note. */
export function timelineRow(row: TimelineRow): TemplateResult {
  const { item } = row;
  const activate = (): void => row.onActive(item.key);
  return html`<div
    class="row ${row.flash ? "flash" : ""}"
    data-index=${row.index}
    role="article"
    aria-label=${labelOf(row.room, item)}
    tabindex=${row.tabStop ? 0 : -1}
    style="transform:translateY(${row.start}px)"
    @pointerenter=${activate}
    @pointerdown=${activate}
    @focusin=${activate}
  >
    ${separators(item)}
    ${
      item.kind === "notice"
        ? html`<weft-notice class="line" .item=${item}></weft-notice>`
        : html`<weft-message
            class="line"
            .client=${row.client}
            .room=${row.room}
            .item=${item}
            .version=${row.version}
            ?active=${row.active}
          ></weft-message>`
    }
  </div>`;
}
