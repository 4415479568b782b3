import type { Schema } from "@weft/spec/types";
import type { Http } from "./http.ts";
import type { MatrixEvent } from "./types.ts";

const V1 = "/_matrix/client/v1";
const V3 = "/_matrix/client/v3";

/** The same, with the `m.space.child` events of a space. */
export type RoomInSpace = Schema<"RoomWithChildren">;
export type Visibility = "public" | "private";
/** How long a server keeps messages, in ms. */
export type RetentionPolicy = Schema<"Policy">;

/** How rooms are found, seen from outside, addressed and listed. */
export function createDirectoryApi(http: Http) {
  return {
    /** What a room is about, for who is not in it. `via` names servers that may know it. */
    summary: (roomIdOrAlias: string, via: string[] = []) =>
      http.call<"getRoomSummary">("GET", `${V1}/room_summary/{roomIdOrAlias}`, {
        path: { roomIdOrAlias },
        query: { via },
        timeout: 120_000,
      }),

    /** A page of a space's rooms, one level deep. */
    hierarchy: (roomId: string, from?: string) =>
      http.call<"getSpaceHierarchy">("GET", `${V1}/rooms/{roomId}/hierarchy`, {
        path: { roomId },
        query: { limit: 50, max_depth: 1, from },
        timeout: 120_000,
      }),

    /** Asks to be let in. Answers the room's id. */
    knock: async (roomIdOrAlias: string, via: string[], reason: string): Promise<string> =>
      (
        await http.call<"knockRoom">("POST", `${V3}/knock/{roomIdOrAlias}`, {
          path: { roomIdOrAlias },
          query: { via, server_name: via },
          body: reason === "" ? {} : { reason },
          timeout: 120_000,
        })
      ).room_id,

    /** The whole state of a room: as it is, or as it was when one left it. */
    state: (roomId: string): Promise<MatrixEvent[]> =>
      http.call<"getRoomState">("GET", `${V3}/rooms/{roomId}/state`, { path: { roomId } }),

    /** The addresses that our server keeps for a room. */
    aliases: async (roomId: string): Promise<string[]> =>
      (
        await http.call<"getLocalAliases">("GET", `${V3}/rooms/{roomId}/aliases`, {
          path: { roomId },
        })
      ).aliases,
    addAlias: (roomAlias: string, roomId: string) =>
      http.call<"setRoomAlias">("PUT", `${V3}/directory/room/{roomAlias}`, {
        path: { roomAlias },
        body: { room_id: roomId },
      }),
    removeAlias: (roomAlias: string) =>
      http.call<"deleteRoomAlias">("DELETE", `${V3}/directory/room/{roomAlias}`, {
        path: { roomAlias },
      }),

    /** Whether our server lists the room among the public ones. */
    listing: async (roomId: string): Promise<Visibility> =>
      (
        await http.call<"getRoomVisibilityOnDirectory">(
          "GET",
          `${V3}/directory/list/room/{roomId}`,
          { path: { roomId } },
        )
      ).visibility ?? "private",
    setListing: (roomId: string, visibility: Visibility) =>
      http.call<"setRoomVisibilityOnDirectory">("PUT", `${V3}/directory/list/room/{roomId}`, {
        path: { roomId },
        body: { visibility },
      }),

    /** Makes the room's successor, in another version. Answers its id. */
    upgrade: async (roomId: string, version: string): Promise<string> =>
      (
        await http.call<"upgradeRoom">("POST", `${V3}/rooms/{roomId}/upgrade`, {
          path: { roomId },
          body: { new_version: version },
          timeout: 120_000,
        })
      ).replacement_room,

    capabilities: async () =>
      (await http.call<"getCapabilities">("GET", `${V3}/capabilities`, {})).capabilities,

    /** How long this server keeps messages; refused with 404 where it keeps them for ever. */
    retention: () =>
      http.call<"getRetentionConfiguration">(
        "GET",
        "/_matrix/client/unstable/org.matrix.msc1763/retention/configuration",
        {},
      ),

    /** How long a room's messages are kept, in ms; undefined leaves it to the servers. */
    setRetention: (roomId: string, longest: number | undefined) =>
      http.call<"setRoomStateWithKey">("PUT", `${V3}/rooms/{roomId}/state/{eventType}/{stateKey}`, {
        path: { roomId, eventType: "m.room.retention", stateKey: "" },
        body: longest === undefined ? {} : { max_lifetime: longest },
      }),

    reportRoom: (roomId: string, reason: string) =>
      http.call<"reportRoom">("POST", `${V3}/rooms/{roomId}/report`, {
        path: { roomId },
        body: { reason },
      }),
    reportUser: (userId: string, reason: string) =>
      http.call<"reportUser">("POST", `${V3}/users/{userId}/report`, {
        path: { userId },
        body: { reason },
      }),
  };
}
