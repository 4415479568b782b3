import { json } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import type { OAuth } from "../users/oauth/oauth.ts";

export function clientRegistrationRoutes({ oauth }: { oauth: OAuth }): Route[] {
  return [
    // POST /_weft/oauth/register
    route("registerOAuthClient", async ({ body }) => {
      const { clientId, metadata, createdTs } = await oauth.clients.register(body);
      const issued = { client_id: clientId, client_id_issued_at: Math.floor(createdTs / 1000) };
      return json({ ...issued, ...metadata }, { status: 201 });
    }),
  ];
}
