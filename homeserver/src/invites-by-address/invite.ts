import { errors } from "../protocol/errors.ts";
import { PowerLevels } from "../protocol/events/power-levels.ts";
import { isUserId, type RoomId, type ServerName, type UserId } from "../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../protocol/json.ts";
import type { Actor, Room, StoredEvent } from "../rooms/api/index.ts";
import { canonicalEmail } from "../users/contacts/email.ts";
import { checkIdentityToken, parseIdentityServer } from "../users/contacts/identity-access.ts";
import type { InvitesByAddressDeps, Addressee } from "./types.ts";

/** What the room's members are shown of somebody whose address they do not get to know. */
interface StoredInvite {
  readonly token: string;
  readonly displayName: string;
  readonly keys: readonly { readonly public_key: string; readonly key_validity_url: string }[];
}

const TOKEN = /^[0-9a-zA-Z.=_-]{1,255}$/;
const MAX_TEXT = 1024;
const MAX_KEYS = 10;

/** What an identity server may put into the mail. */
const SHOWN = [
  ["m.room.name", "room_name", "name"],
  ["m.room.canonical_alias", "room_alias", "alias"],
  ["m.room.avatar", "room_avatar_url", "url"],
  ["m.room.join_rules", "room_join_rules", "join_rule"],
  ["m.room.create", "room_type", "type"],
] as const;

export function createInviteByAddress({ rooms, identityServers, logger }: InvitesByAddressDeps) {
  const { view, members, send } = rooms;

  /** What the mail may show of the room. Throws, before anybody is written to, for who may not invite. */
  async function stateForInviter(room: Room, by: Actor): Promise<StoredEvent[]> {
    const state = await view.currentStateOfRooms(
      [room.nid],
      [
        ...SHOWN.map(([type]) => [type, ""] as const),
        ["m.room.power_levels", ""],
        ["m.room.member", by.userId],
      ],
    );
    const events = state.get(room.nid) ?? [];
    const one = (type: string) => events.find(({ event }) => event.type === type)?.event;
    if (one("m.room.member")?.content["membership"] !== "join") {
      throw errors.forbidden("You are not in that room");
    }
    const create = one("m.room.create");
    const levels = PowerLevels.of(one("m.room.power_levels"), create, room.version);
    // What the auth rules ask of an m.room.third_party_invite is the level for invites alone.
    if (levels.userLevel(by.userId) < levels.invite) {
      throw errors.forbidden("You may not invite people to that room");
    }
    return events;
  }

  /** The user who has the address, as far as the identity server says. */
  async function find(to: Addressee): Promise<UserId | undefined> {
    const { server, token, address } = addressed(to);
    const found = await identityServers.lookup(server, token, { medium: "email", address });
    return isUserId(found) ? found : undefined;
  }

  /** Has the identity server write to the address, and notes in the room what it will sign. */
  async function write(
    by: Actor,
    room: Room,
    to: Addressee,
    events: readonly StoredEvent[],
  ): Promise<void> {
    const { server, token, address } = addressed(to);
    if (by.isShadowBanned === true) return;
    const said = await identityServers.storeInvite(server, token, {
      ...{ medium: "email", address, room_id: room.roomId, sender: by.userId },
      ...shownOf(events),
    });
    const { token: stateKey, displayName, keys } = storedInvite(server, said);
    await send.state({
      ...{ by, roomId: room.roomId, type: "m.room.third_party_invite", stateKey },
      content: { display_name: displayName, ...keys[0]!, public_keys: [...keys] },
    });
  }

  async function roomOf(roomId: RoomId): Promise<Room> {
    const room = await view.room(roomId);
    if (room === undefined) throw errors.forbidden("You are not in that room");
    return room;
  }

  return {
    /** The user who has the address; undefined where the identity server knows none. */
    find,

    /**
     * POST /rooms/{roomId}/invite by an address: invites the user who has it, or has the identity
     * server write to it.
     * @throws MatrixError M_INVALID_PARAM 400, M_FORBIDDEN 403, and RemoteError with what the
     * identity server says
     */
    async invite(request: {
      readonly by: Actor;
      readonly roomId: RoomId;
      readonly to: Addressee;
      readonly reason?: string | undefined;
    }): Promise<void> {
      const { by, roomId, to, reason } = request;
      addressed(to);
      const room = await roomOf(roomId);
      const events = await stateForInviter(room, by);
      const userId = await find(to);
      if (userId === undefined) await write(by, room, to, events);
      else await members.invite({ by, roomId, userId, reason });
    },

    /**
     * The same for addresses that nobody has (see `find`), with a new room. It is there, and must not be
     * made once more because somebody could not be written to: that is only logged.
     */
    async writeToAll(by: Actor, roomId: RoomId, all: readonly Addressee[]): Promise<void> {
      if (all.length === 0) return;
      const room = await roomOf(roomId);
      const state = stateForInviter(room, by);
      await Promise.all(
        all.map(async (to) => {
          try {
            await write(by, room, to, await state);
          } catch (err) {
            logger.warn({ err, roomId, by: by.userId }, "somebody was not invited by address");
          }
        }),
      );
    },
  };
}

/** @throws MatrixError M_INVALID_PARAM 400 */
function addressed({ idServer, idAccessToken, medium, address }: Addressee) {
  if (medium !== "email") throw errors.invalidParam("People are invited by e-mail address only");
  const email = canonicalEmail(address);
  if (email === undefined) throw errors.invalidParam("That is no e-mail address");
  checkIdentityToken(idAccessToken);
  return { server: parseIdentityServer(idServer), token: idAccessToken, address: email };
}

function shownOf(events: readonly StoredEvent[]): JsonObject {
  const shown: JsonObject = {};
  for (const [type, key, field] of SHOWN) {
    const value = events.find(({ event }) => event.type === type)?.event.content[field];
    if (typeof value === "string") shown[key] = value;
  }
  const member = events.find(({ event }) => event.type === "m.room.member")?.event.content;
  const { displayname, avatar_url: avatar } = member ?? {};
  if (typeof displayname === "string") shown["sender_display_name"] = displayname;
  if (typeof avatar === "string") shown["sender_avatar_url"] = avatar;
  return shown;
}

/** What an identity server has stored. @throws MatrixError M_UNKNOWN 502 where it makes no sense */
function storedInvite(server: ServerName, said: JsonObject): StoredInvite {
  const { token, display_name: displayName, public_keys: list } = said;
  const keys = (Array.isArray(list) ? list.slice(0, MAX_KEYS) : []).filter(isJsonObject);
  const usable = keys.flatMap(({ public_key, key_validity_url }) =>
    isText(public_key) && isText(key_validity_url) ? [{ public_key, key_validity_url }] : [],
  );
  if (
    typeof token !== "string" ||
    !TOKEN.test(token) ||
    !isText(displayName) ||
    usable.length === 0
  ) {
    throw errors.unknown(`${server} gave no token, name and keys for the invite`, 502);
  }
  return { token, displayName, keys: usable };
}

const isText = (value: unknown): value is string =>
  typeof value === "string" && value.length > 0 && value.length <= MAX_TEXT;
