import { MatrixError } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";

/** The state of a user-interactive authentication that is not complete. */
export interface Challenge {
  readonly flows: readonly (readonly string[])[];
  readonly completed: readonly string[];
  readonly session: string;
  /** What a client has to know for a stage, by its name. */
  readonly params?: JsonObject | undefined;
  /** Why the stage that was just tried failed. */
  readonly failure?: MatrixError;
}

/**
 * The 401 answer that asks for (more) authentication: flows, params, session, and what is
 * completed. Only after a failed stage does it have errcode and error. (Client-server API,
 * "User-Interactive Authentication API".)
 */
export class UiaChallenge extends MatrixError {
  readonly challenge: Challenge;

  constructor(challenge: Challenge) {
    const { failure } = challenge;
    super(
      401,
      failure?.errcode ?? "M_UNAUTHORIZED",
      failure?.message ?? "Authentication is needed",
    );
    this.name = "UiaChallenge";
    this.challenge = challenge;
  }

  override toJSON(): JsonObject {
    const { flows, completed, session, params = {}, failure } = this.challenge;
    return {
      ...(failure && { errcode: failure.errcode, error: failure.message }),
      ...(completed.length > 0 && { completed: [...completed] }),
      flows: flows.map((stages) => ({ stages: [...stages] })),
      params,
      session,
    };
  }
}
