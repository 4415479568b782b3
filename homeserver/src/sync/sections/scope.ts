import type { UserId } from "../../protocol/identifiers.ts";
import type { SyncFilter } from "../../protocol/filter.ts";
import type { SyncingUser, SyncingUserRoom } from "../users/syncing-users.ts";
import type { SyncToken } from "../../log/token.ts";

/** One computation of a sync: for whom, and from where to where. */
export interface Scope {
  readonly user: SyncingUser;
  readonly userId: UserId;
  readonly deviceId: string;
  /** user and device, as a key. */
  readonly device: string;
  /** Where the client is; undefined: nowhere yet. */
  readonly since: SyncToken | undefined;
  /** Up to where this sync goes. */
  readonly upTo: SyncToken;
  readonly filter: SyncFilter;
  readonly fullState: boolean;
  /** Under which name state as of the timeline's end is sent, if it is. */
  readonly stateAfter: "state_after" | "org.matrix.msc4222.state_after" | undefined;
  readonly ignored: ReadonlySet<string>;
}

/**
 * Clients that load members lazily are shown a room while its members are fetched; the others once they are known, as if
 * they had joined then.
 */
export function isHidden({ filter }: Scope, userRoom: SyncingUserRoom): boolean {
  return userRoom.isPartial && !filter.room.state.lazyLoadMembers;
}

/** The room became whole after the client was here: one that does not load lazily knows nothing of it. */
export function hasBecomeComplete({ filter, since }: Scope, userRoom: SyncingUserRoom): boolean {
  if (filter.room.state.lazyLoadMembers || since === undefined) return false;
  return userRoom.completeSince > since.position;
}

/** How many timeline events a room gets unless the filter says. */
export const DEFAULT_TIMELINE_LIMIT = 10;
