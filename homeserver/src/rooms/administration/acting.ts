/** What administrators do in rooms through users of this server, as far as the room lets these. */
import { errors, MatrixError } from "../../protocol/errors.ts";
import {
  isRoomAlias,
  type RoomAlias,
  type RoomId,
  serverOf,
  type UserId,
} from "../../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../../protocol/json.ts";
import { membershipIn } from "../../storage/rooms/members.ts";
import type { RoomActions } from "../api/administration.ts";
import type { RoomDirectory, RoomMembers, RoomSend, RoomView } from "../api/index.ts";
import {
  createLocalPowers,
  type LocalPowersDeps,
  type RoomPowers,
  throughOneOf,
} from "./local-powers.ts";

export interface ActingDeps extends LocalPowersDeps {
  readonly view: Pick<RoomView, "room" | "currentStateEvent" | "eventsById">;
  readonly members: Pick<RoomMembers, "join" | "leave" | "kick" | "ban" | "invite">;
  readonly send: Pick<RoomSend, "state" | "redact">;
  readonly directory: Pick<RoomDirectory, "resolve">;
}

/** What redacts in the name of users, and its number of each redaction: there is one of an event. */
const [OURSELVES, ONCE] = ["the administration", "1"];
/** The level of a room's administrator, where the one who gives it has no number. */
const ADMIN_LEVEL = 100;

export function createActing(deps: ActingDeps): RoomActions {
  const { sql, serverName, view, members, send } = deps;
  const powersIn = createLocalPowers(deps);
  const isLocal = (userId: UserId) => serverOf(userId) === serverName;

  async function membershipOf({ room }: RoomPowers, userId: UserId): Promise<string | undefined> {
    return (await membershipIn(sql, room.nid, userId))?.membership;
  }

  const isIn = (membership: string | undefined) =>
    membership === "join" || membership === "invite" || membership === "knock";

  const isOut = (membership: string | undefined, ban: boolean) =>
    membership === "ban" || (!ban && !isIn(membership));

  /** Whether anybody may come in without being asked. */
  async function isOpen({ room }: RoomPowers): Promise<boolean> {
    const rules = await view.currentStateEvent(room.nid, "m.room.join_rules", "");
    return rules?.event.content.join_rule === "public";
  }

  async function invite(powers: RoomPowers, userId: UserId): Promise<void> {
    const { roomId } = powers.room;
    const actors = await powers.actors((level) => level >= powers.levels.invite);
    await throughOneOf(actors, (by) => members.invite({ by: { userId: by }, roomId, userId }));
  }

  /** Sets a user's level, through the first of the actors whom the room lets. */
  async function giveLevel(
    powers: RoomPowers,
    userId: UserId,
    levelBy: (actor: UserId) => number,
  ): Promise<void> {
    const { room, levels, stored } = powers;
    const needed = levels.required("m.room.power_levels", true);
    const content: JsonObject = stored?.event.content ?? {};
    const users = isJsonObject(content.users) ? content.users : {};
    await throughOneOf(await powers.actors((level) => level >= needed), (actor) =>
      send.state({
        by: { userId: actor },
        roomId: room.roomId,
        type: "m.room.power_levels",
        stateKey: "",
        content: { ...content, users: { ...users, [userId]: levelBy(actor) } },
      }),
    );
  }

  return {
    async remove({ roomId, userId, ban = false, reason }) {
      const powers = await powersIn(roomId);
      const membership = await membershipOf(powers, userId);
      if (isOut(membership, ban)) {
        throw errors.notFound("That user is not in the room");
      }
      if (isLocal(userId) && !ban) {
        await members.leave({ by: { userId }, roomId, reason });
        return;
      }
      const { levels } = powers;
      const needed = ban ? levels.ban : levels.kick;
      const target = levels.userLevel(userId);
      const actors = await powers.actors((level) => level >= needed && level > target);
      await throughOneOf(actors, (by) =>
        members[ban ? "ban" : "kick"]({ by: { userId: by }, roomId, userId, reason }),
      );
    },

    async isRemoved({ roomId, userId, ban = false }) {
      const membership = await membershipOf(await powersIn(roomId), userId);
      return isOut(membership, ban);
    },

    async redact({ roomId, eventId, reason }) {
      const powers = await powersIn(roomId);
      const target = (await view.eventsById([eventId])).get(eventId);
      if (target === undefined || target.roomNid !== powers.room.nid) {
        throw errors.notFound("The room has no such event");
      }
      if (target.redactedBy !== null) return;
      const { sender } = target.event;
      const actors = await powers.actors((level) => level >= powers.levels.redact);
      const own = isLocal(sender) && (await membershipOf(powers, sender)) === "join";
      // The sender always may, where they still may speak.
      await throughOneOf(own ? [sender, ...actors] : actors, (by) =>
        send.redact({
          ...{ roomId, eventId, reason, txnId: ONCE },
          by: { userId: by, deviceId: OURSELVES },
        }),
      );
    },

    async setLevel({ roomId, userId, level }) {
      const powers = await powersIn(roomId);
      if (powers.creators.has(userId)) {
        throw errors.unknown("Who made the room has every right there, and keeps it", 400);
      }
      await giveLevel(powers, userId, () => level);
    },

    async makeAdmin(room, userId) {
      const powers = await powersIn(await roomIdOf(deps, room));
      const { levels } = powers;
      if (!powers.creators.has(userId)) {
        await giveLevel(powers, userId, (actor) => {
          const level = levels.userLevel(actor);
          return Number.isFinite(level) ? level : ADMIN_LEVEL;
        });
      }
      const membership = await membershipOf(powers, userId);
      if (membership === "join" || membership === "invite" || (await isOpen(powers))) return;
      await invite(powers, userId);
    },

    async join({ userId, room, via }) {
      const roomId = isRoomAlias(room) ? await roomIdOf(deps, room) : room;
      const known = await view.room(roomId);
      if (known !== undefined) {
        const powers = await powersIn(roomId);
        const membership = await membershipOf(powers, userId);
        const needsInvite = !isIn(membership) || membership === "knock";
        if (needsInvite && !(await isOpen(powers))) {
          await invite(powers, userId).catch((error: unknown) => {
            // The room may let them in nevertheless, as a member of another room.
            if (!(error instanceof MatrixError)) throw error;
          });
        }
      }
      return members.join({ by: { userId }, room, via });
    },
  };
}

async function roomIdOf(
  { directory }: Pick<ActingDeps, "directory">,
  room: RoomId | RoomAlias,
): Promise<RoomId> {
  return isRoomAlias(room) ? (await directory.resolve(room)).roomId : room;
}
