import { route, type Route } from "../http/route.ts";
import type { InvitesByAddress } from "../invites-by-address/index.ts";
import { parseRoomId, parseUserId } from "../protocol/identifiers.ts";

export interface ThirdPartyInvitesDeps {
  readonly invitesByAddress: Pick<InvitesByAddress, "exchange" | "onBind">;
}

/** Invites by address that are taken up. (Server-server API, "Third-party invites".) */
export function thirdPartyInvitesRoutes({ invitesByAddress }: ThirdPartyInvitesDeps): Route[] {
  return [
    // PUT /_matrix/federation/v1/3pid/onbind
    route("onBindThirdPartyIdentifier", async ({ body }) => {
      await invitesByAddress.onBind(parseUserId(body.mxid), body.invites);
      return {};
    }),

    // PUT /_matrix/federation/v1/exchange_third_party_invite/{roomId}
    route("exchangeThirdPartyInvite", async ({ params, body, origin }) => {
      await invitesByAddress.exchange(origin, parseRoomId(params.roomId), body);
      return {};
    }),
  ];
}
