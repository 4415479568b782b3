import type { AccountDataRecord } from "../../log/types.ts";
import { createLoadingCache } from "../../platform/caches.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";

/** How a user labels rooms, in account data. */
export interface RoomLabels {
  /** Room ids that `m.direct` names. */
  readonly direct: ReadonlySet<string>;
  /** Room nid → tags. */
  readonly tags: ReadonlyMap<number, ReadonlySet<string>>;
}

export const LABEL_TYPES = ["m.direct", "m.tag"] as const;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Users' labels, from memory where it can. */
export function createRoomLabels(
  load: (userId: UserId) => Promise<{ roomNid: number; type: string; content: string }[]>,
) {
  const cache = createLoadingCache<UserId, RoomLabels>({
    max: 20_000,
    load: async (userId) => labelsIn(await load(userId)),
  });
  return {
    of: async (userId: UserId): Promise<RoomLabels> =>
      (await cache.get(userId)) ?? { direct: new Set(), tags: new Map() },

    /** Applies a change of the log. */
    accountData({ userId, type }: AccountDataRecord): void {
      if ((LABEL_TYPES as readonly string[]).includes(type)) cache.delete(userId as UserId);
    },
  };
}

export type RoomLabelsCache = ReturnType<typeof createRoomLabels>;

function labelsIn(rows: readonly { roomNid: number; type: string; content: string }[]): RoomLabels {
  const direct = new Set<string>();
  const tags = new Map<number, ReadonlySet<string>>();
  for (const { roomNid, type, content } of rows) {
    const value: unknown = JSON.parse(content);
    if (!isObject(value)) continue;
    if (type === "m.direct" && roomNid === 0) {
      for (const rooms of Object.values(value)) {
        if (!Array.isArray(rooms)) continue;
        for (const room of rooms) if (typeof room === "string") direct.add(room);
      }
    }
    if (type === "m.tag" && isObject(value.tags)) {
      tags.set(roomNid, new Set(Object.keys(value.tags)));
    }
  }
  return { direct, tags };
}
