import { errors } from "../../protocol/errors.ts";
import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import type { Json, JsonObject } from "../../protocol/json.ts";
import type { AccountData } from "./account-data.ts";
import { tooMany } from "../common/limits.ts";
import { plainText } from "../common/text.ts";

/** Tags of rooms: m.tag in a room's account data. (Client-server API, "Room Tagging".) */
export interface Tags {
  list(userId: UserId, roomId: RoomId): Promise<JsonObject>;
  /**
   * @throws MatrixError M_INVALID_PARAM 400, also for an unknown room, M_BAD_JSON 400,
   * M_RESOURCE_LIMIT_EXCEEDED 403
   */
  set(userId: UserId, roomId: RoomId, tag: string, content: JsonObject): Promise<void>;
  /** Removing a tag that is not there is no error. */
  remove(userId: UserId, roomId: RoomId, tag: string): Promise<void>;
}

const TAG_TYPE = "m.tag";
const MAX_TAG_BYTES = 255;
/** Of one room. */
const MAX_TAGS = 100;

export function createTags(accountData: AccountData): Tags {
  async function list(userId: UserId, roomId: RoomId): Promise<JsonObject> {
    return tagsOf(await accountData.find(userId, roomId, TAG_TYPE));
  }

  return {
    list,

    async set(userId, roomId, tag, given) {
      plainText(tag, "The tag", MAX_TAG_BYTES);
      // Clients write null for "no order".
      const { order, ...rest } = given;
      const content = order === undefined || order === null ? rest : given;
      if (
        order !== undefined &&
        order !== null &&
        !(typeof order === "number" && order >= 0 && order <= 1)
      ) {
        throw errors.badJson("order must be a number between 0 and 1");
      }
      await accountData.update(userId, roomId, TAG_TYPE, (before) => {
        const tags = { ...tagsOf(before), [tag]: content };
        if (Object.keys(tags).length > MAX_TAGS) throw tooMany(MAX_TAGS, "tags of that room");
        return { ...before, tags };
      });
    },

    async remove(userId, roomId, tag) {
      if (!(tag in (await list(userId, roomId)))) return;
      await accountData.update(userId, roomId, TAG_TYPE, (before) => {
        const { [tag]: _removed, ...tags } = tagsOf(before);
        return { ...before, tags };
      });
    },
  };
}

function tagsOf(content: JsonObject | undefined): JsonObject {
  const tags: Json | undefined = content?.["tags"];
  const isObject = typeof tags === "object" && tags !== null && !Array.isArray(tags);
  return isObject ? tags : {};
}
