import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import {
  type EventId,
  parseEventId,
  parseRoomId,
  parseUserId,
  type RoomId,
  type UserId,
} from "../protocol/identifiers.ts";
import type { NewRoom, Purge, Rooms } from "../rooms/api/index.ts";
import type { Users } from "../users/users.ts";

interface HistoryBody {
  readonly delete_local_events?: boolean;
  readonly purge_up_to_event_id?: string;
  readonly purge_up_to_ts?: number;
}

interface DeleteBody {
  readonly new_room_user_id?: string;
  readonly room_name?: string;
  readonly message?: string;
  readonly block?: boolean;
  readonly purge?: boolean;
  readonly force_purge?: boolean;
}

const ROOM_NAME = "A closed room";
const MESSAGE = "The room that you were in was closed by an administrator of this server.";

/** Deletes rooms and their history, through the same operations as tools for Synapse use. */
export function purgesRoutes({ rooms, users }: { rooms: Rooms; users: Users }): Route[] {
  const { purges } = rooms;

  async function history(roomId: RoomId, eventId: EventId | undefined, body: HistoryBody) {
    const { purge_up_to_event_id: event, purge_up_to_ts: ts } = body;
    const named = eventId ?? (event === undefined ? undefined : parseEventId(event));
    if (named === undefined && ts === undefined) {
      throw errors.missingParam("Name the event, or the moment, up to which history shall go");
    }
    const upTo = named === undefined ? { ts: ts! } : { eventId: named };
    const localEvents = body.delete_local_events ?? false;
    return { purge_id: await purges.history(roomId, upTo, { localEvents }) };
  }

  /** @throws MatrixError M_INVALID_PARAM 400 unless an account of this server is named */
  async function newRoomOf(body: DeleteBody): Promise<NewRoom | undefined> {
    const { new_room_user_id: user, room_name: name, message } = body;
    if (user === undefined) return undefined;
    const by = parseUserId(user);
    if (!(await users.accounts.exists(by))) {
      throw errors.invalidParam("new_room_user_id is no account of this server");
    }
    return { by, name: name ?? ROOM_NAME, message: message ?? MESSAGE };
  }

  async function remove(by: UserId, roomId: string, body: DeleteBody): Promise<string> {
    const options = {
      newRoom: await newRoomOf(body),
      block: body.block ?? false,
      purge: body.purge ?? true,
      force: body.force_purge ?? false,
      message: body.message,
    };
    return purges.room(by, parseRoomId(roomId), options);
  }

  async function oneOf(kind: Purge["kind"], id: string): Promise<Purge> {
    const purge = await purges.one(id);
    if (purge?.kind === kind) return purge;
    throw errors.notFound("There is no such purge, or it ended long ago");
  }

  return [
    // POST /_synapse/admin/v1/purge_history/{roomId}
    route("purgeHistory", ({ params, body }) =>
      history(parseRoomId(params.roomId), undefined, body),
    ),

    // POST /_synapse/admin/v1/purge_history/{roomId}/{eventId}
    route("purgeHistoryBefore", ({ params, body }) =>
      history(parseRoomId(params.roomId), parseEventId(params.eventId), body),
    ),

    // GET /_synapse/admin/v1/purge_history_status/{purgeId}
    route("getPurgeHistoryStatus", async ({ params }) => {
      const { state, reason } = await oneOf("history", params.purgeId);
      return { status: state === "purging" ? "active" : state, error: reason };
    }),

    // DELETE /_synapse/admin/v1/rooms/{roomId}
    route("deleteRoomAndWait", async ({ requester, params, body, signal }) => {
      const purge = await purges.whenOver(
        await remove(requester.userId, params.roomId, body),
        signal,
      );
      if (purge.state === "failed") {
        throw errors.unknown(purge.reason ?? "The room could not be deleted", 400);
      }
      return shutdown(purge);
    }),

    // DELETE /_synapse/admin/v2/rooms/{roomId}
    route("deleteRoom", async ({ requester, params, body }) => ({
      delete_id: await remove(requester.userId, params.roomId, body),
    })),

    // GET /_synapse/admin/v2/rooms/{roomId}/delete_status
    route("getRoomDeletions", async ({ params }) => {
      const found = await purges.ofRoom(parseRoomId(params.roomId));
      if (found.length === 0) throw errors.notFound("Nobody has deleted that room of late");
      return { results: found.map(deletion) };
    }),

    // GET /_synapse/admin/v2/rooms/delete_status/{deleteId}
    route("getRoomDeletion", async ({ params }) => {
      return deletion(await oneOf("room", params.deleteId));
    }),

    // GET /_synapse/admin/v1/rooms/{roomId}/block
    route("getRoomBlock", async ({ params }) => {
      const by = await purges.blockedBy(parseRoomId(params.roomId));
      return { block: by !== undefined, user_id: by };
    }),

    // PUT /_synapse/admin/v1/rooms/{roomId}/block
    route("setRoomBlock", async ({ requester, params, body: { block } }) => {
      await purges.setBlocked(requester.userId, parseRoomId(params.roomId), block);
      return { block };
    }),
  ];
}

function deletion(purge: Purge) {
  const { purgeId, roomId, state, reason } = purge;
  return {
    delete_id: purgeId,
    room_id: roomId,
    status: state,
    error: reason,
    shutdown_room: shutdown(purge),
    deleted_rows: purge.report.deletedRows,
  };
}

function shutdown({ report }: Purge) {
  return {
    kicked_users: report.putOut,
    failed_to_kick_users: report.notPutOut,
    local_aliases: report.aliases,
    new_room_id: report.newRoom ?? null,
  };
}
