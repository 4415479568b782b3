import { signText, type SigningKey } from "../protocol/crypto.ts";
import { errors, MatrixError, Rejection } from "../protocol/errors.ts";
import { parsePdu, type RoomEvent } from "../protocol/events/event.ts";
import { isRoomId, type RoomId, type ServerName } from "../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../protocol/json.ts";
import type { Log } from "../log/types.ts";
import type { Room, RoomView } from "../rooms/api/index.ts";
import { createPolicyRules } from "./rules.ts";

/** This server as the policy server of rooms that chose it. (Server-server API, "Policy Servers".) */
export interface PolicyServer {
  /** Unpadded base64; what rooms say in m.room.policy. */
  readonly publicKey: string;
  /**
   * Signs an event that another server (null: this one) has drafted or received: server → key →
   * signature.
   * @throws MatrixError M_NOT_FOUND 404 for a room that has not chosen this server; M_FORBIDDEN 403
   * for a server that the room keeps out; M_BAD_JSON 400; M_FORBIDDEN 400 for what is refused
   */
  sign(origin: ServerName | null, pdu: JsonObject): Promise<JsonObject>;
  stop(): void;
}

export function createPolicyServer(deps: {
  readonly log: Pick<Log, "follow">;
  readonly view: RoomView;
  readonly aclAllows: (roomId: RoomId, server: ServerName) => Promise<boolean>;
  readonly serverName: ServerName;
  readonly key: SigningKey;
  /** Policy lists: rooms that users of this server are in. */
  readonly lists: readonly RoomId[];
  readonly now: () => number;
}): PolicyServer {
  const { view, serverName, key } = deps;
  const rules = createPolicyRules(deps);

  /** The room of the event, if it has chosen this server, and a user of this server is in it. */
  async function protectedRoom(roomId: unknown): Promise<Room> {
    const room = isRoomId(roomId) ? await view.room(roomId) : undefined;
    const policy = room && (await view.currentStateEvent(room.nid, "m.room.policy", ""));
    const { via, public_keys: keys } = policy?.event.content ?? {};
    const isOurs = via === serverName && isJsonObject(keys) && keys.ed25519 === key.publicKeyBase64;
    if (!isOurs || (await view.joinedOfServer(room!.nid, serverName)) === 0) {
      throw errors.notFound("This server is not the policy server of that room");
    }
    return room!;
  }

  function eventOf(pdu: JsonObject, room: Room): RoomEvent {
    try {
      return parsePdu(pdu, room.version);
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      throw errors.badJson(`That is no event of the room's version: ${error.message}`);
    }
  }

  return {
    publicKey: key.publicKeyBase64,
    async sign(origin, pdu) {
      const room = await protectedRoom(pdu.room_id);
      if (origin !== null && !(await deps.aclAllows(room.roomId, origin))) {
        throw errors.forbidden("Your server is kept out of the room");
      }
      const event = eventOf(pdu, room);
      const refusal =
        event.type === "m.room.policy" && event.stateKey === ""
          ? "That event needs no signature"
          : await rules.refusal(event);
      if (refusal !== undefined) throw new MatrixError(400, "M_FORBIDDEN", refusal);
      return { [serverName]: { [key.keyId]: signText(event.signedText(), key) } };
    },
    stop: () => rules.stop(),
  };
}
