/** This server as a policy server of rooms. */
import { loadPolicyKey } from "./config/signing-key.ts";
import type { RemoteRooms } from "./federation-client/types.ts";
import type { Foundation } from "./foundation.ts";
import { createPolicyServer, type PolicyServer } from "./policy/index.ts";
import { errors } from "./protocol/errors.ts";
import type { Rooms } from "./rooms/index.ts";

/** Undefined where the settings name no policy lists. */
export function openPolicyServer(
  { config, log, clock, random }: Foundation,
  opened: (() => unknown)[],
  { view, federation }: Rooms,
): PolicyServer | undefined {
  const { policyLists: lists, serverName, dataDir } = config;
  if (lists.length === 0) return undefined;
  const policyServer = createPolicyServer({
    ...{ log, view, serverName, lists, now: clock.now, aclAllows: federation.aclAllows },
    key: loadPolicyKey(dataDir, random),
  });
  opened.push(() => policyServer.stop());
  return policyServer;
}

/** Other servers, and this one where a room has chosen it as its policy server. */
export function askingOurselves<R extends Pick<RemoteRooms, "signByPolicy">>(
  remote: R,
  serverName: string,
  policyServer: () => PolicyServer | undefined,
): R {
  return {
    ...remote,
    async signByPolicy(server, pdu) {
      if (server !== serverName) return remote.signByPolicy(server, pdu);
      const own = policyServer();
      if (own === undefined) throw errors.unrecognized("This server is no policy server");
      return own.sign(null, pdu);
    },
  } satisfies R;
}
