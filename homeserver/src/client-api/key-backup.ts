import { inParts, raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { BackedUpKey } from "../users/data/key-backups.ts";
import type { Users } from "../users/users.ts";

export function keyBackupRoutes({ users }: { users: Users }): Route[] {
  const { keyBackups } = users;
  return [
    // POST /_matrix/client/v3/room_keys/version
    route("postRoomKeysVersion", async ({ requester, body }) => ({
      version: await keyBackups.create(requester.userId, body.algorithm, body.auth_data),
    })),

    // GET /_matrix/client/v3/room_keys/version
    route("getRoomKeysVersionCurrent", ({ requester }) => keyBackups.get(requester.userId)),

    // GET /_matrix/client/v3/room_keys/version/{version}
    route("getRoomKeysVersion", ({ requester, params }) =>
      keyBackups.get(requester.userId, params.version),
    ),

    // PUT /_matrix/client/v3/room_keys/version/{version}
    route("putRoomKeysVersion", async ({ requester, params, body }) => {
      if (body.version !== undefined && body.version !== params.version) {
        throw errors.invalidParam("The version in the body is not that of the path");
      }
      const { algorithm, auth_data: authData } = body;
      await keyBackups.change(requester.userId, params.version, algorithm, authData);
      return {};
    }),

    // DELETE /_matrix/client/v3/room_keys/version/{version}
    route("deleteRoomKeysVersion", ({ requester, params }) =>
      keyBackups.remove(requester.userId, params.version),
    ),

    // PUT /_matrix/client/v3/room_keys/keys
    route("putRoomKeys", ({ requester, query, body }) =>
      keyBackups.putKeys(requester.userId, query.version, body.rooms),
    ),

    // GET /_matrix/client/v3/room_keys/keys
    route("getRoomKeys", async ({ requester, query }) => {
      const keys = await keyBackups.keys(requester.userId, query.version, {});
      return inParts(around(`{"rooms":{`, roomTexts(keys), "}}"));
    }),

    // DELETE /_matrix/client/v3/room_keys/keys
    route("deleteRoomKeys", ({ requester, query }) =>
      keyBackups.removeKeys(requester.userId, query.version, {}),
    ),

    // PUT /_matrix/client/v3/room_keys/keys/{roomId}
    route("putRoomKeysByRoomId", ({ requester, params, query, body }) =>
      keyBackups.putKeys(requester.userId, query.version, { [params.roomId]: body }),
    ),

    // GET /_matrix/client/v3/room_keys/keys/{roomId}
    route("getRoomKeysByRoomId", async ({ requester, params, query }) => {
      const { roomId } = params;
      const keys = await keyBackups.keys(requester.userId, query.version, { roomId });
      return inParts(around(`{"sessions":{`, sessionTexts(keys), "}}"));
    }),

    // DELETE /_matrix/client/v3/room_keys/keys/{roomId}
    route("deleteRoomKeysByRoomId", ({ requester, params: { roomId }, query }) =>
      keyBackups.removeKeys(requester.userId, query.version, { roomId }),
    ),

    // PUT /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}
    route("putRoomKeyBySessionId", ({ requester, params, query, body }) => {
      const { roomId, sessionId } = params;
      const rooms = { [roomId]: { sessions: { [sessionId]: body } } };
      return keyBackups.putKeys(requester.userId, query.version, rooms);
    }),

    // GET /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}
    route("getRoomKeyBySessionId", async ({ requester, params: { roomId, sessionId }, query }) => {
      const which = { roomId, sessionId };
      for await (const [key] of await keyBackups.keys(requester.userId, query.version, which)) {
        if (key) return raw(keyText(key));
      }
      throw errors.notFound("There is no key of that session in the backup");
    }),

    // DELETE /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}
    route("deleteRoomKeyBySessionId", ({ requester, params: { roomId, sessionId }, query }) =>
      keyBackups.removeKeys(requester.userId, query.version, { roomId, sessionId }),
    ),
  ];
}

/** A backup may be larger than memory should hold: it is sent while its keys are read. */
async function* around(
  head: string,
  texts: AsyncIterable<string>,
  tail: string,
): AsyncGenerator<string> {
  yield head;
  yield* texts;
  yield tail;
}

async function* sessionTexts(pages: AsyncIterable<readonly BackedUpKey[]>): AsyncGenerator<string> {
  let separator = "";
  for await (const page of pages) {
    yield separator + page.map(memberText).join(",");
    separator = ",";
  }
}

async function* roomTexts(pages: AsyncIterable<readonly BackedUpKey[]>): AsyncGenerator<string> {
  let room: string | undefined;
  for await (const page of pages) {
    let text = "";
    for (const key of page) {
      if (key.roomId === room) text += ",";
      else text += `${room === undefined ? "" : "}},"}${JSON.stringify(key.roomId)}:{"sessions":{`;
      room = key.roomId;
      text += memberText(key);
    }
    yield text;
  }
  if (room !== undefined) yield "}}";
}

function memberText(key: BackedUpKey): string {
  return `${JSON.stringify(key.sessionId)}:${keyText(key)}`;
}

function keyText(key: BackedUpKey): string {
  const { firstMessageIndex, forwardedCount, isVerified, sessionData } = key;
  return `{"first_message_index":${firstMessageIndex},"forwarded_count":${forwardedCount},"is_verified":${isVerified},"session_data":${sessionData}}`;
}
