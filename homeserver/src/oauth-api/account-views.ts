import type { UserId } from "../protocol/identifiers.ts";
import type { Act } from "../users/sso/types.ts";
import type { PageDeps } from "./authorization.ts";
import {
  ACTIONS,
  type AccountView,
  crossSigningPage,
  deactivationPage,
  devicePage,
  devicesPage,
  overviewPage,
  passwordPage,
  profilePage,
} from "./pages/account-pages.ts";
import type { Page } from "./pages/page.ts";

/** The pages on which people do what they have to be proven for. */
export const PAGE_OF: Readonly<Record<Act, string>> = {
  password: ACTIONS.profile,
  "cross-signing": ACTIONS.crossSigning,
  deactivate: ACTIONS.deactivate,
};

/** Who sees a page about their account. */
type Viewer = Omit<AccountView, "base"> & {
  readonly userId: UserId;
  /** They have just signed in once more: what the form says instead of a password. */
  readonly proof?: string | undefined;
};

/** The page of an action. @throws MatrixError M_NOT_FOUND 404 for an unknown device */
export type ShowAccount = (
  viewer: Viewer,
  action: string | undefined,
  deviceId?: string,
) => Promise<Page>;

export function createAccountViews({ users, browsers: { base } }: PageDeps): ShowAccount {
  const { accounts, devices, profiles, sso } = users;

  /** How somebody shows who they are. */
  async function proving(userId: UserId) {
    const linked = await sso.providersOf(userId);
    return {
      hasPassword: await accounts.hasPassword(userId),
      providers: sso.providers.filter(({ id }) => linked.includes(id)),
    };
  }

  return async function show(viewer, action, deviceId = "") {
    const { userId, proof } = viewer;
    const view = { ...viewer, base };
    switch (action) {
      case ACTIONS.profile: {
        const asked = { ...view, ...(await proving(userId)) };
        if (proof !== undefined) return passwordPage(asked);
        const { displayname = "" } = await profiles.get(userId);
        return profilePage({ ...asked, displayname });
      }
      case ACTIONS.devices:
        return devicesPage({ ...view, devices: await devices.list(userId) });
      case ACTIONS.device:
      case ACTIONS.endDevice: {
        if (deviceId === "") return await show(viewer, ACTIONS.devices);
        const device = await devices.get(userId, deviceId);
        return devicePage({ ...view, device, isEnding: action === ACTIONS.endDevice });
      }
      case ACTIONS.crossSigning:
        return crossSigningPage({ ...view, ...(await proving(userId)) });
      case ACTIONS.deactivate:
        return deactivationPage({ ...view, ...(await proving(userId)) });
      default:
        return overviewPage(view);
    }
  };
}
