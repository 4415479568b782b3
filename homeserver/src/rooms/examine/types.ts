import type { VerifyKey } from "../../protocol/crypto.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import type { StateRoot } from "../api/index.ts";

/** Something that is not as it should be. */
export interface RoomFinding {
  readonly roomId: string;
  /** The event it is about, where it is about one. */
  readonly eventId?: string;
  readonly what: string;
}

export interface RoomReport {
  readonly roomId: string;
  readonly events: number;
  /** States that followed from what is known here. */
  readonly statesChecked: number;
  /** States that another server told, since what came before is not known here. */
  readonly statesTold: number;
  readonly signaturesChecked: number;
  /** Events signed by keys that are not kept here. */
  readonly signaturesUnknown: number;
  readonly stateEntries: number;
  readonly members: number;
  readonly findings: number;
}

export interface ExamineOptions {
  /**
   * The key of a server, of this one or as kept in the database; undefined when it is not known.
   */
  readonly key: (server: ServerName, keyId: string) => Promise<VerifyKey | undefined>;
  readonly found: (finding: RoomFinding) => void;
  /** Something that is no fault, and that whoever reads the findings should know of the room. */
  readonly note?: ((what: string, eventId?: string) => void) | undefined;
  /** Called now and then: all events up to this nid have been looked at. */
  readonly progress?: ((eventNid: number) => void) | undefined;
  /** Goes on after this event. */
  readonly afterNid?: number | undefined;
}

/** A state as a finding names it. */
export function named(root: StateRoot): string {
  return root === null ? "none" : root.slice(0, 8);
}
