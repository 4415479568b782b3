/**
 * Logs and counts refused events of other servers, with room, event, origin, and the check that
 * failed.
 */
import type { Logger } from "../../platform/logger.ts";
import type { Metrics } from "../../platform/metrics.ts";
import type { PduCheck } from "../checks/pdu-check.ts";

interface PduRejection {
  readonly room: string;
  /** Undefined when not even an event id could be computed. */
  readonly event?: string | undefined;
  readonly origin?: string | undefined;
  /** The failed check, under the name that logs and metrics have for it. */
  readonly clause: PduCheck;
  /** Written for humans. */
  readonly reason: string;
  readonly outcome: "dropped" | "redacted" | "rejected" | "soft-failed";
}

export interface PduRejections {
  note(rejection: PduRejection): void;
  /** Counts events that entered or left the staging area. */
  staged(outcome: "kept" | "placed" | "given up", count: number): void;
}

export function createPduRejections(logger: Logger, metrics: Metrics): PduRejections {
  const rejected = metrics.counter(
    "received_events_refused_total",
    "Events of other servers that did not pass a check, by what became of them",
    ["outcome", "clause"],
  );
  const staged = metrics.counter(
    "staged_events_total",
    "Events that waited for what they build on, by what became of them",
    ["outcome"],
  );
  return {
    note(rejection) {
      const { outcome, clause } = rejection;
      rejected.inc({ outcome, clause });
      logger.info(rejection, `an event was ${outcome}`);
    },
    staged: (outcome, count) => staged.inc({ outcome }, count),
  };
}
