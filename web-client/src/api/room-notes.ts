import type { RequestBody } from "@weft/spec/types";
import type { Http } from "./http.ts";
import type { EventContent, EventType } from "./types.ts";

const RULE = "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}";

export type PushRuleBody = RequestBody<"setPushRule">;

/** What a person notes about a room for themselves: tags, marks, what to be told of. */
export function createRoomNotesApi(http: Http, userId: string) {
  return {
    /** Puts a tag on a room, at a place from 0 to 1 among those that bear it. */
    setTag: (roomId: string, tag: string, order: number | undefined) =>
      http.call<"setRoomTag">("PUT", "/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}", {
        path: { userId, roomId, tag },
        body: order === undefined ? {} : { order },
      }),
    removeTag: (roomId: string, tag: string) =>
      http.call<"deleteRoomTag">(
        "DELETE",
        "/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}",
        { path: { userId, roomId, tag } },
      ),
    setAccountData: <Type extends EventType>(
      roomId: string,
      type: Type,
      content: EventContent<Type>,
    ) =>
      http.call<"setAccountDataPerRoom">(
        "PUT",
        "/_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}",
        { path: { userId, roomId, type }, body: content },
      ),
    setRule: (kind: "override" | "room", ruleId: string, body: PushRuleBody) =>
      http.call<"setPushRule">("PUT", RULE, { path: { kind, ruleId }, body }),
    removeRule: (kind: "override" | "room", ruleId: string) =>
      http.call<"deletePushRule">("DELETE", RULE, { path: { kind, ruleId } }),
  };
}
