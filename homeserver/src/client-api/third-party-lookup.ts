import type { FastifyRequest } from "fastify";
import type { ThirdParty } from "../appservice/third-party.ts";
import type { Requester } from "../http/access/authenticate.ts";
import { route, type Route } from "../http/route.ts";

export function thirdPartyLookupRoutes({
  thirdParty,
}: {
  readonly thirdParty: ThirdParty;
}): Route[] {
  return [
    // GET /_matrix/client/v3/thirdparty/protocols
    route("getProtocols", () => thirdParty.protocols()),

    // GET /_matrix/client/v3/thirdparty/protocol/{protocol}
    route("getProtocolMetadata", ({ params }) => thirdParty.protocol(params.protocol)),

    // GET /_matrix/client/v3/thirdparty/location/{protocol}
    route("queryLocationByProtocol", (context) =>
      thirdParty.search("location", context.params.protocol, fieldsOf(context)),
    ),

    // GET /_matrix/client/v3/thirdparty/user/{protocol}
    route("queryUserByProtocol", (context) =>
      thirdParty.search("user", context.params.protocol, fieldsOf(context)),
    ),

    // GET /_matrix/client/v3/thirdparty/location
    route("queryLocationByAlias", ({ query }) => thirdParty.reverse("location", query.alias)),

    // GET /_matrix/client/v3/thirdparty/user
    route("queryUserByID", ({ query }) => thirdParty.reverse("user", query.userid)),
  ];
}

/** The fields of a network: all parameters but those that are for this server. */
function fieldsOf({
  request,
  requester,
}: {
  readonly request: FastifyRequest;
  readonly requester: Requester;
}): URLSearchParams {
  const fields = new URLSearchParams(request.raw.url?.split("?")[1] ?? "");
  fields.delete("access_token");
  if (requester.service) {
    for (const key of ["user_id", "device_id", "org.matrix.msc3202.device_id"]) fields.delete(key);
  }
  return fields;
}
