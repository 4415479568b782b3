/** What a command's append rests on: it must be in the tables when the append is committed. */
import type { Append } from "../../log/types.ts";
import type { CommandStore } from "./command-store.ts";
import type { Head } from "./head.ts";
import type { StoredEvent } from "../api/index.ts";

export class Dependencies {
  /** Committed ones, whose states are shared. */
  readonly builtOn: StoredEvent[] = [];
  readonly #store: CommandStore;
  readonly #maker: object;
  /** Those that were on their way when they were read. */
  readonly #awaited = new Set<number>();

  /** `maker`: the command, which does not wait for what it makes itself. */
  constructor(store: CommandStore, maker: object) {
    this.#store = store;
    this.#maker = maker;
  }

  addStatesOf(events: readonly StoredEvent[]): void {
    for (const event of events) if (!this.#isAwaited(event.nid)) this.builtOn.push(event);
  }

  add(nids: readonly number[]): void {
    for (const nid of nids) this.#isAwaited(nid);
  }

  /** As rows of an append that takes the head from one to another (absent: it stays). */
  asRows(before: Head, after: Head | undefined): Pick<Append, "builtOn" | "awaits"> {
    const { pending } = this.#store;
    // The nodes of the head's state are there as long as it has not moved.
    const builtOn = this.builtOn.filter(
      ({ stateAfter }) => after === undefined || stateAfter !== before.stateRoot,
    );
    const awaits = [...this.#awaited].filter(
      (nid) => after === undefined || !pending.isFenced(nid),
    );
    return {
      ...(builtOn.length === 0 ? {} : { builtOn: builtOn.map(({ nid }) => nid) }),
      ...(awaits.length === 0 ? {} : { awaits }),
    };
  }

  #isAwaited(nid: number): boolean {
    const isPending = this.#store.pending.isOfOther(nid, this.#maker);
    if (isPending) this.#awaited.add(nid);
    return isPending;
  }
}
