import type { ReactiveController, ReactiveControllerHost } from "lit";
import { markRead, markThreadRead } from "../store/actions.ts";
import type { Client } from "../store/client.ts";
import type { Room } from "../store/room.ts";
import type { Timeline } from "../store/timeline.ts";

interface Sight {
  client(): Client;
  room(): Room;
  /** The messages that are shown. */
  stretch(): Timeline;
  /** The newest event within the window. */
  visible(): string | undefined;
}

/** Milliseconds that something must be in sight to count as read. */
const DWELL = 500;

/** Tells the server what has been read: what is within the window while the page has the person's attention. */
export class ReadMarker implements ReactiveController {
  readonly #sight: Sight;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sent: string | undefined;

  constructor(host: ReactiveControllerHost, sight: Sight) {
    this.#sight = sight;
    host.addController(this);
  }

  hostConnected(): void {
    window.addEventListener("focus", this.look);
    document.addEventListener("visibilitychange", this.look);
  }

  hostDisconnected(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    window.removeEventListener("focus", this.look);
    document.removeEventListener("visibilitychange", this.look);
  }

  /** Something may have come into sight. */
  readonly look = (): void => {
    if (document.hidden || !document.hasFocus() || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#mark();
    }, DWELL);
  };

  #mark(): void {
    const [client, room] = [this.#sight.client(), this.#sight.room()];
    const eventId = this.#sight.visible();
    if (eventId === undefined || eventId === this.#sent || eventId.startsWith("~")) return;
    if (room.membership !== "join" || !document.hasFocus() || !this.#advances(room, eventId))
      return;
    this.#sent = eventId;
    const { thread } = this.#sight.stretch();
    const marked =
      thread === undefined
        ? markRead(client, room, eventId)
        : markThreadRead(client, room, thread, eventId);
    marked.catch(() => {
      // The next look tries again; being read late is no news for the person.
      if (this.#sent === eventId) this.#sent = undefined;
    });
  }

  /** True when the event stands behind what is marked already. */
  #advances(room: Room, eventId: string): boolean {
    const stretch = this.#sight.stretch();
    if (stretch.thread !== undefined) return this.#advancesIn(stretch, room, eventId);
    const { entries } = room.timeline;
    const positionOf = (id: string | undefined): number =>
      entries.findLastIndex((entry) => entry.event.event_id === id);
    const marked = positionOf(room.fullyRead);
    return (
      positionOf(eventId) > marked ||
      (marked >= 0 && room.notificationCount > 0 && positionOf(eventId) >= marked)
    );
  }

  #advancesIn({ entries, thread }: Timeline, room: Room, eventId: string): boolean {
    const me = this.#sight.client().session.userId;
    const read = room.receipts.of(me, thread)?.eventId;
    const at = entries.findLastIndex((entry) => entry.event.event_id === eventId);
    const marked = entries.findLastIndex((entry) => entry.event.event_id === read);
    return at > marked || (thread !== undefined && room.threadCounts.has(thread));
  }
}
