import type { Requester } from "../http/access/authenticate.ts";
import { route, type Route } from "../http/route.ts";
import type { KeysDeps } from "./keys.ts";
import { accountUrl } from "./oauth-server-metadata.ts";
import { type ProvingRequest, provePasswordUnlessService } from "./prove-password.ts";

export function crossSigningRoutes(deps: KeysDeps & { publicBaseUrl: string }): Route[] {
  const { users, encryption } = deps;
  const { keys } = users;
  const page = accountUrl(deps.publicBaseUrl);
  const url = `${page}?action=org.matrix.cross_signing_reset`;
  const params = { "m.oauth": { url }, "org.matrix.cross_signing_reset": { url } };

  /**
   * Where OAuth began the session, the app never sees the password: its user confirms on the
   * account's page. (Client-server API, "OAuth authentication".)
   */
  async function proveReset(context: ProvingRequest & { requester: Requester }): Promise<void> {
    const operation = "uploadCrossSigningKeys";
    const { body, requester, ip } = context;
    const { userId, deviceId } = requester;
    if (requester.service !== undefined || !(await users.oauth.isSession(userId, deviceId))) {
      await provePasswordUnlessService(users, operation, context);
      return;
    }
    const flows = [["m.oauth"], ["org.matrix.cross_signing_reset"]] as const;
    await users.uia.authorise({
      operation,
      body,
      userId,
      visitor: { ip, deviceId },
      flows,
      params,
    });
  }

  return [
    // POST /_matrix/client/v3/keys/device_signing/upload
    route("uploadCrossSigningKeys", async (context) => {
      const { requester, body } = context;
      if (await keys.uploadCrossSigningKeys(requester.userId, body, false)) return;
      // What an administrator, or the user on the account's page, has allowed.
      const isAllowed = await users.oauth.takeCrossSigningReset(requester.userId);
      if (!isAllowed) await proveReset(context);
      await keys.uploadCrossSigningKeys(requester.userId, body, true);
    }),

    // POST /_matrix/client/v3/keys/signatures/upload
    route("uploadCrossSigningSignatures", async ({ requester, body }) => {
      const failures = await encryption.keys.uploadSignatures(requester.userId, body);
      const byUser = [...failures].map(([userId, ofKeys]) => {
        const errors = [...ofKeys].map(([key, error]) => [key, error.toJSON()]);
        return [userId, Object.fromEntries(errors)];
      });
      return { failures: Object.fromEntries(byUser) };
    }),
  ];
}
