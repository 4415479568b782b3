/** Rooms that this server is not in: other servers are asked, and their answers kept for a while. */
import { createFairQueue, QueueFull } from "../platform/fair-queue.ts";
import { LRUCache } from "../platform/caches.ts";
import type { Clock } from "../platform/clock.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import type { RemoteServer } from "../federation-client/types.ts";
import type { RoomId, ServerName } from "../protocol/identifiers.ts";
import { jsonText } from "../protocol/json.ts";
import { toldSpace } from "./told-rooms.ts";
import type { FoundRoom } from "./types.ts";

export interface RemoteRooms {
  /**
   * The room as the first of the servers tells of it that does; three are asked at most. Undefined
   * when none does. It is what our server may know: what a user may is to be asked.
   */
  find(
    roomId: RoomId,
    via: readonly ServerName[],
    suggestedOnly: boolean,
  ): Promise<FoundRoom | undefined>;
}

export interface RemoteRoomsDeps {
  readonly remote: Pick<RemoteServer, "hierarchy">;
  readonly serverName: ServerName;
  readonly clock: Pick<Clock, "now">;
}

/** Answers of one server about one room are used this long. Another's never stands for it. */
const KEPT_MS = 5 * 60_000;
/** A server that knew nothing is asked again after this long. */
const FAILED_MS = 60_000;
/** Characters of all answers that are kept. */
const KEPT_CHARACTERS = 32 * 1024 * 1024;
const MAX_SERVERS = 3;
/** Questions at once for each server, and in all; those that wait for one server. */
const LIMITS = { perKey: 4, total: 32, maxWaiting: 64 };

type Kept = FoundRoom | "nothing";

export function createRemoteRooms({ remote, serverName, clock }: RemoteRoomsDeps): RemoteRooms {
  const kept = new LRUCache<string, Kept>({
    maxSize: KEPT_CHARACTERS,
    perf: { now: () => clock.now() },
    ttlResolution: 0,
  });
  const asking = createSingleFlight<string, Kept>();
  const queue = createFairQueue<ServerName>(LIMITS);

  async function ask(server: ServerName, roomId: RoomId, suggestedOnly: boolean): Promise<Kept> {
    const key = `${server}\0${roomId}\0${suggestedOnly}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    return await asking.run(key, async () => {
      try {
        const answer = await queue.run(server, () =>
          remote.hierarchy(server, roomId, suggestedOnly),
        );
        const found = toldSpace(answer, roomId);
        if (found !== undefined) {
          const size = key.length + jsonText(answer).length;
          kept.set(key, found, { size, ttl: KEPT_MS });
          return found;
        }
      } catch (error) {
        // Whatever went wrong there, that server has nothing to tell for now.
        if (error instanceof QueueFull) return "nothing";
      }
      kept.set(key, "nothing", { size: key.length, ttl: FAILED_MS });
      return "nothing";
    });
  }

  return {
    async find(roomId, via, suggestedOnly) {
      const servers = [...new Set(via)].filter((server) => server !== serverName);
      for (const server of servers.slice(0, MAX_SERVERS)) {
        const found = await ask(server, roomId, suggestedOnly);
        if (found !== "nothing") return found;
      }
      return undefined;
    },
  };
}
