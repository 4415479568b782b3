import { VirtualizerController } from "@tanstack/lit-virtual";
import { msg } from "@lit/localize";
import { html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { createLineKeys } from "../controllers/line-keys.ts";
import { OlderMessages } from "../controllers/older-messages.ts";
import { ReadMarker } from "../controllers/read-marker.ts";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import type { Room } from "../store/room.ts";
import {
  createItemBuilder,
  readUpTo,
  type ItemBuilder,
  type TimelineItem,
} from "../store/timeline-items.ts";
import { toast } from "../store/toasts.ts";
import { base, buttons } from "../styles/shared.ts";
import { timelineStyles } from "../styles/timeline.ts";
import type { WeftMessage } from "./message.ts";
import { historyHead, toNewest, toUnread } from "./timeline-edges.ts";
import { estimateHeight, spokenWords, timelineRow } from "./timeline-row.ts";

/** Room above the first line, for the word about what lies before it. */
const HEAD = 88;
/** Older events are fetched when fewer than so many lines are left above the window. */
const AHEAD = 20;
/** Within so many pixels of the end one counts as being there. */
const AT_END = 80;

/** A room's messages: only those near the window are on the page, and the one being read stays where it is. */
@customElement("weft-timeline")
export class WeftTimeline extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  /** An event to go to. */
  @property() focusEvent: string | undefined;
  @state() private activeKey: string | undefined;
  @state() private atEnd = true;
  @query(".scroller") private scroller!: HTMLElement;

  #items: TimelineItem[] = [];
  #builder!: ItemBuilder;
  #unreadAfter: string | undefined;
  #started = false;
  #built = "";
  #flash: string | undefined;
  #newBelow = 0;

  readonly #virtual = new VirtualizerController<HTMLElement, HTMLElement>(this, {
    count: 0,
    getScrollElement: () => this.renderRoot.querySelector<HTMLElement>(".scroller"),
    estimateSize: (index) => estimateHeight(this.#items[index]),
    overscan: 12,
    paddingStart: HEAD,
    paddingEnd: 12,
    anchorTo: "end",
    followOnAppend: true,
    scrollEndThreshold: AT_END,
  });

  readonly #reading = new ReadMarker(this, {
    client: () => this.client,
    room: () => this.room,
    visible: () => this.#lastVisible(),
  });

  readonly #older = new OlderMessages(this, {
    client: () => this.client,
    room: () => this.room,
    near: () =>
      (this.#settled || this.#items.length === 0) &&
      (this.#virtual.getVirtualizer().range?.startIndex ?? 0) <= AHEAD,
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
      this.#unreadAfter = readUpTo(this.room, this.client.session.userId);
    }
    const { $timeline, $state, $receipts } = this.room.signals;
    const version = `${$timeline.get()} ${$state.get()} ${$receipts.get()} ${this.#unreadAfter}`;
    if (version !== this.#built) this.#rebuild();
    this.#built = version;
  }

  #rebuild(): void {
    const before = this.#items;
    this.#items = this.#builder.build(this.#unreadAfter);
    const items = this.#items;
    this.#countNew(before, items);
    const virtualizer = this.#virtual.getVirtualizer();
    virtualizer.setOptions({
      ...virtualizer.options,
      count: items.length,
      getItemKey: (index) => items[index]?.key ?? index,
      estimateSize: (index) => estimateHeight(this.#items[index]),
    });
  }

  /** Counts what was added below the window, and follows words of our own to the end. */
  #countNew(before: readonly TimelineItem[], after: readonly TimelineItem[]): void {
    const lastKey = before.at(-1)?.key;
    if (!this.#started || lastKey === undefined || after.at(-1)?.key === lastKey) return;
    const at = after.findLastIndex((item) => item.key === lastKey);
    const added = at < 0 ? [] : after.slice(at + 1);
    const own = added.some((item) => item.kind === "message" && item.entry.pending !== undefined);
    if (own) void this.updateComplete.then(() => this.#toEnd());
    else if (!this.atEnd) this.#newBelow += added.filter((item) => item.kind === "message").length;
    const live = this.renderRoot.querySelector(".live");
    const words = spokenWords(this.room, this.client.session.userId, added);
    if (live !== null && words !== "" && !document.hidden) live.textContent = words;
  }

  override updated(changed: PropertyValues<this>): void {
    void this.#measure();
    const virtualizer = this.#virtual.getVirtualizer();
    if (!this.#started && this.#items.length > 0 && virtualizer.scrollElement !== null) {
      this.#started = true;
      void this.#settle();
    }
    if (changed.has("focusEvent") && this.focusEvent !== undefined) void this.goTo(this.focusEvent);
    this.#older.look();
    this.#reading.look();
  }

  /** Goes to the end and stays there till the lines have their true heights; only then is history fetched. */
  async #settle(): Promise<void> {
    const virtualizer = this.#virtual.getVirtualizer();
    for (let frame = 0; frame < 30 && this.focusEvent === undefined; frame++) {
      virtualizer.scrollToEnd();
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const { scrollHeight, scrollTop, clientHeight } = this.scroller;
      if (frame > 1 && scrollHeight - scrollTop - clientHeight < 2) break;
    }
    this.#settled = true;
    this.#older.look();
  }

  #settled = false;

  /** Lines draw themselves a moment after we do: they are measured when they have, still before the paint. */
  async #measure(): Promise<void> {
    const rows = [...this.renderRoot.querySelectorAll<HTMLElement>("[data-index]")];
    const lines = [...this.renderRoot.querySelectorAll<LitElement>(".line")];
    await Promise.all(lines.map((line) => line.updateComplete));
    const virtualizer = this.#virtual.getVirtualizer();
    for (const row of rows) if (row.isConnected) virtualizer.measureElement(row);
  }

  readonly #onScroll = (): void => {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    const atEnd = scrollHeight - scrollTop - clientHeight < AT_END;
    if (atEnd) this.#newBelow = 0;
    this.atEnd = atEnd;
    this.#older.look();
    this.#reading.look();
  };

  /** The newest event of the server's that is within the window. */
  #lastVisible(): string | undefined {
    const bottom = this.scroller.scrollTop + this.scroller.clientHeight;
    const rows = this.#virtual.getVirtualizer().getVirtualItems();
    const seen = rows.findLast((row) => row.start + Math.min(row.size, 40) <= bottom + 4);
    if (seen === undefined) return undefined;
    if (seen.index === this.#items.length - 1) return this.room.timeline.last?.event_id;
    const item = this.#items[seen.index];
    return item?.kind === "message" ? item.entry.event.event_id : item?.notices.at(-1)?.eventId;
  }

  #toEnd(): void {
    this.#newBelow = 0;
    this.#virtual.getVirtualizer().scrollToEnd();
  }

  /** Brings an event into the window, loading history as far as needed, and lights it up. */
  async goTo(eventId: string): Promise<void> {
    const found = await this.client.history.reach(this.room, eventId).catch(() => false);
    await this.updateComplete;
    const index = this.#items.findIndex(
      (item) => item.kind === "message" && item.entry.event.event_id === eventId,
    );
    if (!found || index < 0) {
      toast(msg("This message is gone, or lies too far back."));
      return;
    }
    this.#virtual.getVirtualizer().scrollToIndex(index, { align: "center" });
    this.#flash = this.#items[index]!.key;
    this.activeKey = this.#flash;
    this.requestUpdate();
    setTimeout(() => {
      this.#flash = undefined;
      this.requestUpdate();
    }, 2000);
  }

  /** Whether the first new message lies above the window. */
  #unreadAbove(): boolean {
    const index = this.#items.findIndex((item) => item.firstUnread);
    return index >= 0 && index < (this.#virtual.getVirtualizer().range?.startIndex ?? 0);
  }

  #goToUnread(): void {
    const index = this.#items.findIndex((item) => item.firstUnread);
    if (index >= 0) this.#virtual.getVirtualizer().scrollToIndex(index, { align: "start" });
  }

  /** Puts the keyboard on a line. */
  #focusLine(index: number): void {
    const item = this.#items[index];
    if (item === undefined) return;
    this.activeKey = item.key;
    this.#virtual.getVirtualizer().scrollToIndex(index, { align: "auto" });
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

  #activate(key: string | undefined): void {
    if (!this.#pinned && this.activeKey !== key) this.activeKey = key;
  }

  /** The line that the keyboard comes to first. */
  #tabStop(): number {
    const at = this.#items.findIndex((item) => item.key === this.activeKey);
    return at >= 0 ? at : this.#items.length - 1;
  }

  #row(index: number, start: number, tabStop: number) {
    const item = this.#items[index];
    if (item === undefined) return nothing;
    return timelineRow({
      client: this.client,
      room: this.room,
      item,
      index,
      start,
      version: this.#built,
      active: item.key === this.activeKey,
      tabStop: index === tabStop,
      flash: item.key === this.#flash,
      onActive: (key) => this.#activate(key),
    });
  }

  override render() {
    const virtualizer = this.#virtual.getVirtualizer();
    const rows = virtualizer.getVirtualItems();
    const tabStop = this.#tabStop();
    return html`<div
        class="scroller scroll"
        role="feed"
        aria-label=${msg("Messages")}
        aria-busy=${this.client.history.isPaging(this.room)}
        tabindex="-1"
        @scroll=${this.#onScroll}
        @keydown=${this.#onKey}
        @pointerleave=${this.#onLeave}
        @menu-toggle=${(event: CustomEvent<boolean>) => (this.#pinned = event.detail)}
      >
        <div class="sizer" style="height:${virtualizer.getTotalSize()}px">
          <div class="head">${historyHead(this.room.timeline.reachedStart, this.#older)}</div>
          ${repeat(
            rows,
            (row) => row.key,
            (row) => this.#row(row.index, row.start, tabStop),
          )}
        </div>
      </div>
      ${this.#unreadAbove() ? toUnread(() => this.#goToUnread()) : nothing}
      ${this.atEnd ? nothing : toNewest(this.#newBelow, () => this.#toEnd())}
      <div class="live hidden-label" aria-live="polite"></div>`;
  }
}
