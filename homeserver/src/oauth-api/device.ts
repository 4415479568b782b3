import { json } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { PageDeps } from "./authorization.ts";
import { codePage, decidedPage, devicePage } from "./pages/device-pages.ts";
import { goTo, pageReply, PATHS } from "./pages/page.ts";
import { replacedDevice } from "./replaced-device.ts";
import { told } from "./words/html.ts";

const NO_DEVICE = "No device waits with that code. It may be too old: start again on the device.";

export function deviceRoutes(deps: PageDeps & { readonly publicBaseUrl: string }): Route[] {
  const { users, oauth, browsers } = deps;
  const { deviceGrants } = oauth;
  const { base } = browsers;
  const linkUri = deps.publicBaseUrl.replace(/(?<!\/)\/+$/, "") + PATHS.link;

  return [
    // POST /_weft/oauth/device
    route("beginDeviceAuthorization", async ({ body }) => {
      const offer = await deviceGrants.begin(body.client_id, body.scope);
      const answer = {
        device_code: offer.deviceCode,
        user_code: offer.userCode,
        verification_uri: linkUri,
        verification_uri_complete: `${linkUri}?user_code=${offer.userCode}`,
        expires_in: Math.floor(offer.expiresInMs / 1000),
        interval: Math.ceil(offer.intervalMs / 1000),
      };
      return json(answer, { headers: { "cache-control": "no-store" } });
    }),

    // GET /_weft/oauth/link
    route("getDevicePage", async ({ query: { user_code: code }, request }) => {
      const { userId, headers, field } = await browsers.of(request);
      if (userId === undefined) {
        const asked =
          code === undefined ? "" : `?${new URLSearchParams({ user_code: code }).toString()}`;
        const next = new URLSearchParams({ next: PATHS.link + asked }).toString();
        return goTo(`${base}${PATHS.signIn}?${next}`);
      }
      if (code === undefined) return pageReply(base, { ...codePage(base), headers });
      const device = await deviceGrants.find(code);
      if (device === undefined) {
        return pageReply(base, { ...codePage(base, told(NO_DEVICE)), headers, status: 404 });
      }
      const replaces = await replacedDevice(users.devices, userId, device.deviceId);
      const asked = devicePage({ base, field: field(), userId, device, replaces });
      return pageReply(base, { ...asked, headers });
    }),

    // POST /_weft/oauth/link
    route("decideDevice", async ({ body, request }) => {
      const cookie = browsers.checkForm(request, body.csrf);
      const userId = await oauth.browsers.find(cookie);
      if (userId === undefined) throw errors.forbidden("You are not signed in any more");
      const isAllowed = body.decision === "allow";
      const isDecided = await deviceGrants.decide(body.user_code ?? "", userId, isAllowed);
      if (!isDecided) throw errors.notFound(NO_DEVICE);
      return pageReply(base, decidedPage(isAllowed));
    }),
  ];
}
