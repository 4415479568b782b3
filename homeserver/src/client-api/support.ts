import { route, type Route } from "../http/route.ts";
import { json } from "../http/reply/reply.ts";
import { errors } from "../protocol/errors.ts";
import { isUserId } from "../protocol/identifiers.ts";

/** Whom to turn to: e-mail addresses and user ids, and the address of a page. */
export interface Support {
  readonly admins: readonly string[];
  readonly security: readonly string[];
  readonly page: string | undefined;
}

/** Whom users can turn to. (Client-server API, "Server administration".) */
export function supportRoutes({ settings }: { settings: { readonly support: Support } }): Route[] {
  return [
    // GET /.well-known/matrix/support
    route("getWellknownSupport", () => {
      const { admins, security, page } = settings.support;
      const contacts = [
        ...admins.map((address) => contact(address, "m.role.admin")),
        ...security.map((address) => contact(address, "m.role.security")),
      ];
      if (contacts.length === 0 && page === undefined) {
        throw errors.notFound("This server does not say who runs it");
      }
      return json(
        {
          ...(contacts.length > 0 && { contacts }),
          ...(page !== undefined && { support_page: page }),
        },
        { headers: { "cache-control": "public, max-age=300" } },
      );
    }),
  ];
}

function contact(address: string, role: string) {
  return isUserId(address) ? { matrix_id: address, role } : { email_address: address, role };
}
