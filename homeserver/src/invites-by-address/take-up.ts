import { errors } from "../protocol/errors.ts";
import { keysThatSigned } from "../protocol/auth/index.ts";
import { isUserId, type RoomId, type ServerName, serverOf } from "../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../protocol/json.ts";
import { isSigned } from "./signed.ts";
import type { InvitesByAddressDeps, TakenInvite } from "./types.ts";

/** Keys of an invite that are asked for: who invited may have written any number of them. */
const MAX_ASKED = 3;

/** Turns invites by address, once somebody is known by it, into invites of that user. */
export function createTakeUp({ rooms, identityServers, serverName }: InvitesByAddressDeps) {
  const { view, members } = rooms;

  /**
   * Invites the user in the name of who invited the address. Nothing happens where they are in the
   * room already. The auth rules look at the signature too; here is asked whether its key still
   * counts, which servers elsewhere must not judge.
   * @throws MatrixError M_FORBIDDEN 403, M_NOT_FOUND 404, and RemoteError when the identity server
   * cannot be asked
   */
  async function here({ roomId, sender, signed }: TakenInvite): Promise<void> {
    const room = await view.room(roomId);
    if (room === undefined) throw errors.notFound("This server knows no such room");
    const { mxid, token } = signed;
    const [invite, member] = await Promise.all([
      view.currentStateEvent(room.nid, "m.room.third_party_invite", token),
      view.currentStateEvent(room.nid, "m.room.member", mxid),
    ]);
    const { display_name: displayName } = invite?.event.content ?? {};
    if (invite === undefined || invite.event.sender !== sender || displayName === undefined) {
      throw errors.forbidden("The room has no such invite of that user");
    }
    const keys = [...keysThatSigned(invite.event, { ...signed })].slice(0, MAX_ASKED);
    if (keys.length === 0) throw errors.forbidden("The invite is not signed by its key");
    if (!(await isAnyValid(keys))) throw errors.forbidden("The key of the invite counts no more");
    if (member?.event.content["membership"] === "join") return;
    await members.invite({
      ...{ by: { userId: sender }, roomId, userId: mxid },
      thirdPartyInvite: { display_name: displayName, signed: { ...signed } },
    });
  }

  async function isAnyValid(
    keys: readonly { readonly key: string; readonly validityUrl: string | undefined }[],
  ): Promise<boolean> {
    for (const { key, validityUrl } of keys) {
      if (validityUrl === undefined) return true;
      if (await identityServers.isKeyValid(validityUrl, key)) return true;
    }
    return false;
  }

  return {
    here,

    /** What another server asks for one of its users, by a partial member event. */
    async exchange(origin: ServerName, roomId: RoomId, event: JsonObject): Promise<void> {
      const { type, room_id, sender, state_key: userId, content } = event;
      const { membership, third_party_invite: claim } = isJsonObject(content) ? content : {};
      if (type !== "m.room.member" || membership !== "invite" || room_id !== roomId) {
        throw errors.invalidParam("The event is not an invite to that room");
      }
      const signed = isJsonObject(claim) ? claim["signed"] : undefined;
      if (!isUserId(sender) || !isUserId(userId) || !isSigned(signed)) {
        throw errors.invalidParam("The event names no users, or nothing that is signed");
      }
      if (signed.mxid !== userId) {
        throw errors.invalidParam("The invite is signed for somebody else");
      }
      if (serverOf(userId) !== origin) {
        throw errors.forbidden("The invited user is not of the server that asks");
      }
      if (serverOf(sender) !== serverName) {
        throw errors.invalidParam("Who invited is not of this server");
      }
      await here({ roomId, sender, signed });
    },
  };
}
