import { route, type Route } from "../http/route.ts";
import { matrixError, MatrixError } from "../protocol/errors.ts";
import type { Users } from "../users/users.ts";
import { emailRequest } from "./email-request.ts";
import { provePassword } from "./prove-password.ts";

export function administrativeContactRoutes({ users }: { users: Users }): Route[] {
  const { addresses, bindings, confirmations } = users;

  return [
    // GET /_matrix/client/v3/account/3pid
    route("getAccount3PIDs", async ({ requester }) => {
      const all = await addresses.list(requester.userId);
      return {
        threepids: all.map(({ medium, address, confirmedTs, addedTs }) => ({
          medium: medium as "email",
          address,
          validated_at: confirmedTs,
          added_at: addedTs,
        })),
      };
    }),

    // POST /_matrix/client/v3/account/3pid
    route("post3PIDs", async ({ requester, body }) => {
      const { client_secret: clientSecret, sid, id_server, id_access_token } = body.three_pid_creds;
      const binding = { clientSecret, sid, idServer: id_server, token: id_access_token };
      try {
        await bindings.bind(requester.userId, binding);
      } catch (error) {
        const isRefused = error instanceof MatrixError && REFUSALS.has(error.errcode);
        if (!isRefused) throw error;
        throw new MatrixError(403, "M_THREEPID_AUTH_FAILED", error.message);
      }
      return {};
    }),

    // POST /_matrix/client/v3/account/3pid/add
    route("add3PID", async (context) => {
      const { sid, client_secret: clientSecret } = context.body;
      // Looked at before the authentication, so that its session is not used up.
      const confirmed = await confirmations.confirmed("add", { sid, clientSecret });
      if (confirmed === undefined) {
        throw matrixError("M_THREEPID_AUTH_FAILED", "The address is not confirmed");
      }
      const userId = await provePassword(users, "add3PID", context);
      await addresses.add(userId, confirmed);
      return {};
    }),

    // POST /_matrix/client/v3/account/3pid/bind
    route("bind3PID", async ({ requester, body }) => {
      const { client_secret: clientSecret, sid, id_server, id_access_token } = body;
      const binding = { clientSecret, sid, idServer: id_server, token: id_access_token };
      await bindings.bind(requester.userId, binding);
      return {};
    }),

    // POST /_matrix/client/v3/account/3pid/delete
    route("delete3pidFromAccount", async ({ requester: { userId }, body }) => {
      const { medium, address, id_server: idServer } = body;
      bindings.check(idServer);
      await addresses.remove(userId, medium, address);
      const result = await bindings.tryUnbind(userId, medium, address, idServer);
      return { id_server_unbind_result: result };
    }),

    // POST /_matrix/client/v3/account/3pid/unbind
    route("unbind3pidFromAccount", async ({ requester: { userId }, body }) => {
      const { medium, address, id_server: idServer } = body;
      const result = await bindings.unbind(userId, medium, address, idServer);
      return { id_server_unbind_result: result };
    }),

    // POST /_matrix/client/v3/account/3pid/email/requestToken
    route("requestTokenTo3PIDEmail", async ({ body, request }) => {
      if (!confirmations.isOffered) {
        throw matrixError("M_THREEPID_MEDIUM_NOT_SUPPORTED", "This server sends no mail");
      }
      return { sid: await confirmations.begin("add", emailRequest(body, request)) };
    }),

    // POST /_matrix/client/v3/account/3pid/msisdn/requestToken
    route("requestTokenTo3PIDMSISDN", () => {
      const problem = "This server sends no text messages";
      throw matrixError("M_THREEPID_MEDIUM_NOT_SUPPORTED", problem);
    }),
  ];
}

/** By which an identity server says that the address is not confirmed. */
const REFUSALS: ReadonlySet<string> = new Set([
  ...["M_NO_VALID_SESSION", "M_SESSION_NOT_VALIDATED", "M_SESSION_EXPIRED"],
]);
