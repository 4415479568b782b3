import type { Log } from "../../log/types.ts";
import { fitsIdLength } from "../../protocol/identifiers.ts";
import type { Sql } from "../../storage/sql.ts";
import { movedLists } from "../../storage/streams/encryption-keys.ts";
import { givenFallbacks, type GivenKey, givenKeys } from "../../storage/users/one-time-keys.ts";
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

/** What several claims want of one list of keys. */
interface Place {
  readonly wanted: WantedKey;
  /** Indexes of the claims. */
  readonly claims: number[];
}

/** Keys that one statement gives out: others wait for the log meanwhile. */
const MAX_KEYS = 500;
/** How often a claim begins anew that was overtaken by an upload. */
const MAX_TIMES = 3;

export function createKeyClaims({ sql, log }: { sql: Sql; log: Log }): KeyClaims {
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
        const claimed = await take(group);
        group.forEach(({ resolve }, index) => resolve(claimed[index]!));
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    isRunning = false;
  }

  /** Takes keys for a group of claims, in its order. */
  async function take(group: readonly Claim[]): Promise<ClaimedKey[][]> {
    const claimed: ClaimedKey[][] = group.map(() => []);
    let places = placesOf(group);
    for (let times = 0; places.length > 0 && times < MAX_TIMES; times += 1) {
      places = await takeFrom(places, claimed);
    }
    return claimed;
  }

  /**
   * Moves the lists on, and then reads the keys that this gave out. Returns the places that were
   * left without any since there is another fallback key by now, which is not marked as used.
   */
  async function takeFrom(places: readonly Place[], claimed: ClaimedKey[][]): Promise<Place[]> {
    const lists = places.map(({ wanted: { userId, deviceId, algorithm }, claims }) => ({
      ...{ userId, deviceId, algorithm, claimed: claims.length },
    }));
    const { returned } = await log.append({ records: [{ kind: "one_time_keys", lists }] });
    const given = movedLists(returned).map(({ list, first, last }) => ({
      ...{ place: places[list]!, first, count: Math.max(last - first + 1, 0) },
    }));
    const keys = Map.groupBy(await givenNow(given), ({ place }) => place);
    const counts = new Map(given.map(({ place, count }) => [place, count]));
    const short = places.filter((place) => place.claims.length > (counts.get(place) ?? 0));
    const fallbacks = short.length === 0 ? [] : await fallbacksNow(short);
    const byPlace = new Map(fallbacks.map((fallback) => [fallback.place, fallback]));
    const left: Place[] = [];
    for (const place of places) {
      const [own, fallback] = [keys.get(place) ?? [], byPlace.get(place)];
      const without = place.claims.slice(own.length);
      own.forEach((key, at) => claimed[place.claims[at]!]!.push(claimedKey(place.wanted, key)));
      if (fallback === undefined) continue;
      if (!fallback.used) left.push({ ...place, claims: without });
      else for (const n of without) claimed[n]!.push(claimedKey(place.wanted, fallback));
    }
    return left;
  }

  async function givenNow(given: readonly { place: Place; first: number; count: number }[]) {
    const some = given.filter(({ count }) => count > 0);
    if (some.length === 0) return [];
    const numbers = some.map(({ place: { wanted }, first, count }) => ({
      ...{ userId: wanted.userId, deviceId: wanted.deviceId, algorithm: wanted.algorithm },
      ...{ first, count },
    }));
    return (await givenKeys(sql, numbers)).map(({ n, id, text }) => ({
      ...{ place: some[n]!.place, id, text },
    }));
  }

  async function fallbacksNow(short: readonly Place[]) {
    const found = await givenFallbacks(
      sql,
      short.map(({ wanted }) => wanted),
    );
    return found.map(({ n, id, text, used }) => ({ place: short[n]!, id, text, used }));
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

function placesOf(group: readonly Claim[]): Place[] {
  const places = new Map<string, Place>();
  group.forEach(({ wanted }, index) => {
    for (const one of wanted) {
      const name = `${one.userId}\0${one.deviceId}\0${one.algorithm}`;
      const place = places.get(name);
      if (place) place.claims.push(index);
      else places.set(name, { wanted: one, claims: [index] });
    }
  });
  return [...places.values()];
}

function claimedKey(
  { userId, deviceId, algorithm }: WantedKey,
  { id, text }: Pick<GivenKey, "id" | "text">,
): ClaimedKey {
  return { userId, deviceId, algorithm, name: `${algorithm}:${id}`, text };
}

/** No device and no algorithm has another name, and PostgreSQL would refuse to look for some. */
function isFindable({ deviceId, algorithm }: WantedKey): boolean {
  return [deviceId, algorithm].every(
    (text) => fitsIdLength(text) && text.isWellFormed() && !text.includes("\0"),
  );
}
