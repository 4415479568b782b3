import { ApiError } from "../api/errors.ts";
import { object, text } from "../api/types.ts";
import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { Client } from "../store/client.ts";
import type { Room } from "../store/room.ts";
import type { Timeline } from "../store/timeline.ts";

/** Where an event was found: in the stretch that is shown now, in a thread, or not at all. */
export type Found =
  | { kind: "here" }
  | { kind: "thread"; root: string }
  | { kind: "gone" }
  | { kind: "failed"; error: unknown };

interface Host {
  client(): Client;
  room(): Room;
  /** The thread that is shown; undefined for a room's own messages. */
  thread(): Timeline | undefined;
}

/** Pages of a thread that are fetched to find a message in it. */
const MAX_PAGES = 25;

/** Which stretch of the history is looked at: the newest, or one around a place in the past. */
export class Place implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  readonly #of: Host;
  #past: Timeline | undefined;

  constructor(host: ReactiveControllerHost, of: Host) {
    this.#host = host;
    this.#of = of;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.leave();
  }

  get stretch(): Timeline {
    // What reached into the newest stretch has become part of it.
    if (this.#past?.isJoined) this.leave();
    return this.#past ?? this.#of.thread() ?? this.#of.room().timeline;
  }

  /** True while older messages are looked at from which the newest are not in reach. */
  get isPast(): boolean {
    return this.stretch.nextToken !== undefined;
  }

  /** Goes back to the newest. */
  leave(): void {
    if (this.#past === undefined) return;
    this.#past.close();
    this.#past = undefined;
    this.#host.requestUpdate();
  }

  /** More was read of the newest stretch than is held at once: what is looked at becomes one of its own. */
  split(): void {
    if (this.#past !== undefined || this.#of.thread() !== undefined) return;
    this.#past = this.#of.room().timeline.split();
  }

  /** Has the stretch shown in which an event stands. */
  async go(eventId: string): Promise<Found> {
    const { history } = this.#of.client();
    const room = this.#of.room();
    const thread = this.#of.thread();
    if (this.stretch.find(eventId) !== undefined) return this.#at(eventId);
    try {
      if (thread !== undefined) return await this.#inThread(thread, eventId);
      const stretch = await history.around(room, eventId);
      if (stretch !== room.timeline) {
        this.leave();
        this.#past = stretch;
      } else this.leave();
      this.#host.requestUpdate();
      return this.#at(eventId);
    } catch (error) {
      const isGone = error instanceof ApiError && (error.status === 404 || error.status === 403);
      return isGone ? { kind: "gone" } : { kind: "failed", error };
    }
  }

  #at(eventId: string): Found {
    const root = this.stretch.find(eventId)?.thread;
    if (root === undefined || this.stretch.thread === root) return { kind: "here" };
    return { kind: "thread", root };
  }

  async #inThread(thread: Timeline, eventId: string): Promise<Found> {
    const { history } = this.#of.client();
    for (let page = 0; page < MAX_PAGES && thread.find(eventId) === undefined; page++) {
      if (!(await history.older(this.#of.room(), thread))) break;
    }
    return thread.find(eventId) === undefined ? { kind: "gone" } : { kind: "here" };
  }
}

/** The event that is to be shown for one without a line of its own: what it is about, or else the next that has a line. */
export function standIn(
  stretch: Timeline,
  eventId: string,
  hasLine: (eventId: string) => boolean,
): string | undefined {
  const event = stretch.find(eventId)?.event;
  const about = text(object(event?.content, "m.relates_to"), "event_id");
  if (about !== undefined && hasLine(about)) return about;
  const at = stretch.entries.findIndex((entry) => entry.event.event_id === eventId);
  const near = [...stretch.entries.slice(at), ...stretch.entries.slice(0, at).toReversed()];
  return near.find((entry) => hasLine(entry.event.event_id))?.event.event_id;
}
