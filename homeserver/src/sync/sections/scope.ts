import type { UserId } from "../../protocol/identifiers.ts";
import type { SyncFilter } from "../../protocol/filter.ts";
import type { SyncingUser, SyncingUserRoom } from "../users/syncing-user.ts";
import type { SyncToken } from "../../log/token.ts";

/** The parameters of one sync: the user, and the range from `since` to `upTo`. */
export interface Scope {
  readonly user: SyncingUser;
  readonly userId: UserId;
  readonly deviceId: string;
  /** user and device, as a key. */
  readonly device: string;
  /** The client's token; undefined for an initial sync. */
  readonly since: SyncToken | undefined;
  /** The end of the range of this sync. */
  readonly upTo: SyncToken;
  readonly filter: SyncFilter;
  readonly fullState: boolean;
  /** The key under which the state at the end of the timeline is sent, if it is. */
  readonly stateAfter: "state_after" | "org.matrix.msc4222.state_after" | undefined;
  readonly ignored: ReadonlySet<string>;
  /**
   * Only what happened after `since` is told, also of rooms that are new to the client: neither
   * their history nor their state.
   */
  readonly onlyNews?: boolean | undefined;
  /** Which fields of profiles are wanted; undefined: none. */
  readonly profileFields?: ReadonlySet<string> | "all" | undefined;
  /** Users whose member events are in the answer, as far as it is made: their profiles come along. */
  readonly met: Set<string>;
  /** False: no profile that concerns the user changed after `since`. */
  readonly profilesMayDiffer: boolean;
  /** False: no device list that concerns the user changed after `since`. */
  readonly deviceListsMayDiffer: boolean;
}

/**
 * Clients that lazy-load members see a room while its members are being fetched; others see it once
 * it is complete, as if they had joined then.
 */
export function isHidden({ filter }: Scope, userRoom: SyncingUserRoom): boolean {
  return userRoom.isPartial && !filter.room.state.lazyLoadMembers;
}

/**
 * The room became complete after the client's token: a client without lazy loading does not know it
 * yet.
 */
export function hasBecomeComplete({ filter, since }: Scope, userRoom: SyncingUserRoom): boolean {
  if (filter.room.state.lazyLoadMembers || since === undefined) return false;
  return userRoom.completeSince > since.position;
}

/** Timeline events per room unless the filter sets a limit. */
export const DEFAULT_TIMELINE_LIMIT = 10;
