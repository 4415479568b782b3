import { route, type Route } from "../http/route.ts";
import type { UiaFacts } from "../users/accounts/uia-request.ts";
import type { Users } from "../users/users.ts";
import { denied, emailRequest } from "./email-request.ts";
import { type ProvingRequest, provePassword } from "./prove-password.ts";

export function passwordManagementRoutes({ users }: { users: Users }): Route[] {
  const { confirmations, uia } = users;

  /** Who is signed in knows the password; a stranger may have lost it. */
  async function prove(context: ProvingRequest): Promise<UiaFacts> {
    const { requester, body, ip } = context;
    const operation = "changePassword";
    if (requester !== undefined || !confirmations.isOffered) {
      return { userId: await provePassword(users, operation, context) };
    }
    return await uia.authorise({
      ...{ operation, body, userId: undefined, visitor: { ip } },
      flows: [["m.login.password"], ["m.login.email.identity"]],
      purpose: "password",
    });
  }

  return [
    // POST /_matrix/client/v3/account/password
    route("changePassword", async (context) => {
      const { body, requester } = context;
      // Checked before the authentication, so that its session is not used up.
      users.passwords.ensureStrong(body.new_password);
      const { userId, email } = await prove(context);
      await users.passwordChange.change(userId!, body.new_password, {
        keepDevices: body.logout_devices === false,
        deviceId: requester?.deviceId,
        confirmation: email?.sid,
      });
    }),

    // POST /_matrix/client/v3/account/password/email/requestToken
    route("requestTokenToResetPasswordEmail", async ({ body, request }) => {
      if (!confirmations.isOffered) throw denied("mail");
      return { sid: await confirmations.begin("password", emailRequest(body, request)) };
    }),

    // POST /_matrix/client/v3/account/password/msisdn/requestToken
    route("requestTokenToResetPasswordMSISDN", () => {
      throw denied("text messages");
    }),
  ];
}
