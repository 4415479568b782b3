import { formatSyncToken, parseSyncToken } from "../../log/token.ts";
import { errors } from "../../protocol/errors.ts";
import { parseFilter, type SyncFilter } from "../../protocol/filter.ts";
import type { RoomId } from "../../protocol/identifiers.ts";
import type { Membership, Room, RoomHistory, RoomView } from "../../rooms/api/index.ts";
import type { Present } from "../sections/present.ts";
import { createOnlooker } from "../users/onlooker.ts";
import type { SyncingUsers } from "../users/syncing-users.ts";
import { type ComputeDeps, type Compose, createCompute } from "../v3/compute.ts";
import { createLongPoll, type SyncDeps, type SyncRequest } from "../v3/long-poll.ts";
import { eventStream, ONLY_EVENTS, STREAM } from "./event-stream.ts";
import { createSnapshots } from "./snapshot.ts";

/** Who asks, and for how long they wait. */
type OldSyncRequest = Pick<SyncRequest, "userId" | "deviceId" | "timeout" | "signal" | "watch">;

/** What was there before GET /sync, as other forms of the same computation. */
export interface OldSync {
  /**
   * GET /events: what happened after `from`, or from now on. With a room only of that one, which the
   * user may look into from outside. JSON text.
   * @throws MatrixError 400 M_INVALID_PARAM for an unknown token; 403 M_FORBIDDEN
   */
  events(
    request: OldSyncRequest & {
      readonly from: string | undefined;
      readonly roomId: RoomId | undefined;
    },
  ): Promise<string>;
  /** GET /initialSync: everything at present, as JSON text. `limit`: events of each room. */
  initial(
    request: OldSyncRequest & { readonly limit: number; readonly archived: boolean },
  ): Promise<string>;
  /**
   * GET /rooms/{roomId}/initialSync: the same of one room.
   * @throws MatrixError 403 M_FORBIDDEN; 404 M_NOT_FOUND while the room's members are being fetched
   */
  room(
    request: OldSyncRequest & { readonly roomId: RoomId; readonly limit: number },
  ): Promise<string>;
}

export type OldSyncDeps = Omit<SyncDeps, "compute" | "fromMemory" | "toDevice"> & {
  readonly computing: ComputeDeps;
  readonly view: RoomView;
  readonly history: Pick<RoomHistory, "stateEvent">;
  readonly present: Present;
  readonly syncingUsers: SyncingUsers;
  readonly published: (roomNids: readonly number[]) => Promise<ReadonlySet<number>>;
};

export function createOldSync(deps: OldSyncDeps): OldSync {
  const { view, syncingUsers } = deps;
  const snapshots = createSnapshots(deps);
  // Messages for devices, keys and device lists were never told here.
  const computing: ComputeDeps = {
    ...deps.computing,
    toDevice: async () => ({ events: [], next: undefined }),
    deviceLists: async () => undefined,
    hasKeyChanges: async () => false,
  };

  /** The long-poll, in another form. */
  function pollWith(
    { compose, nothing }: { compose: Compose; nothing?: SyncDeps["nothing"] },
    users: SyncDeps["syncingUsers"] = syncingUsers,
  ) {
    return createLongPoll({
      ...deps,
      syncingUsers: users,
      toDevice: { delivered: () => undefined },
      compute: createCompute(computing, compose),
      fromMemory: () => undefined,
      nothing,
    });
  }

  /** Lets the user look into the room while something runs. */
  async function fromOutside<T>(
    { userId }: OldSyncRequest,
    room: Room,
    run: (users: SyncDeps["syncingUsers"]) => Promise<T>,
  ): Promise<T> {
    const onlooker = createOnlooker(userId, room, deps.log.position);
    const leave = syncingUsers.lookOn(onlooker, room.nid);
    try {
      return await run({ get: async () => onlooker, known: () => undefined });
    } finally {
      leave();
    }
  }

  /** The room, and what the user is in it. @throws MatrixError 403 M_FORBIDDEN for who may not read it */
  async function readable(
    { userId }: OldSyncRequest,
    roomId: RoomId,
  ): Promise<{ room: Room; membership: Membership | undefined; isOutside: boolean }> {
    await deps.history.stateEvent(userId, roomId, "m.room.create", "");
    const room = await view.room(roomId);
    if (room === undefined) throw errors.forbidden("You are not in that room");
    const row = await view.membership(room.nid, userId);
    const membership = row?.forgotten === true ? undefined : row?.membership;
    const wasIn = membership === "leave" || membership === "ban";
    const hasLeft = wasIn && (await view.endOfMembership(row!)) !== undefined;
    return { room, membership, isOutside: membership !== "join" && !hasLeft };
  }

  function requestOf(
    request: OldSyncRequest,
    filter: SyncFilter,
    since: string | undefined,
  ): SyncRequest {
    return {
      ...request,
      ...{ since, filter, fullState: false, stateAfter: "state_after" as const },
      onlyNews: since !== undefined,
    };
  }

  return {
    async events(request) {
      const { from, roomId } = request;
      const now = { position: deps.log.position, ephemeral: deps.ephemeralSerial(), toDevice: 0 };
      const token = from === undefined ? now : parseSyncToken(from, "from");
      const had = token.toDevice ?? token.position;
      const { position, ephemeral } = token;
      const form = eventStream(deps, { start: from ?? formatSyncToken(now), had });
      const since = formatSyncToken({ position, ephemeral });
      const { room, membership } = roomId === undefined ? {} : await readable(request, roomId);
      if (room === undefined) return pollWith(form)(requestOf(request, STREAM, since));
      if (membership === "join") {
        const ofRoom = { ...STREAM, room: { ...STREAM.room, rooms: new Set([room.roomId]) } };
        return pollWith(form)(requestOf(request, ofRoom, since));
      }
      const asked = requestOf(request, ONLY_EVENTS, since);
      return fromOutside(request, room, async (users) => pollWith(form, users)(asked));
    },

    async initial(request) {
      const { limit, archived } = request;
      const filter = parseFilter({ room: { timeline: { limit }, include_leave: archived } });
      return pollWith({ compose: snapshots.whole })(requestOf(request, filter, undefined));
    },

    async room(request) {
      const { roomId, limit } = request;
      const { room, membership, isOutside } = await readable(request, roomId);
      const rooms = { rooms: [roomId], timeline: { limit }, include_leave: true };
      const asked = requestOf(request, parseFilter({ room: rooms }), undefined);
      const form = { compose: snapshots.room(membership) };
      const text = isOutside
        ? await fromOutside(request, room, async (users) => pollWith(form, users)(asked))
        : await pollWith(form)(asked);
      if (text !== "") return text;
      throw errors.notFound("The room's members are not known yet: try again in a while");
    },
  };
}
