import { ApiError, NetworkError } from "../api/errors.ts";
import type { Content } from "../api/types.ts";
import { NeedsProof } from "../api/uia.ts";
import type { EncryptionProblem } from "./port.ts";

/** Encryption could not do what was asked. `problem` says why in one word; the message is for logs. */
export class EncryptionError extends Error {
  readonly problem: EncryptionProblem;

  constructor(problem: EncryptionProblem, detail?: string) {
    super(detail === undefined ? problem : `${problem}: ${detail}`);
    this.name = "EncryptionError";
    this.problem = problem;
  }
}

/** An error in a form that goes from one thread or tab to another. */
export type PackedError =
  | { kind: "api"; status: number; data: Content }
  | { kind: "network" }
  | { kind: "proof"; stage: string }
  | { kind: "encryption"; problem: EncryptionProblem; detail: string }
  | { kind: "other"; message: string };

export function packError(error: unknown): PackedError {
  if (error instanceof ApiError) return { kind: "api", status: error.status, data: error.data };
  if (error instanceof NetworkError) return { kind: "network" };
  if (error instanceof NeedsProof) return { kind: "proof", stage: error.stage };
  if (error instanceof EncryptionError) {
    return { kind: "encryption", problem: error.problem, detail: error.message };
  }
  return { kind: "other", message: error instanceof Error ? error.message : String(error) };
}

export function unpackError(packed: PackedError): Error {
  switch (packed.kind) {
    case "api":
      return new ApiError(packed.status, packed.data);
    case "network":
      return new NetworkError("the request of another thread");
    case "proof":
      return new NeedsProof(packed.stage);
    case "encryption":
      return new EncryptionError(packed.problem, packed.detail);
    default:
      return new Error(packed.message);
  }
}
