import type { Change, Log } from "../../log/types.ts";
import { fitsIdLength } from "../../protocol/identifiers.ts";
import { type GivenKey, takeOneTimeKeys } from "../../storage/users/one-time-keys.ts";
import type { ClaimedKey, WantedKey } from "./types.ts";

/** Claims of one-time keys of local users. */
export interface KeyClaims {
  /**
   * Gives out a key for each that is wanted and can be found: a one-time key, each once and in the
   * order of upload, or else the fallback key. Claims that come while others are under way are
   * gathered, and committed together. If a commit's outcome is unknown, its keys are lost.
   * (Client-server API, "One-time and fallback keys".)
   */
  claim(wanted: readonly WantedKey[]): Promise<readonly ClaimedKey[]>;
}

interface Claim {
  readonly wanted: readonly WantedKey[];
  resolve(claimed: readonly ClaimedKey[]): void;
  reject(error: unknown): void;
}

/** Keys that one transaction gives out: others wait for the log meanwhile. */
const MAX_KEYS = 500;

export function createKeyClaims({ log }: { log: Log }): KeyClaims {
  const waiting: Claim[] = [];
  let isRunning = false;

  function takeGroup(): Claim[] {
    let keys = 0;
    const end = waiting.findIndex(({ wanted }, index) => {
      keys += wanted.length;
      return index > 0 && keys > MAX_KEYS;
    });
    return waiting.splice(0, end === -1 ? waiting.length : end);
  }

  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) {
      const group = takeGroup();
      try {
        const claimed = await log.change((change) => take(change, group));
        group.forEach(({ resolve }, index) => resolve(claimed[index]!));
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    isRunning = false;
  }

  function claimSome(wanted: readonly WantedKey[]): Promise<readonly ClaimedKey[]> {
    return new Promise((resolve, reject) => {
      waiting.push({ wanted, resolve, reject });
      if (!isRunning) void run();
    });
  }

  return {
    async claim(wanted) {
      const findable = wanted.filter(isFindable);
      const parts: Promise<readonly ClaimedKey[]>[] = [];
      for (let at = 0; at < findable.length; at += MAX_KEYS) {
        parts.push(claimSome(findable.slice(at, at + MAX_KEYS)));
      }
      return (await Promise.all(parts)).flat();
    },
  };
}

/** Takes keys for a group of claims, in its order. */
async function take({ tx, record }: Change, group: readonly Claim[]): Promise<ClaimedKey[][]> {
  const places = new Map<string, { wanted: WantedKey; claims: number[] }>();
  group.forEach(({ wanted }, index) => {
    for (const one of wanted) {
      const key = JSON.stringify([one.userId, one.deviceId, one.algorithm]);
      const place = places.get(key) ?? { wanted: one, claims: [] };
      place.claims.push(index);
      places.set(key, place);
    }
  });
  const all = [...places.values()];
  const given = await takeOneTimeKeys(
    tx,
    all.map(({ wanted, claims }) => ({ ...wanted, count: claims.length })),
  );
  const byPlace = Map.groupBy(given, ({ n }) => n);
  const claimed: ClaimedKey[][] = group.map(() => []);
  const changed = new Map<string, WantedKey>();
  all.forEach(({ wanted, claims }, n) => {
    const keys = byPlace.get(n) ?? [];
    const fallback = keys.find(({ isFallback }) => isFallback);
    claims.forEach((claim, index) => {
      const key = keys[index] ?? fallback;
      if (key !== undefined) claimed[claim]!.push(claimedKey(wanted, key));
    });
    if (keys.some(({ isNews }) => isNews)) {
      changed.set(JSON.stringify([wanted.userId, wanted.deviceId]), wanted);
    }
  });
  for (const { userId, deviceId } of changed.values()) {
    record({ kind: "one_time_keys", userId, deviceId });
  }
  return claimed;
}

function claimedKey({ userId, deviceId, algorithm }: WantedKey, key: GivenKey): ClaimedKey {
  return { userId, deviceId, algorithm, name: `${algorithm}:${key.id}`, text: key.text };
}

/** No device and no algorithm has another name, and PostgreSQL would refuse to look for some. */
function isFindable({ deviceId, algorithm }: WantedKey): boolean {
  return [deviceId, algorithm].every(
    (text) => fitsIdLength(text) && text.isWellFormed() && !text.includes("\0"),
  );
}
