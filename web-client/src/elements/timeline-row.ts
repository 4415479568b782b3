import { msg, str } from "@lit/localize";
import { html, nothing, type TemplateResult } from "lit";
import type { Client } from "../store/client.ts";
import { describeMessage } from "../store/describe.ts";
import { openPanel } from "../store/panel.ts";
import type { Room } from "../store/room.ts";
import type { Entry } from "../store/timeline.ts";
import { versionOf, type TimelineItem } from "../store/timeline-items.ts";
import { clockTime, dayLabel } from "../text/time.ts";
import { icon } from "./icon.ts";
import "./message.ts";
import "./notice.ts";

export interface TimelineRow {
  client: Client;
  room: Room;
  item: TimelineItem;
  index: number;
  active: boolean;
  /** The keyboard comes to this line first. */
  tabStop: boolean;
  /** The line stands in its thread, and not in the room. */
  inThread: boolean;
  /** Lit up for a moment, since somebody was led here. */
  flash: boolean;
  onActive(key: string, byPointer: boolean): void;
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

/** Has a screen reader say it, while the page is looked at. */
export function speak(timeline: ParentNode, words: string): void {
  const live = timeline.querySelector(".live");
  if (live !== null && words !== "" && !document.hidden) live.textContent = words;
}

/** Labels are asked for whenever anything changes in the room. */
const labels = new WeakMap<object, { version: string; label: string }>();

function labelOf(room: Room, item: TimelineItem): string {
  if (item.kind === "notice") return makeLabel(room, item);
  const version = versionOf(room, item);
  const known = labels.get(item.entry);
  if (known?.version === version) return known.label;
  const label = makeLabel(room, item);
  labels.set(item.entry, { version, label });
  return label;
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

/** Below the message that began a thread: how many replies there are, and the newest of them. */
function threadBelow(room: Room, entry: Entry): TemplateResult | typeof nothing {
  const thread = room.record.threads.of(entry.event.event_id);
  if (thread === undefined) return nothing;
  const { count, latest, root } = thread;
  const unread = room.threadCounts.get(root)?.notifications ?? 0;
  const replies = count === 1 ? msg("1 reply") : msg(str`${count} replies`);
  return html`<button
    type="button"
    class="thread ${unread > 0 ? "unread" : ""}"
    @click=${(event: Event) => openPanel(event.currentTarget!, { kind: "thread", root })}
  >
    ${icon("thread")}<b>${replies}</b>
    ${unread > 0 ? html`<b class="new">${msg(str`${unread} new`)}</b>` : nothing}
    ${
      latest === undefined
        ? nothing
        : html`<span class="ellipsis"
            >${room.displayName(latest.sender)}: ${describeMessage(room, latest)}</span
          >`
    }
  </button>`;
}

/** One line of the timeline, at its place: what separates it from the one before, and the message or note. */
export function timelineRow(row: TimelineRow): TemplateResult {
  const { item } = row;
  const activate = (event: Event): void =>
    row.onActive(item.key, event.type === "pointerenter" || event.type === "pointermove");
  return html`<div
    class="row ${row.flash ? "flash" : ""}"
    data-index=${row.index}
    role="article"
    aria-label=${labelOf(row.room, item)}
    tabindex=${row.tabStop ? 0 : -1}
    @pointerenter=${activate}
    @pointermove=${activate}
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
              .version=${versionOf(row.room, item)}
              ?active=${row.active}
            ></weft-message>
            ${row.inThread ? nothing : threadBelow(row.room, item.entry)}`
    }
  </div>`;
}

/** The tools go from the line that was in hand: it takes the keyboard from them. */
export function leaveTools(timeline: ShadowRoot | null): void {
  const within = timeline?.activeElement;
  if (within?.shadowRoot?.activeElement?.localName !== "weft-message-toolbar") return;
  within.closest<HTMLElement>("[data-index]")?.focus({ preventScroll: true });
}
