import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import { requireSettable } from "../users/data/account-data.ts";
import type { Users } from "../users/users.ts";
import { requireOwnRoom } from "./own-room.ts";
import { ownUserId } from "./own-user.ts";

export function accountDataRoutes(deps: { users: Users; rooms: Pick<Rooms, "view"> }): Route[] {
  const { view } = deps.rooms;
  const { accountData } = deps.users;
  return [
    // GET /_matrix/client/v3/user/{userId}/account_data/{type}
    route("getAccountData", ({ requester, params }) =>
      accountData.get(ownUserId(requester, params.userId), undefined, params.type),
    ),

    // PUT /_matrix/client/v3/user/{userId}/account_data/{type}
    route("setAccountData", ({ requester, params, body }) => {
      const userId = ownUserId(requester, params.userId);
      return accountData.set(userId, undefined, params.type, body);
    }),

    // GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}
    route("getAccountDataPerRoom", ({ requester, params }) => {
      const userId = ownUserId(requester, params.userId);
      return accountData.get(userId, parseRoomId(params.roomId), params.type);
    }),

    // PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}
    route("setAccountDataPerRoom", async ({ requester, params, body }) => {
      const userId = ownUserId(requester, params.userId);
      requireSettable(params.type);
      const roomId = await requireOwnRoom(view, userId, parseRoomId(params.roomId));
      return await accountData.set(userId, roomId, params.type, body);
    }),
  ];
}
