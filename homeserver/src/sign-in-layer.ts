/** What registering and signing in need of services elsewhere. */
import { createConnector, createOutboundAgent } from "./federation-client/connecting/agent.ts";
import type { Foundation } from "./foundation.ts";
import { type Captcha, createCaptcha } from "./users/common/captcha.ts";
import type { SsoOptions } from "./users/users.ts";

/** Providers of single sign-on; undefined: there are none. */
export function openProviders(
  { config, remote, signingKey }: Foundation,
  opened: (() => unknown)[],
): SsoOptions | undefined {
  const { sso: settings } = config.signIn;
  if (settings.providers.length === 0) return undefined;
  const named = createOutboundAgent(
    createConnector({ allowPrivate: true, caFile: config.federationCa }),
  );
  opened.push(() => named.destroy());
  return {
    settings,
    agents: { named, guarded: remote.agent },
    secret: signingKey.seedBase64,
    publicBaseUrl: config.publicBaseUrl,
  };
}

/** Puzzles for new users; undefined: they solve none. */
export function openCaptcha({ config, remote, logger }: Foundation): Captcha | undefined {
  const { captcha: settings } = config.signIn;
  return settings && createCaptcha({ settings, agent: remote.agent, logger });
}
