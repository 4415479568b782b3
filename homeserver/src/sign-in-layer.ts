/** What signing in with accounts elsewhere needs. */
import { createConnector, createOutboundAgent } from "./federation-client/connecting/agent.ts";
import type { Foundation } from "./foundation.ts";
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
