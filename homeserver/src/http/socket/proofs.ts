import type { MatrixError } from "../../protocol/errors.ts";
import { checkRestriction } from "../access/guards.ts";
import type { AccessChecks } from "../access/before-body.ts";
import { asMatrixError } from "../reply/errors.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Requester, Visit } from "../../users/common/types.ts";
import type { SessionWatch } from "../../users/sessions/session-watch.ts";

/** Looks whose an access token is, and watches it. */
export interface Proofs {
  /** @throws MatrixError M_UNKNOWN_TOKEN, M_USER_LOCKED 401; M_UNKNOWN 503 */
  requesterOf(token: string, visit: Visit): Promise<Requester>;
  watch(requester: Requester, token: string): SessionWatch;
  /** An error as it is told. */
  errorOf(error: unknown): MatrixError;
}

export function createProofs(
  { authenticator, fresh }: Pick<AccessChecks, "authenticator" | "fresh">,
  log: Logger,
): Proofs {
  return {
    async requesterOf(token, visit) {
      // First: what other replicas have done includes tokens that they ended, and made.
      await fresh?.();
      const requester = await authenticator.byAccessToken(token, visit);
      checkRestriction("locked", requester);
      return requester;
    },
    watch: ({ userId }, token) => authenticator.watch(userId, token),
    errorOf: (error) => asMatrixError(error, log),
  };
}
