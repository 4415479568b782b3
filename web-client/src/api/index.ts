import { createAccountApi } from "./account.ts";
import type { createContactApi } from "./contact.ts";
import type { createDirectoryApi } from "./directory.ts";
import { createEncryptionApi } from "./encryption.ts";
import { createHttp, type TokenSource } from "./http.ts";
import { createMediaApi } from "./media.ts";
import type { createNotifyApi } from "./notify.ts";
import type { createPresenceApi } from "./presence.ts";
import type { createReadingApi } from "./reading.ts";
import type { createRoomNotesApi } from "./room-notes.ts";
import { createRoomApi } from "./rooms.ts";
import type { Session } from "./session.ts";
import { createSocket, socketAddress } from "./socket.ts";
import { createSyncApi } from "./sync.ts";

/** The flag of servers that have sockets. */
const FLAG = "weft.socket";

/** What the page asks only once it is drawn: `completeApi` fills it in, so that the first script is without it. */
interface LaterApi {
  contact: ReturnType<typeof createContactApi>;
  directory: ReturnType<typeof createDirectoryApi>;
  notify: ReturnType<typeof createNotifyApi>;
  notes: ReturnType<typeof createRoomNotesApi>;
  presence: ReturnType<typeof createPresenceApi>;
  reading: ReturnType<typeof createReadingApi>;
}

/** Everything a signed-in device can ask of its homeserver. */
export function createApi(session: Session, tokens: TokenSource) {
  const plain = createHttp(session.baseUrl, tokens);
  async function isOffered(): Promise<boolean | undefined> {
    const call = plain.call<"getVersions">("GET", "/_matrix/client/versions", {});
    const answer = await call.catch(() => undefined);
    return answer && answer.unstable_features?.[FLAG] === true;
  }
  const socket = createSocket(() => socketAddress(session.baseUrl), tokens, isOffered);
  const http = createHttp(session.baseUrl, tokens, socket);
  const later = {} as LaterApi;
  return Object.assign(later, {
    http,
    account: createAccountApi(http, session.userId),
    encryption: createEncryptionApi(http),
    media: createMediaApi(http),
    rooms: createRoomApi(http),
    socket,
    sync: createSyncApi(plain, session.userId, socket),
  });
}

export type Api = ReturnType<typeof createApi>;
