import { object, number, type MatrixEvent } from "../api/types.ts";

/** A thread as it is told below the message that began it. */
export interface ThreadSummary {
  readonly root: string;
  /** Replies in it. */
  readonly count: number;
  /** The newest reply, readable as far as it can be. */
  readonly latest: MatrixEvent | undefined;
}

interface Bundle {
  count: number;
  latest: MatrixEvent | undefined;
}

/** What is known of a room's threads: what their server put beside the roots, and the replies that came since. */
export class ThreadNotes {
  readonly #bundles = new Map<string, Bundle>();
  readonly #replies = new Map<string, Map<string, MatrixEvent>>();
  readonly #rootOf = new Map<string, string>();

  /** Takes in what stands beside an event that may have begun a thread. */
  begun(event: MatrixEvent): void {
    const bundle = event.unsigned?.["m.relations"]?.["m.thread"];
    const count = number(bundle, "count");
    if (bundle === undefined || count === undefined) return;
    const known = this.#bundles.get(event.event_id);
    if (known !== undefined && known.count > count) return;
    const latest = object<typeof bundle>(bundle, "latest_event") && bundle.latest_event;
    this.#bundles.set(event.event_id, { count, latest });
  }

  replied(event: MatrixEvent, root: string): void {
    const replies = this.#replies.get(root) ?? new Map<string, MatrixEvent>();
    replies.set(event.event_id, event);
    this.#replies.set(root, replies);
    this.#rootOf.set(event.event_id, root);
  }

  /** Forgets a reply that was taken back. */
  remove(eventId: string): void {
    const root = this.#rootOf.get(eventId);
    if (root !== undefined) this.#replies.get(root)?.delete(eventId);
    for (const bundle of this.#bundles.values()) {
      if (bundle.latest?.event_id !== eventId) continue;
      bundle.count -= 1;
      bundle.latest = undefined;
    }
  }

  /** The thread that an event began, or undefined when there is none that we know of. */
  of(root: string): ThreadSummary | undefined {
    const bundle = this.#bundles.get(root);
    const replies = [...(this.#replies.get(root)?.values() ?? [])];
    const newer = replies.filter(
      (event) =>
        bundle?.latest === undefined ||
        (event.origin_server_ts > bundle.latest.origin_server_ts &&
          event.event_id !== bundle.latest.event_id),
    );
    const added = bundle === undefined || bundle.latest !== undefined ? newer.length : 0;
    const count = Math.max((bundle?.count ?? 0) + added, replies.length);
    if (count <= 0) return undefined;
    const own = this.#replies.get(root)?.get(bundle?.latest?.event_id ?? "") ?? bundle?.latest;
    let latest = own;
    for (const event of newer) {
      if (latest === undefined || event.origin_server_ts >= latest.origin_server_ts) latest = event;
    }
    return { root, count, latest };
  }

  /** The roots of all threads that we know of. */
  get roots(): string[] {
    return [...new Set([...this.#bundles.keys(), ...this.#replies.keys()])];
  }
}
