import { atom } from "nanostores";
import { number, text, type Unchecked } from "../api/types.ts";
import type { PresenceState } from "../api/sync.ts";

export interface Presence {
  state: PresenceState;
  /** Milliseconds since the epoch at which the user was last active, when known. */
  lastActive?: number;
}

const STATES = new Set(["online", "unavailable", "offline"]);

/** Who is there. `$version` goes up with each change. */
export class PresenceStore {
  readonly $version = atom(0);
  readonly #byUser = new Map<string, Presence>();

  of(userId: string): Presence | undefined {
    return this.#byUser.get(userId);
  }

  /** All that is known, to be kept between visits: what changes meanwhile comes by sync. */
  get all(): [string, Presence][] {
    return [...this.#byUser];
  }

  restore(known: readonly [string, Presence][]): void {
    for (const [userId, presence] of known) this.#byUser.set(userId, presence);
  }

  apply(
    events: readonly { sender?: string; content: Unchecked<"m.presence"> }[],
    now: number,
  ): void {
    for (const event of events) {
      const state = text(event.content, "presence") ?? "";
      if (!STATES.has(state) || event.sender === undefined) continue;
      const ago = number(event.content, "last_active_ago");
      const lastActive = ago === undefined ? undefined : now - ago;
      this.#byUser.set(event.sender, {
        state: state as PresenceState,
        ...(lastActive === undefined ? {} : { lastActive }),
      });
    }
    if (events.length > 0) this.$version.set(this.$version.get() + 1);
  }
}
