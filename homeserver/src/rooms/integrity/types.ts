import type { VerifyKey } from "../../protocol/crypto.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import type { StateRoot } from "../api/index.ts";

/** A fault that was found. */
export interface RoomFinding {
  readonly roomId: string;
  /** The event it is about, where it is about one. */
  readonly eventId?: string;
  readonly what: string;
}

export interface RoomReport {
  readonly roomId: string;
  readonly events: number;
  /** States that could be recomputed. */
  readonly statesChecked: number;
  /** States that came from another server, since what precedes them is not stored here. */
  readonly statesFromOthers: number;
  readonly signaturesChecked: number;
  /** Events signed by keys that are not stored here. */
  readonly signaturesUnknown: number;
  readonly stateEntries: number;
  readonly members: number;
  readonly findings: number;
}

export interface CheckOptions {
  /** A server's key, our own or a stored one; undefined when it is unknown. */
  readonly key: (server: ServerName, keyId: string) => Promise<VerifyKey | undefined>;
  readonly found: (finding: RoomFinding) => void;
  /** Called with remarks that are no faults but useful for readers of the findings. */
  readonly note?: ((what: string, eventId?: string) => void) | undefined;
  /** Called now and then: all events up to this nid have been checked. */
  readonly progress?: ((eventNid: number) => void) | undefined;
  /** Continues after this event. */
  readonly afterNid?: number | undefined;
}

/** A state as a finding names it. */
export function named(root: StateRoot): string {
  return root === null ? "none" : root.slice(0, 8);
}
