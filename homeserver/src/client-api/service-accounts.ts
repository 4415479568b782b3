import type { FastifyRequest } from "fastify";
import type { Registration } from "../appservice/registration.ts";
import type { Services } from "../appservice/services.ts";
import { accessTokenOf, type Requester } from "../http/access/authenticate.ts";
import { errors } from "../protocol/errors.ts";
import type { ServiceAccounts } from "../users/accounts/registration.ts";

export type ServiceUsers = Pick<Services, "all" | "byId" | "controls">;

/**
 * The application service that opens an account, or signs one of its users in.
 * @throws MatrixError M_MISSING_TOKEN, M_UNKNOWN_TOKEN 401 without a service's token
 */
export function serviceOf(
  context: { readonly requester: Requester | undefined; readonly request: FastifyRequest },
  services: ServiceUsers,
): ServiceAccounts {
  const id = context.requester?.service?.id;
  const service: Registration | undefined = id === undefined ? undefined : services.byId(id);
  if (service) return { id: service.id, owns: (userId) => services.controls(service, userId) };
  throw accessTokenOf(context.request) === undefined
    ? errors.missingToken("An application service shows its token")
    : errors.unknownToken("The token is no application service's");
}
