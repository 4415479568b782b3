import { createAccountApi } from "./account.ts";
import { createEncryptionApi } from "./encryption.ts";
import { createHttp, type TokenSource } from "./http.ts";
import { createMediaApi } from "./media.ts";
import { createRoomApi } from "./rooms.ts";
import type { Session } from "./session.ts";
import { createSyncApi } from "./sync.ts";

/** Everything a signed-in device can ask of its homeserver. */
export function createApi(session: Session, tokens: TokenSource) {
  const http = createHttp(session.baseUrl, tokens);
  return {
    account: createAccountApi(http, session.userId),
    encryption: createEncryptionApi(http),
    media: createMediaApi(http),
    rooms: createRoomApi(http),
    sync: createSyncApi(http),
  };
}

export type Api = ReturnType<typeof createApi>;
