import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { InvitesByAddress } from "../invites-by-address/index.ts";
import { parseRoomId, parseUserId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

export interface InvitingDeps {
  readonly rooms: Pick<Rooms, "members">;
  readonly invitesByAddress: Pick<InvitesByAddress, "invite">;
}

/**
 * Inviting people by user id or address. (Client-server API, "Inviting users" and "Third-party
 * invites".)
 */
export function invitingRoutes({ rooms, invitesByAddress }: InvitingDeps): Route[] {
  return [
    // POST /_matrix/client/v3/rooms/{roomId}/invite
    route("inviteUser", async ({ params, body, requester }) => {
      if (body.user_id === undefined) {
        const { id_server, id_access_token, medium, address, reason } = body;
        if (!id_server || !id_access_token || !medium || !address) {
          const wanted = "user_id, or id_server, id_access_token, medium and address";
          throw errors.missingParam(`${wanted} are needed`);
        }
        await invitesByAddress.invite({
          ...{ by: requester, roomId: parseRoomId(params.roomId), reason },
          to: { idServer: id_server, idAccessToken: id_access_token, medium, address },
        });
        return {};
      }
      await rooms.members.invite({
        by: requester,
        roomId: parseRoomId(params.roomId),
        userId: parseUserId(body.user_id),
        reason: body.reason,
      });
      return {};
    }),
  ];
}
