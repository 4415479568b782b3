import { v1, v2, bulky, forWaitingUser, named } from "./requests/calls.ts";
import type { Calls } from "./requests/calls.ts";
import { RemoteError } from "./requests/remote-error.ts";
import { uriOf } from "./requests/signed-request.ts";
import type { RemoteRooms } from "./types.ts";

type MembershipCalls = Pick<
  RemoteRooms,
  "makeJoin" | "sendJoin" | "makeLeave" | "sendLeave" | "makeKnock" | "sendKnock" | "invite"
>;

/** Joins, leaves, knocks and invites through other servers. */
export function membershipCalls({ get, put, parts }: Calls): MembershipCalls {
  return {
    /** GET /_matrix/federation/v1/make_join */
    makeJoin: (server, roomId, userId, versions) =>
      get(server, v1("make_join", roomId, userId), { ver: versions }, named),

    /** PUT /_matrix/federation/v2/send_join */
    sendJoin: (server, join, take) => {
      const query = join.omitMembers ? { omit_members: "true" } : {};
      const uri = uriOf(v2("send_join", join.roomId, join.eventId), query);
      const request = { method: "PUT" as const, uri, content: join.pdu, ...bulky, insist: true };
      return parts(server, request, take);
    },

    /** GET /_matrix/federation/v1/make_leave */
    makeLeave: (server, roomId, userId) =>
      get(server, v1("make_leave", roomId, userId), {}, forWaitingUser),

    /** PUT /_matrix/federation/v2/send_leave */
    async sendLeave(server, roomId, eventId, pdu) {
      await put(server, v2("send_leave", roomId, eventId), pdu, forWaitingUser);
    },

    /** GET /_matrix/federation/v1/make_knock */
    makeKnock: (server, roomId, userId, versions) =>
      get(server, v1("make_knock", roomId, userId), { ver: versions }, named),

    /** PUT /_matrix/federation/v1/send_knock */
    sendKnock: (server, roomId, eventId, pdu) =>
      put(server, v1("send_knock", roomId, eventId), pdu, forWaitingUser),

    /**
     * PUT /_matrix/federation/v2/invite; v1 for room versions 1 and 2 on old servers. Answers
     * {event}.
     */
    invite: (server, roomId, eventId, body) =>
      newerOrOlder(
        () => put(server, v2("invite", roomId, eventId), body, forWaitingUser),
        async () => {
          if (body.room_version !== "1" && body.room_version !== "2") {
            throw new RemoteError(
              server,
              undefined,
              undefined,
              `${server} is too old for the room`,
            );
          }
          const unsigned = { invite_room_state: body.invite_room_state };
          return await put(
            server,
            v1("invite", roomId, eventId),
            { ...body.event, unsigned },
            {
              ...forWaitingUser,
              pairAnswer: true,
            },
          );
        },
      ),
  };
}

/** v2, or v1 for older servers; v1 answers are `[200, body]` instead of an object. */
async function newerOrOlder<T>(newer: () => Promise<T>, older: () => Promise<T>): Promise<T> {
  try {
    return await newer();
  } catch (error) {
    if (error instanceof RemoteError && error.isUnsupported) return await older();
    throw error;
  }
}
