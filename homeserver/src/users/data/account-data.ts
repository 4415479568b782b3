import type { Log } from "../../log/types.ts";
import { errors, MatrixError } from "../../protocol/errors.ts";
import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import * as storage from "../../storage/users/account-data.ts";
import type { Exclusive } from "../../storage/exclusive.ts";
import type { Sql } from "../../storage/sql.ts";
import { exceeds, type UserLimits } from "../common/limits.ts";
import { plainText } from "../common/text.ts";
import { INVITE_RULES } from "./invite-permissions.ts";
import { checkInviteRules } from "./invite-rules.ts";

/** What clients store with their account. (Client-server API, "Client Config".) */
export interface AccountData {
  /** A piece of global data, or of a room. @throws MatrixError M_NOT_FOUND 404 */
  get(userId: UserId, roomId: RoomId | undefined, type: string): Promise<JsonObject>;
  /** The same, undefined when there is none. */
  find(userId: UserId, roomId: RoomId | undefined, type: string): Promise<JsonObject | undefined>;
  /**
   * Replaces a piece; the log brings it to every client of the user.
   * @throws MatrixError M_BAD_JSON 405 for types that the server manages, M_INVALID_PARAM 400 for
   * an unknown room, M_TOO_LARGE 413 for one piece, for all together and for too many patterns
   */
  set(userId: UserId, roomId: RoomId | undefined, type: string, content: JsonObject): Promise<void>;
  /**
   * Changes a piece by a function of its present content. Changes of one user run one after
   * another, on all replicas.
   */
  update(
    userId: UserId,
    roomId: RoomId | undefined,
    type: string,
    change: (before: JsonObject | undefined) => JsonObject,
  ): Promise<void>;
}

const MANAGED = new Set(["m.fully_read", "m.push_rules"]);
const MAX_TYPE_BYTES = 255;
const MAX_CONTENT_BYTES = 512 * 1024;

/** @throws MatrixError M_BAD_JSON 405 for types that the server manages */
export function requireSettable(type: string): void {
  if (!MANAGED.has(type)) return;
  throw new MatrixError(405, "M_BAD_JSON", `${type} cannot be set through this API`);
}

export function createAccountData(deps: {
  sql: Sql;
  log: Log;
  exclusive: Exclusive;
  limits: Pick<UserLimits, "accountDataBytes">;
}): AccountData {
  const { sql, log, exclusive, limits } = deps;
  const keyOf = (userId: UserId) => `account data ${userId}`;

  /** 0 for global data. @throws MatrixError M_INVALID_PARAM 400 */
  async function nidOf(roomId: RoomId | undefined): Promise<number> {
    if (roomId === undefined) return 0;
    const nid = await storage.findRoomNid(sql, roomId);
    if (nid === undefined) throw errors.invalidParam("This server knows of no such room");
    return nid;
  }

  async function read(
    userId: UserId,
    roomNid: number,
    type: string,
  ): Promise<JsonObject | undefined> {
    const content = await storage.findAccountData(sql, userId, roomNid, type);
    return content === undefined ? undefined : (JSON.parse(content) as JsonObject);
  }

  async function write(
    userId: UserId,
    roomNid: number,
    type: string,
    content: JsonObject,
  ): Promise<void> {
    plainText(type, "The type", MAX_TYPE_BYTES);
    const text = JSON.stringify(content);
    if (Buffer.byteLength(text) > MAX_CONTENT_BYTES) {
      throw errors.tooLarge(`Account data is at most ${MAX_CONTENT_BYTES} bytes long`);
    }
    await ensureRoom(userId, roomNid, type, text);
    await log.append({
      records: [{ kind: "account_data", userId, roomNid: roomNid || null, type, content: text }],
    });
  }

  /** Content that does not grow is always allowed. @throws MatrixError M_TOO_LARGE 413 */
  async function ensureRoom(userId: UserId, roomNid: number, type: string, content: string) {
    const size = storage.pieceSize(type, content);
    const { others, own } = await storage.accountDataSize(sql, userId, roomNid, type);
    if (size <= own || !exceeds(others + size, limits.accountDataBytes)) return;
    throw errors.tooLarge(
      `Your account data would come to more than ${limits.accountDataBytes} bytes: remove some first`,
    );
  }

  async function find(
    userId: UserId,
    roomId: RoomId | undefined,
    type: string,
  ): Promise<JsonObject | undefined> {
    if (type.includes("\0") || !type.isWellFormed()) return undefined;
    const roomNid = roomId === undefined ? 0 : await storage.findRoomNid(sql, roomId);
    return roomNid === undefined ? undefined : await read(userId, roomNid, type);
  }

  return {
    find,

    async get(userId, roomId, type) {
      const content = await find(userId, roomId, type);
      if (content === undefined) throw errors.notFound("There is no such account data");
      return content;
    },

    async set(userId, roomId, type, content) {
      requireSettable(type);
      if (type === INVITE_RULES && roomId === undefined) checkInviteRules(content);
      const roomNid = await nidOf(roomId);
      await exclusive.run(keyOf(userId), () => write(userId, roomNid, type, content));
    },

    async update(userId, roomId, type, change) {
      const roomNid = await nidOf(roomId);
      await exclusive.run(keyOf(userId), async () => {
        const before = await read(userId, roomNid, type);
        await write(userId, roomNid, type, change(before));
      });
    },
  };
}
