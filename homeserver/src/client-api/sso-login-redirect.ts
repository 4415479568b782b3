import type { FastifyRequest } from "fastify";
import type { Reply } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import type { MatrixError } from "../protocol/errors.ts";

/** The way to single sign-on, with its pages. */
export interface SsoPages {
  lead(request: FastifyRequest, redirectUrl: string, provider?: string): Promise<Reply>;
  refuse(error: MatrixError, request: FastifyRequest): Reply;
}

export function ssoLoginRedirectRoutes({ ssoPages }: { readonly ssoPages: SsoPages }): Route[] {
  const routes = [
    // GET /_matrix/client/v3/login/sso/redirect
    route("redirectToSSO", ({ query, request }) => ssoPages.lead(request, query.redirectUrl)),

    // GET /_matrix/client/v3/login/sso/redirect/{idpId}
    route("redirectToIdP", ({ params, query, request }) =>
      ssoPages.lead(request, query.redirectUrl, params.idpId),
    ),
  ];
  return routes.map((each) => ({
    ...each,
    refuse: (error, request) => ssoPages.refuse(error, request),
  }));
}
