import { atom, type ReadableAtom, type WritableAtom } from "nanostores";
import { number, text, type Content, type Unchecked } from "../api/types.ts";
import type { PresenceState } from "../api/sync.ts";
import { plainName } from "../text/names.ts";

export interface Presence {
  state: PresenceState;
  /** Milliseconds since the epoch at which the user was last active, when known. */
  lastActive?: number;
  /** Their words on it. */
  status?: string;
}

/** What a person wants to show of themselves; "online" follows whether they look at the page. */
export interface OwnPresence {
  state: PresenceState;
  status: string;
}

/** Where it is kept, for all devices of the person. */
export const OWN_PRESENCE = "weft.presence";

const STATES = new Set(["online", "unavailable", "offline"]);

function stateIn(content: Content): PresenceState | undefined {
  const state = text(content, "presence") ?? "";
  return STATES.has(state) ? (state as PresenceState) : undefined;
}

/** Who is there. Each person has a signal of their own; `$version` goes up when anybody comes, goes or says something else. */
export class PresenceStore {
  readonly $version = atom(0);
  readonly $own = atom<OwnPresence>({ state: "online", status: "" });
  readonly #byUser = new Map<string, Presence>();
  readonly #signals = new Map<string, WritableAtom<Presence | undefined>>();

  of(userId: string): Presence | undefined {
    return this.#byUser.get(userId);
  }

  /** Somebody's presence, to be watched. */
  $of(userId: string): ReadableAtom<Presence | undefined> {
    let signal = this.#signals.get(userId);
    if (signal === undefined) {
      signal = atom(this.of(userId));
      this.#signals.set(userId, signal);
    }
    return signal;
  }

  /** All that is known, to be kept between visits: what changes meanwhile comes by sync. */
  get all(): [string, Presence][] {
    return [...this.#byUser];
  }

  restore(known: readonly [string, Presence][]): void {
    for (const [userId, presence] of known) this.#set(userId, presence);
  }

  /** Takes in what the person's devices have agreed on. */
  readOwn(content: Content): void {
    const state = stateIn(content) ?? "online";
    this.$own.set({ state, status: plainName(text(content, "status_msg")) ?? "" });
  }

  apply(
    events: readonly { sender?: string; content: Unchecked<"m.presence"> }[],
    now: number,
  ): void {
    let isNews = false;
    for (const { sender, content } of events) {
      const state = stateIn(content);
      if (state === undefined || sender === undefined) continue;
      const ago = number(content, "last_active_ago");
      const status = plainName(text(content, "status_msg"));
      const presence = {
        state,
        ...(ago === undefined ? {} : { lastActive: now - ago }),
        ...(status === undefined ? {} : { status }),
      };
      isNews = this.#set(sender, presence) || isNews;
    }
    if (isNews) this.$version.set(this.$version.get() + 1);
  }

  /** Answers whether anything is to be shown otherwise: being active still is no news. */
  #set(userId: string, presence: Presence): boolean {
    const before = this.of(userId);
    this.#byUser.set(userId, presence);
    if (before?.state === presence.state && before.status === presence.status) return false;
    this.#signals.get(userId)?.set(presence);
    return true;
  }
}
