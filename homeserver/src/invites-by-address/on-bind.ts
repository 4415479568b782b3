import { inParallel } from "../platform/pacing/in-parallel.ts";
import { errors } from "../protocol/errors.ts";
import { isRoomId, isUserId, serverOf, type UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import { isSigned } from "./signed.ts";
import type { InvitesByAddressDeps, TakenInvite } from "./types.ts";

/** Invites of one address that are taken up: strangers may ask, and each may go to another server. */
const MAX_INVITES = 10;
const MAX_AT_ONCE = 4;

/**
 * An identity server says that a user of this server has an address, and who had invited it. Nobody
 * has to prove that they are one: each invite is signed, and who invited looks at it.
 */
export function createOnBind(
  { accounts, remote, serverName, logger }: InvitesByAddressDeps,
  takeUpHere: (invite: TakenInvite) => Promise<void>,
) {
  async function takeUp(invite: TakenInvite): Promise<void> {
    const { roomId, sender, signed } = invite;
    const server = serverOf(sender);
    if (server === serverName) return takeUpHere(invite);
    await remote.exchangeThirdPartyInvite(server, roomId, {
      ...{ type: "m.room.member", room_id: roomId, sender, state_key: signed.mxid },
      content: {
        membership: "invite",
        // Whoever has the room knows the name that goes with the invite.
        third_party_invite: { display_name: "", signed: { ...signed } },
      },
    });
  }

  /** @throws MatrixError M_INVALID_PARAM 400 for a user who is not of this server */
  return async (mxid: UserId, told: readonly JsonObject[]): Promise<void> => {
    if (serverOf(mxid) !== serverName || !(await accounts.exists(mxid))) {
      throw errors.invalidParam("This server has no such user");
    }
    const invites = told.slice(0, MAX_INVITES).flatMap((one) => {
      const { room_id: roomId, sender, signed } = one;
      if (!isRoomId(roomId) || !isUserId(sender) || !isSigned(signed)) return [];
      return signed.mxid === mxid ? [{ roomId, sender, signed }] : [];
    });
    await inParallel(invites, MAX_AT_ONCE, async (invite) => {
      try {
        await takeUp(invite);
      } catch (err) {
        // The others count all the same.
        const { roomId, sender } = invite;
        logger.info({ err, roomId, sender, userId: mxid }, "an invite by address was not taken up");
      }
    });
  };
}
