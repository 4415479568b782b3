import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { PolicyServer } from "../policy/index.ts";

export interface PolicyDeps {
  /** Absent: this server is none. */
  readonly policyServer: Pick<PolicyServer, "publicKey" | "sign"> | undefined;
}

/** This server as a policy server. (Server-server API, "Policy Servers".) */
export function policyRoutes({ policyServer }: PolicyDeps): Route[] {
  return [
    // POST /_matrix/policy/v1/sign
    route("askPolicyServerToSign", async ({ body, origin }) => {
      if (policyServer === undefined) {
        throw errors.unrecognized("This server is no policy server");
      }
      return policyServer.sign(origin, body);
    }),
  ];
}
