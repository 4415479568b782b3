/** Events that must be in the tables when a command's append is committed. */
import type { Append } from "../../log/types.ts";
import type { CommandStore } from "./command-store.ts";
import type { Head } from "./head.ts";
import type { StoredEvent } from "../api/index.ts";

export class Dependencies {
  /** Committed events on whose states new states are built. */
  readonly statesOf: StoredEvent[] = [];
  readonly #store: CommandStore;
  readonly #maker: object;
  /** Events that were still pending when the command read them. */
  readonly #awaited = new Set<number>();

  /** `maker` is the command: it does not wait for its own events. */
  constructor(store: CommandStore, maker: object) {
    this.#store = store;
    this.#maker = maker;
  }

  addStatesOf(events: readonly StoredEvent[]): void {
    for (const event of events) if (!this.#isAwaited(event.nid)) this.statesOf.push(event);
  }

  add(nids: readonly number[]): void {
    for (const nid of nids) this.#isAwaited(nid);
  }

  /**
   * The dependencies as fields of an append that moves the head from `before` to `after` (absent:
   * it stays).
   */
  asRows(before: Head, after: Head | undefined): Pick<Append, "statesOf" | "dependsOn"> {
    const { pending } = this.#store;
    // As long as the head has not moved, the nodes of its state are stored.
    const statesOf = this.statesOf.filter(
      ({ stateAfter }) => after === undefined || stateAfter !== before.stateRoot,
    );
    const dependsOn = [...this.#awaited].filter(
      (nid) => after === undefined || !pending.isFenced(nid),
    );
    return {
      ...(statesOf.length === 0 ? {} : { statesOf: statesOf.map(({ nid }) => nid) }),
      ...(dependsOn.length === 0 ? {} : { dependsOn }),
    };
  }

  #isAwaited(nid: number): boolean {
    const isPending = this.#store.pending.isOfOther(nid, this.#maker);
    if (isPending) this.#awaited.add(nid);
    return isPending;
  }
}
