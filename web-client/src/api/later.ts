import { createContactApi } from "./contact.ts";
import { createDirectoryApi } from "./directory.ts";
import type { Api } from "./index.ts";
import { createNotifyApi } from "./notify.ts";
import { createPresenceApi } from "./presence.ts";
import { createReadingApi } from "./reading.ts";
import { createRoomNotesApi } from "./room-notes.ts";

/** Fills in what the first script leaves out. Whoever shows rooms calls it before anything asks for that. */
export function completeApi(api: Api, userId: string): void {
  api.contact ??= createContactApi(api.http);
  api.directory ??= createDirectoryApi(api.http);
  api.notify ??= createNotifyApi(api.http);
  api.presence ??= createPresenceApi(api.http, userId);
  api.reading ??= createReadingApi(api.http);
  api.notes ??= createRoomNotesApi(api.http, userId);
}
