/** Invites of people of whom only an address is known. (Client-server API, "Third-party invites".) */
import { createInviteByAddress } from "./invite.ts";
import { createOnBind } from "./on-bind.ts";
import { createTakeUp } from "./take-up.ts";
import type { InvitesByAddressDeps } from "./types.ts";

export type InvitesByAddress = ReturnType<typeof createInvitesByAddress>;

export function createInvitesByAddress(deps: InvitesByAddressDeps) {
  const takeUp = createTakeUp(deps);
  return {
    ...createInviteByAddress(deps),
    /** PUT /_matrix/federation/v1/exchange_third_party_invite/{roomId}. */
    exchange: takeUp.exchange,
    /** PUT /_matrix/federation/v1/3pid/onbind. */
    onBind: createOnBind(deps, takeUp.here),
  };
}
