import { msg } from "@lit/localize";
import { html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { guard } from "lit/directives/guard.js";
import { repeat } from "lit/directives/repeat.js";
import { createLineKeys } from "../controllers/line-keys.ts";
import { LineWindow } from "../controllers/line-window.ts";
import { OlderMessages } from "../controllers/older-messages.ts";
import { Place, standIn } from "../controllers/place.ts";
import { ReadMarker } from "../controllers/read-marker.ts";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import type { Room } from "../store/room.ts";
import {
  createItemBuilder,
  lineOf,
  readUpTo,
  type ItemBuilder,
  type TimelineItem,
} from "../store/timeline-items.ts";
import type { Timeline } from "../store/timeline.ts";
import { report, toast } from "../store/toasts.ts";
import { base, buttons } from "../styles/shared.ts";
import { timelineStyles } from "../styles/timeline.ts";
import type { WeftMessage } from "./message.ts";
import { historyFoot, historyHead, toNewest, toUnread } from "./timeline-edges.ts";
import { enlarge } from "./timeline-pictures.ts";
import { estimateHeight, leaveTools, speak, spokenWords, timelineRow } from "./timeline-row.ts";

/** Older events are fetched when fewer than so many lines are left above the window; more for who has left the end, and may be going far. */
const AHEAD = 20;
const FAR_AHEAD = 80;
/** Milliseconds after scrolling in which the pointer takes no line in hand: lines pass below it. */
const PASSING = 150;

/** A room's messages, or a thread's: those near the window are on the page, and the one being read stays where it is. */
@customElement("weft-timeline")
export class WeftTimeline extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  /** The messages of a thread, where these are shown and not the room's own. */
  @property({ attribute: false }) thread: Timeline | undefined;
  /** An event to go to. */
  @property() focusEvent: string | undefined;
  @state() private activeKey: string | undefined;
  @state() private atEnd = true;

  #items: TimelineItem[] = [];
  #builder!: ItemBuilder;
  #unreadAfter: string | undefined;
  #started = false;
  #built = "";
  #shown: Timeline | undefined;
  #flash: string | undefined;
  #newBelow = 0;
  #wasPast = false;

  readonly #window = new LineWindow(this, {
    count: () => this.#items.length,
    key: (index) => this.#items[index]?.key ?? "",
    estimate: (index) => estimateHeight(this.#items[index]),
    ends: () => this.#place.stretch,
    onMove: () => this.#look(),
  });

  readonly #place = new Place(this, {
    client: () => this.client,
    room: () => this.room,
    thread: () => this.thread,
  });

  readonly #reading = new ReadMarker(this, {
    client: () => this.client,
    room: () => this.room,
    stretch: () => this.#place.stretch,
    visible: () => this.#lastVisible(),
  });

  readonly #older = new OlderMessages(this, {
    client: () => this.client,
    room: () => this.room,
    stretch: () => this.#place.stretch,
    nearStart: () => {
      const ahead = this.#window.atEnd ? AHEAD : FAR_AHEAD;
      return this.#items.length === 0 || (this.#window.visible()?.first ?? ahead + 1) <= ahead;
    },
    nearEnd: () => (this.#window.visible()?.last ?? 0) >= this.#items.length - FAR_AHEAD,
    onPage: () => {
      if (!this.#window.isNearEnd) this.#place.split();
    },
  });

  constructor() {
    super();
    new Watch(this, () => {
      const signals = this.room?.signals;
      return [signals?.$timeline, signals?.$state, signals?.$receipts];
    });
  }

  static override styles = [base, buttons, timelineStyles];

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("room")) {
      this.#builder = createItemBuilder(this.room, this.client.session.userId, (userId) =>
        this.client.store.ignores(userId),
      );
      this.#unreadAfter =
        this.thread === undefined
          ? readUpTo(this.room, this.client.session.userId)
          : this.room.receipts.of(this.client.session.userId, this.thread.thread)?.eventId;
    }
    const { $timeline, $state, $receipts } = this.room.signals;
    const { stretch } = this.#place;
    const version = `${$timeline.get()} ${$state.get()} ${$receipts.get()} ${this.#unreadAfter}`;
    if (version !== this.#built || stretch !== this.#shown) this.#rebuild(stretch);
    [this.#built, this.#shown] = [version, stretch];
  }

  #rebuild(stretch: Timeline): void {
    const before = this.#items;
    this.#items = this.#builder.build(this.#unreadAfter, stretch);
    // What is fetched after a place in the past was said long ago.
    const isPast = stretch.nextToken !== undefined;
    if (stretch === this.#shown && !isPast && !this.#wasPast) this.#countNew(before, this.#items);
    this.#wasPast = isPast;
    this.#window.changed();
  }

  /** Counts what was added below the window, and follows words of our own to the end. */
  #countNew(before: readonly TimelineItem[], after: readonly TimelineItem[]): void {
    const lastKey = before.at(-1)?.key;
    if (!this.#started || lastKey === undefined || after.at(-1)?.key === lastKey) return;
    const at = after.findLastIndex((item) => item.key === lastKey);
    const added = at < 0 ? [] : after.slice(at + 1);
    const own = added.some((item) => item.kind === "message" && item.entry.pending !== undefined);
    if (own) void this.updateComplete.then(() => this.#toEnd());
    else if (!this.#window.isNearEnd)
      this.#newBelow += added.filter((item) => item.kind === "message").length;
    speak(this.renderRoot, spokenWords(this.room, this.client.session.userId, added));
  }

  override updated(changed: PropertyValues<this>): void {
    if (this.#items.length > 0) this.#started = true;
    if (changed.has("focusEvent") && this.focusEvent !== undefined) void this.goTo(this.focusEvent);
    // An empty room has nothing to move.
    if (this.#items.length === 0) this.#look();
  }

  /** The reader moved, or what is in the window changed. */
  #look(): void {
    const atEnd = this.#window.atEnd && !this.#place.isPast;
    if (atEnd) this.#newBelow = 0;
    this.atEnd = atEnd;
    this.#older.look();
    this.#reading.look();
  }

  /** The newest event of the server's that is within the window. */
  #lastVisible(): string | undefined {
    const seen = this.#window.visible()?.last;
    if (seen === undefined) return undefined;
    if (seen === this.#items.length - 1) {
      const { stretch } = this.#place;
      return stretch.entries.findLast((one) => one.thread === stretch.thread)?.event.event_id;
    }
    const item = this.#items[seen];
    return item?.kind === "message" ? item.entry.event.event_id : item?.notices.at(-1)?.eventId;
  }

  #toEnd(): void {
    this.#newBelow = 0;
    this.#place.leave();
    this.#window.scrollToEnd();
  }

  /** Brings an event into the window, wherever in the history it stands, and lights it up. */
  async goTo(eventId: string): Promise<void> {
    const found = await this.#place.go(eventId);
    if (found.kind === "gone") {
      toast(msg("This message does not exist any more, or you may not see it."));
    } else if (found.kind === "failed") report(found.error);
    else if (found.kind === "thread") {
      const detail = { root: found.root, eventId };
      this.dispatchEvent(new CustomEvent("open-thread", { detail, bubbles: true, composed: true }));
    } else await this.#showLine(eventId);
  }

  async #showLine(eventId: string): Promise<void> {
    await this.updateComplete;
    const { stretch } = this.#place;
    const shown = standIn(stretch, eventId, (one) => lineOf(this.#items, one) >= 0);
    const index = shown === undefined ? -1 : lineOf(this.#items, shown);
    const item = this.#items[index];
    if (item === undefined) return;
    this.#window.scrollTo(index, "center");
    this.#flash = item.key;
    this.activeKey = item.key;
    this.requestUpdate();
    setTimeout(() => {
      this.#flash = undefined;
      this.requestUpdate();
    }, 2000);
  }

  /** Whether the first new message lies above the window, loaded or not. */
  #unreadAbove(): boolean {
    if (this.thread !== undefined || this.#place.isPast) return false;
    const index = this.#items.findIndex((item) => item.firstUnread);
    if (index >= 0) return index < (this.#window.visible()?.first ?? 0);
    return this.#unreadAfter === undefined && this.#farUnread !== undefined;
  }

  /** What was read last, when so much is new that it is not loaded. */
  get #farUnread(): string | undefined {
    const { fullyRead, record, timeline } = this.room;
    const isFar = fullyRead !== undefined && !timeline.reachedStart && !record.find(fullyRead);
    return isFar && this.room.notificationCount > 0 ? fullyRead : undefined;
  }

  async #goToUnread(): Promise<void> {
    const far = this.#farUnread;
    if (far !== undefined) {
      this.#unreadAfter = far;
      await this.goTo(far);
      return;
    }
    const index = this.#items.findIndex((item) => item.firstUnread);
    if (index >= 0) this.#window.scrollTo(index, "start");
  }

  /** Puts the keyboard on a line. */
  #focusLine(index: number): void {
    const item = this.#items[index];
    if (item === undefined) return;
    this.activeKey = item.key;
    this.#window.scrollTo(index, "nearest");
    void this.updateComplete.then(() =>
      this.renderRoot
        .querySelector<HTMLElement>(`[data-index="${index}"]`)
        ?.focus({ preventScroll: true }),
    );
  }

  readonly #onKey = createLineKeys({
    count: () => this.#items.length,
    focusLine: (index) => this.#focusLine(index),
    shortcut: (index, key) =>
      this.renderRoot
        .querySelector<WeftMessage>(`[data-index="${index}"] weft-message`)
        ?.shortcut(key) ?? false,
  });

  /** A finger that is lifted leaves too, but what it touched stays in hand. */
  readonly #onLeave = (event: PointerEvent): void => {
    if (event.pointerType === "mouse") this.#activate(undefined);
  };

  /** A menu of the line in hand is open: the line stays in hand. */
  #pinned = false;

  readonly #activate = (key: string | undefined, byPointer = false): void => {
    this.#pointed = byPointer ? key : undefined;
    const passing = PASSING - (performance.now() - this.#window.scrolledAt);
    if (byPointer && passing > 0) {
      if (this.#isPassing) return;
      this.#isPassing = true;
      setTimeout(() => {
        this.#isPassing = false;
        if (this.#pointed !== undefined) this.#activate(this.#pointed, true);
      }, passing);
      return;
    }
    if (this.#pinned || this.activeKey === key) return;
    leaveTools(this.shadowRoot);
    this.activeKey = key;
  };

  /** The line below the pointer, and the wait until lines stand still there. */
  #pointed: string | undefined;
  #isPassing = false;

  /** The line that the keyboard comes to first. */
  #tabStop(): number {
    const at = this.#items.findIndex((item) => item.key === this.activeKey);
    return at >= 0 ? at : this.#items.length - 1;
  }

  #row(index: number, tabStop: number) {
    const item = this.#items[index];
    if (item === undefined) return nothing;
    const look = {
      active: item.key === this.activeKey,
      tabStop: index === tabStop,
      flash: item.key === this.#flash,
    };
    // Lines are made anew when anything happens in the room: while these are the same, nothing in them has changed.
    return guard([item, index, ...Object.values(look)], () =>
      timelineRow({
        client: this.client,
        room: this.room,
        item,
        index,
        ...look,
        inThread: this.thread !== undefined,
        onActive: this.#activate,
      }),
    );
  }

  override render() {
    const { first, last, filler, above, below } = this.#window;
    const { stretch } = this.#place;
    const tabStop = this.#tabStop();
    const rows = Array.from({ length: last - first }, (_, at) => first + at);
    return html`<div
        class="scroller scroll ${this.thread === undefined ? "" : "from-top"}"
        role="feed"
        aria-label=${this.thread === undefined ? msg("Messages") : msg("Messages in the thread")}
        aria-busy=${this.client.history.isPaging(this.room, stretch)}
        tabindex="-1"
        @scroll=${this.#window.onScroll}
        @keydown=${this.#onKey}
        @pointerleave=${this.#onLeave}
        @open-picture=${(event: Event) => enlarge(event, this.#items)}
        @menu-toggle=${(event: CustomEvent<boolean>) => (this.#pinned = event.detail)}
      >
        <div class="sizer">
          <div class="space" style="height:${filler}px"></div>
          <div class="head">${historyHead(stretch, this.#older)}</div>
          <div class="space" style="height:${above}px"></div>
          ${repeat(
            rows,
            (index) => this.#items[index]?.key,
            (index) => this.#row(index, tabStop),
          )}
          <div class="space" style="height:${below}px"></div>
          ${historyFoot(stretch)}
        </div>
      </div>
      ${this.#unreadAbove() ? toUnread(() => void this.#goToUnread()) : nothing}
      ${this.atEnd ? nothing : toNewest(this.#newBelow, () => this.#toEnd())}
      <div class="live hidden-label" aria-live="polite"></div>`;
  }
}
