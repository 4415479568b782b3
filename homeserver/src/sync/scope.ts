import type { UserId } from "../protocol/identifiers.ts";
import type { SyncFilter } from "../protocol/filter.ts";
import type { Person } from "./people.ts";
import type { SyncToken } from "./token.ts";

/** One computation of a sync: for whom, and from where to where. */
export interface Scope {
  readonly person: Person;
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

/** How many timeline events a room gets unless the filter says. */
export const DEFAULT_TIMELINE_LIMIT = 10;
