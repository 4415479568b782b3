import type { QueryParams, RequestBody, ResponseBody, Schema } from "@weft/spec/types";
import type { Http } from "../http.ts";

export type ListedRoom = Schema<"ListedRoom">;
export type RoomRow = ResponseBody<"listRooms">["rooms"][number];
export type RoomStatus = RoomRow["status"];
export type RoomDetails = Schema<"RoomDetails">;
export type RoomMember = ResponseBody<"listRoomMembers">["members"][number];
export type Deletion = ResponseBody<"getRoomDeletions">["results"][number];

const V1 = "/_synapse/admin/v1/rooms";
const V2 = "/_synapse/admin/v2/rooms";
const OWN = "/_weft/admin/rooms/{roomId}";

/** All rooms of the server. */
export function createRoomsAdmin(http: Http) {
  return {
    list: (query: QueryParams<"listRooms">, signal?: AbortSignal) =>
      http.call<"listRooms">("GET", "/_weft/admin/rooms", { query, signal }),
    get: (roomId: string, signal?: AbortSignal) =>
      http.call<"adminGetRoom">("GET", `${V1}/{roomId}`, { path: { roomId }, signal }),
    state: (roomId: string, signal?: AbortSignal) =>
      http.call<"adminGetRoomState">("GET", `${V1}/{roomId}/state`, { path: { roomId }, signal }),
    members: (roomId: string, query: QueryParams<"listRoomMembers">, signal?: AbortSignal) =>
      http.call<"listRoomMembers">("GET", `${OWN}/members`, { path: { roomId }, query, signal }),
    remove: (roomId: string, userId: string, body: RequestBody<"removeRoomMember">) =>
      http.call<"removeRoomMember">("POST", `${OWN}/members/{userId}/remove`, {
        path: { roomId, userId },
        body,
      }),
    makeAdmin: (roomId: string, userId: string) =>
      http.call<"makeRoomAdmin">("POST", `${V1}/{roomIdOrAlias}/make_room_admin`, {
        path: { roomIdOrAlias: roomId },
        body: { user_id: userId },
      }),
    status: (roomId: string, signal?: AbortSignal) =>
      http.call<"getRoomStatus">("GET", `${OWN}/status`, { path: { roomId }, signal }),
    setStatus: (roomId: string, status: RoomStatus, reason: string) =>
      http.call<"setRoomStatus">("PUT", `${OWN}/status`, {
        path: { roomId },
        body: { status, ...(reason === "" ? {} : { reason }) },
      }),
    delete: (roomId: string, body: RequestBody<"deleteRoom">) =>
      http.call<"deleteRoom">("DELETE", `${V2}/{roomId}`, { path: { roomId }, body }),
    deletions: (roomId: string, signal?: AbortSignal) =>
      http.call<"getRoomDeletions">("GET", `${V2}/{roomId}/delete_status`, {
        path: { roomId },
        signal,
      }),
    purge: (roomId: string, before: number, own: boolean) =>
      http.call<"purgeHistory">("POST", "/_synapse/admin/v1/purge_history/{roomId}", {
        path: { roomId },
        body: { purge_up_to_ts: before, delete_local_events: own },
      }),
    quarantine: (roomId: string) =>
      http.call<"quarantineRoomMedia">(
        "POST",
        "/_synapse/admin/v1/room/{roomId}/media/quarantine",
        {
          path: { roomId },
        },
      ),
    storage: (roomId: string, signal?: AbortSignal) =>
      http.call<"getRoomStorage">("GET", `${OWN}/storage`, { path: { roomId }, signal }),
  };
}
