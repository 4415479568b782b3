import type { RequestBody } from "@weft/spec/types";
import type { Http } from "./http.ts";
import type { Content, EventContent, EventType, MatrixEvent } from "./types.ts";

const ROOM = "/_matrix/client/v3/rooms/{roomId}";

export type NewRoom = RequestBody<"createRoom">;

/** What one does in and to rooms. */
export function createRoomApi(http: Http) {
  return {
    messages: (roomId: string, from: string | undefined, limit = 40) =>
      http.call<"getRoomEvents">("GET", `${ROOM}/messages`, {
        path: { roomId },
        query: { dir: "b", from, limit, filter: '{"lazy_load_members":true}' },
      }),

    event: (roomId: string, eventId: string) =>
      http.call<"getOneRoomEvent">("GET", `${ROOM}/event/{eventId}`, { path: { roomId, eventId } }),

    /** A page of the events that relate to another in one way, newest first. */
    related: (roomId: string, eventId: string, relType: string, from?: string) =>
      http.call<"getRelatingEventsWithRelType">(
        "GET",
        "/_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}",
        { path: { roomId, eventId, relType }, query: { from, limit: 100 } },
      ),

    /** Everyone who is or was here, but for those who left. */
    members: async (roomId: string): Promise<MatrixEvent[]> =>
      (
        await http.call<"getMembersByRoom">("GET", `${ROOM}/members`, {
          path: { roomId },
          query: { not_membership: "leave" },
        })
      ).chunk,

    send: async (roomId: string, eventType: string, txnId: string, body: Content) => {
      const answer = await http.call<"sendMessage">("PUT", `${ROOM}/send/{eventType}/{txnId}`, {
        path: { roomId, eventType, txnId },
        body,
      });
      if ("delay_id" in answer) throw new Error("the server delays what was to be sent at once");
      return answer;
    },

    redact: (roomId: string, eventId: string, txnId: string, reason?: string) =>
      http.call<"redactEvent">("PUT", `${ROOM}/redact/{eventId}/{txnId}`, {
        path: { roomId, eventId, txnId },
        body: reason === undefined ? {} : { reason },
      }),

    setState: <Type extends EventType>(
      roomId: string,
      eventType: Type,
      body: EventContent<Type>,
      stateKey = "",
    ) =>
      http.call<"setRoomStateWithKey">("PUT", `${ROOM}/state/{eventType}/{stateKey}`, {
        path: { roomId, eventType, stateKey },
        body,
      }),

    create: async (room: NewRoom): Promise<string> =>
      (
        await http.call<"createRoom">("POST", "/_matrix/client/v3/createRoom", {
          body: room,
        })
      ).room_id,

    /** Joins by room id or alias. `via` names servers that may know the room. */
    join: async (roomIdOrAlias: string, via: string[] = []): Promise<string> =>
      (
        await http.call<"joinRoom">("POST", "/_matrix/client/v3/join/{roomIdOrAlias}", {
          path: { roomIdOrAlias },
          query: { via, server_name: via },
          timeout: 120_000,
        })
      ).room_id,

    leave: (roomId: string) =>
      http.call<"leaveRoom">("POST", `${ROOM}/leave`, { path: { roomId } }),
    forget: (roomId: string) =>
      http.call<"forgetRoom">("POST", `${ROOM}/forget`, { path: { roomId } }),
    invite: (roomId: string, userId: string, reason?: string) =>
      http.call<"inviteUser">("POST", `${ROOM}/invite`, {
        path: { roomId },
        body: { user_id: userId, reason },
      }),
    kick: (roomId: string, userId: string, reason?: string) =>
      http.call<"kick">("POST", `${ROOM}/kick`, {
        path: { roomId },
        body: { user_id: userId, reason },
      }),
    ban: (roomId: string, userId: string, reason?: string) =>
      http.call<"ban">("POST", `${ROOM}/ban`, {
        path: { roomId },
        body: { user_id: userId, reason },
      }),
    unban: (roomId: string, userId: string) =>
      http.call<"unban">("POST", `${ROOM}/unban`, { path: { roomId }, body: { user_id: userId } }),

    typing: (roomId: string, userId: string, typing: boolean) =>
      http.call<"setTyping">("PUT", `${ROOM}/typing/{userId}`, {
        path: { roomId, userId },
        body: typing ? { typing, timeout: 20_000 } : { typing },
      }),

    /** Moves both the public receipt and the private marker to this event. */
    markRead: (roomId: string, eventId: string) =>
      http.call<"setReadMarker">("POST", `${ROOM}/read_markers`, {
        path: { roomId },
        body: { "m.fully_read": eventId, "m.read": eventId },
      }),

    /** Moves the private marker alone. */
    markFullyRead: (roomId: string, eventId: string) =>
      http.call<"setReadMarker">("POST", `${ROOM}/read_markers`, {
        path: { roomId },
        body: { "m.fully_read": eventId },
      }),

    report: (roomId: string, eventId: string, reason: string) =>
      http.call<"reportEvent">("POST", `${ROOM}/report/{eventId}`, {
        path: { roomId, eventId },
        body: { reason },
      }),

    resolveAlias: (roomAlias: string) =>
      http.call<"getRoomIdByAlias">("GET", "/_matrix/client/v3/directory/room/{roomAlias}", {
        path: { roomAlias },
      }),

    /** A page of a server's public rooms; `server` undefined means our own. */
    directory: (server: string | undefined, term: string, since?: string) =>
      http.call<"queryPublicRooms">("POST", "/_matrix/client/v3/publicRooms", {
        query: { server },
        body: { limit: 30, since, filter: term === "" ? undefined : { generic_search_term: term } },
      }),
  };
}

export type RoomApi = ReturnType<typeof createRoomApi>;
