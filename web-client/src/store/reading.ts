import type { Synced } from "../api/sync.ts";
import type { MatrixEvent, SyncResponse } from "../api/types.ts";
import type { EncryptionFront } from "../encryption/front.ts";

/** The events of each room that a response speaks of. */
function* timelines(response: SyncResponse): Generator<[roomId: string, events: MatrixEvent[]]> {
  for (const kind of ["join", "leave"] as const) {
    for (const [roomId, data] of Object.entries(response.rooms?.[kind] ?? {})) {
      yield [roomId, data.timeline?.events ?? []];
    }
  }
}

/** The same response, with its encrypted events as far as they can be read. */
async function readResponse(
  response: SyncResponse,
  { reader }: EncryptionFront,
): Promise<SyncResponse> {
  // In place: nobody else holds the response, and what is read of it stays readable when it is taken in.
  for (const kind of ["join", "leave"] as const) {
    for (const [roomId, { timeline }] of Object.entries(response.rooms?.[kind] ?? {})) {
      if (timeline?.events === undefined) continue;
      timeline.events = await reader.events(roomId, timeline.events);
    }
  }
  return response;
}

/**
 * Makes what takes in responses of `/sync`: first the engine what is for it, then the rooms the rest, readable. While the
 * engine is being loaded the rooms come first, and heal. What it answers says whether the engine keeps what it got: not
 * before may the server be told that we have it.
 */
export function createIntake(
  encryption: EncryptionFront,
  take: (synced: Synced) => void,
): (synced: Synced) => Promise<boolean> {
  let early: string | undefined;

  /** Parts have nothing for the engine: they come before it is there. */
  const feed = async ({ response, begins, isPartial }: Synced): Promise<boolean> =>
    isPartial === true || encryption.feed(response, begins === true);

  return async (synced) => {
    const { response } = synced;
    if (!encryption.isReady) {
      // Asked again after a refusal, the server may give the same once more.
      const place = synced.unkept ?? response.next_batch;
      if (early !== place) take(synced);
      early = place;
      const isKept = await feed(synced);
      for (const [roomId, events] of timelines(response)) encryption.watch(roomId, events);
      return isKept;
    }
    const isKept = await feed(synced);
    const readable = await encryption.during(async () => {
      const read = await readResponse(response, encryption).catch(() => response);
      take({ ...synced, response: read });
      return read;
    });
    for (const [roomId, events] of timelines(readable)) encryption.watch(roomId, events);
    return isKept;
  };
}
