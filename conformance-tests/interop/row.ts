import type { Lane } from "./lane.ts";
import type { SideName } from "./servers.ts";

/** A feature: something that both servers do with one another, once in each column. */
export interface Row {
  readonly name: string;
  /** The first room version that has it. */
  readonly from?: number;
  /** Where it is not to be had for a reason that docs/interop.md gives. */
  applies?(lane: Lane): boolean;
  /** Ms that it may take; a minute when absent. */
  readonly patienceMs?: number;
  /** What is done and compared. @throws Error that says what differs */
  run(lane: Lane): Promise<void>;
}

/** A feature that needs the servers apart: every column's at once. */
export interface ApartRow {
  readonly name: string;
  /** Who is stopped meanwhile; absent: both run, and the link is cut. */
  readonly down?: SideName;
  /** Before the servers are parted. */
  before?(lane: Lane): Promise<void>;
  /** While neither reaches the other. */
  apart(lane: Lane): Promise<void>;
  /** When they reach one another again. */
  after(lane: Lane): Promise<void>;
}

export type Outcome =
  | { readonly kind: "pass" }
  | { readonly kind: "not applicable" }
  | { readonly kind: "differs"; readonly why: string };

export const PASS: Outcome = { kind: "pass" };
export const NOT_APPLICABLE: Outcome = { kind: "not applicable" };
export const differs = (why: string): Outcome => ({ kind: "differs", why });
