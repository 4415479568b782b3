import type { Questions } from "../appservice/questions.ts";
import type { Services } from "../appservice/services.ts";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";

export function appservicePingRoutes({
  services,
  questions,
}: {
  readonly services: Pick<Services, "byId">;
  readonly questions: Pick<Questions, "ping">;
}): Route[] {
  return [
    // POST /_matrix/client/v1/appservice/{appserviceId}/ping
    route("pingAppservice", async ({ params, body, requester }) => {
      const service = services.byId(params.appserviceId);
      if (service === undefined || service.id !== requester.service?.id) {
        throw errors.forbidden("The token is another application service's");
      }
      return { duration_ms: await questions.ping(service, body.transaction_id) };
    }),
  ];
}
