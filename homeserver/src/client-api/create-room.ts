import { errors } from "../protocol/errors.ts";
import { route, type Route } from "../http/route.ts";
import type { Addressee } from "../invites-by-address/types.ts";
import type { InvitesByAddress } from "../invites-by-address/index.ts";
import type { Rooms } from "../rooms/api/index.ts";

export interface CreateRoomDeps {
  readonly rooms: Pick<Rooms, "create">;
  readonly invitesByAddress: Pick<InvitesByAddress, "find" | "writeToAll">;
}

/** Addresses that may be asked for, and written to, with one room. */
const MAX_ADDRESSES = 20;

/** Making rooms. (Client-server API, "Creation".) */
export function createRoomRoutes({ rooms, invitesByAddress }: CreateRoomDeps): Route[] {
  /** Who has an address is invited with the others; the rest is written to once there is a room. */
  async function sorted(addresses: readonly Addressee[]) {
    const found = await Promise.all(addresses.map((to) => invitesByAddress.find(to)));
    return {
      known: found.filter((userId) => userId !== undefined),
      unknown: addresses.filter((_, at) => found[at] === undefined),
    };
  }

  return [
    // POST /_matrix/client/v3/createRoom
    route("createRoom", async ({ body, requester }) => {
      const { invite_3pid: addresses = [], ...options } = body;
      if (addresses.length > MAX_ADDRESSES) {
        throw errors.invalidParam(`At most ${MAX_ADDRESSES} people can be invited by address`);
      }
      const { known, unknown } = await sorted(
        addresses.map(({ id_server, id_access_token, medium, address }) => ({
          ...{ idServer: id_server, idAccessToken: id_access_token, medium, address },
        })),
      );
      const invite = [...new Set([...(options.invite ?? []), ...known])];
      const all = known.length === 0 ? options : { ...options, invite };
      const roomId = await rooms.create.room(requester, all);
      await invitesByAddress.writeToAll(requester, roomId, unknown);
      return { room_id: roomId };
    }),
  ];
}
