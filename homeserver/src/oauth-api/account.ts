import type { FastifyRequest } from "fastify";
import { matrixErrorReply } from "../http/reply/errors.ts";
import type { Reply } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { errors, MatrixError } from "../protocol/errors.ts";
import type { UserId } from "../protocol/identifiers.ts";
import type { Act } from "../users/sso/types.ts";
import type { PageDeps } from "./authorization.ts";
import { createAccountViews, PAGE_OF } from "./account-views.ts";
import { accountPath, ACTIONS } from "./pages/account-pages.ts";
import { goTo, noticePage, pageReply, PATHS } from "./pages/page.ts";
import { say, type Text, told } from "./words/html.ts";

/** What a page says that was just done, by the name in its address. */
const DONE: Readonly<Record<string, Text>> = {
  saved: say`Saved.`,
  password: say`The password is changed.`,
  ended: say`The session is signed out.`,
  reset: say`Allowed. Go back to the app within ten minutes.`,
};

/** Names that actions had in drafts of the proposal. */
const OLDER: Readonly<Record<string, string>> = {
  profile: ACTIONS.profile,
  sessions_list: ACTIONS.devices,
  "org.matrix.sessions_list": ACTIONS.devices,
  session_view: ACTIONS.device,
  "org.matrix.session_view": ACTIONS.device,
  session_end: ACTIONS.endDevice,
  "org.matrix.session_end": ACTIONS.endDevice,
};

/** Who sends a form. */
interface Sender {
  readonly userId: UserId;
  /** The cookie of their browser. */
  readonly browser: string;
}

export function accountRoutes(deps: PageDeps): Route[] {
  const { users, oauth, browsers } = deps;
  const { base } = browsers;
  const { accounts, devices, profiles } = users;
  const show = createAccountViews(deps);

  /** Who sends a form. @throws MatrixError M_FORBIDDEN 403 */
  async function senderOf(request: FastifyRequest, key: string | undefined): Promise<Sender> {
    const browser = browsers.checkForm(request, key);
    const userId = await oauth.browsers.find(browser);
    if (userId !== undefined) return { userId, browser };
    throw errors.forbidden("You are not signed in any more");
  }

  /**
   * Makes sure that it is really them: they know the password, or have just signed in once more.
   * @throws MatrixError M_FORBIDDEN 403, M_LIMIT_EXCEEDED 429
   */
  async function prove(
    sender: Sender,
    act: Act,
    { password = "", proof }: { password?: string; proof?: string },
    ip: string,
  ): Promise<void> {
    if (proof !== undefined) await users.sso.proofs.take(proof, { ...sender, act });
    else await accounts.checkPassword(sender.userId, password, { ip });
  }

  /** Does what a form asks for; what is wrong with it is shown above the form again. */
  async function doOrShow(
    request: FastifyRequest,
    userId: UserId,
    action: string,
    work: () => Promise<Reply>,
    proof?: string,
  ): Promise<Reply> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof MatrixError) || error.status >= 500) throw error;
      const { field } = await browsers.of(request);
      // What is wrong with a form is found before the proof is used up.
      const kept = error.status === 400 ? proof : undefined;
      const viewer = { field: field(), userId, problem: told(error.message), proof: kept };
      const shown = await show(viewer, action);
      const { status, headers } = matrixErrorReply(error);
      const retry = headers["retry-after"];
      return pageReply(base, {
        ...shown,
        status,
        headers: retry === undefined ? {} : { "retry-after": retry },
      });
    }
  }

  const back = (action: string, done: string) => goTo(base + accountPath(action, { done }));

  return [
    // GET /_weft/account
    route("getAccountPage", async ({ query, request }) => {
      const { userId, headers, field } = await browsers.of(request);
      const { action: asked, device_id: deviceId, done } = query;
      const action = asked === undefined ? undefined : (OLDER[asked] ?? asked);
      if (userId === undefined) {
        const again = accountPath(action, deviceId === undefined ? {} : { device_id: deviceId });
        return goTo(`${base}${PATHS.signIn}?${new URLSearchParams({ next: again }).toString()}`);
      }
      const said = done === undefined || !Object.hasOwn(DONE, done) ? undefined : DONE[done];
      const shown = await show({ field: field(), userId, done: said }, action, deviceId);
      return pageReply(base, { ...shown, headers });
    }),

    // POST /_weft/account/profile
    route("changeProfileOnPage", async ({ body, request }) => {
      const { userId } = await senderOf(request, body.csrf);
      return await doOrShow(request, userId, ACTIONS.profile, async () => {
        const account = await accounts.find(userId);
        if (account?.restriction === "suspended") throw errors.userSuspended();
        await profiles.set(userId, "displayname", body.displayname);
        return back(ACTIONS.profile, "saved");
      });
    }),

    // POST /_weft/account/password
    route("changePasswordOnPage", async ({ body, request, ip }) => {
      const sender = await senderOf(request, body.csrf);
      const { userId } = sender;
      const change = async () => {
        const { new_password: wanted = "", new_password_again: again = "" } = body;
        if (wanted !== again) throw errors.invalidParam("The two new passwords differ");
        users.passwords.ensureStrong(wanted);
        await prove(sender, "password", body, ip);
        const keepDevices = body.end_sessions !== "yes";
        await users.passwordChange.change(userId, wanted, { keepDevices, deviceId: undefined });
        const cookie = await oauth.browsers.begin(userId);
        const path = accountPath(ACTIONS.profile, { done: "password" });
        return goTo(base + path, browsers.keep(cookie));
      };
      return await doOrShow(request, userId, PAGE_OF.password, change, body.proof);
    }),

    // POST /_weft/account/session
    route("changeSessionOnPage", async ({ body, request }) => {
      const { userId } = await senderOf(request, body.csrf);
      const { device_id: deviceId = "", display_name: name = "" } = body;
      await devices.get(userId, deviceId);
      if (body.decision === "end") {
        await devices.remove(userId, [deviceId]);
        return back(ACTIONS.devices, "ended");
      }
      await devices.rename(userId, deviceId, name);
      const path = accountPath(ACTIONS.device, { device_id: deviceId, done: "saved" });
      return goTo(base + path);
    }),

    // POST /_weft/account/cross-signing
    route("allowCrossSigningReset", async ({ body, request, ip }) => {
      const sender = await senderOf(request, body.csrf);
      const { userId } = sender;
      return await doOrShow(request, userId, ACTIONS.crossSigning, async () => {
        await prove(sender, "cross-signing", body, ip);
        await oauth.allowCrossSigningReset(userId);
        return back(ACTIONS.crossSigning, "reset");
      });
    }),

    // POST /_weft/account/deactivate
    route("deactivateOnPage", async ({ body, request, ip }) => {
      const sender = await senderOf(request, body.csrf);
      const { userId } = sender;
      return await doOrShow(request, userId, ACTIONS.deactivate, async () => {
        await prove(sender, "deactivate", body, ip);
        await users.deactivation.deactivate(userId, body.erase === "yes");
        const text = say`The account is closed. You can close this page.`;
        return pageReply(base, noticePage(say`Goodbye`, text, 200));
      });
    }),
  ];
}
