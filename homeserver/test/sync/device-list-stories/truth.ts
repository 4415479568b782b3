/** What is true of rooms and devices at each position of the log, and a client that is told of it. */
import { expect } from "vitest";
import { parseSyncToken } from "../../../src/log/token.ts";
import type { Body } from "../../support/user.ts";

interface Moment {
  readonly position: number;
  /** Room → users. */
  readonly rooms: ReadonlyMap<string, ReadonlySet<string>>;
  /** User → how often their devices changed. */
  readonly versions: ReadonlyMap<string, number>;
}

/** Changes of a user that are not about one device, and are remembered. */
const REMEMBERED = 10;

/** The history of a small world, written down as it is made. */
export function createTruth() {
  const moments: Moment[] = [];
  let now: Moment = { position: 0, rooms: new Map(), versions: new Map() };
  /** Changes that only the newest few are kept of. */
  const collapsing: { readonly userId: string; readonly position: number }[] = [];
  const signatures: { readonly by: string; readonly of: string; readonly position: number }[] = [];

  function became(next: Partial<Moment>, position: number): void {
    now = { ...now, ...next, position };
    moments.push(now);
  }

  const at = (position: number): Moment =>
    moments.findLast((moment) => moment.position <= position) ?? {
      position: 0,
      rooms: new Map(),
      versions: new Map(),
    };

  function sharing(userId: string, position: number): Set<string> {
    const found = new Set<string>();
    for (const users of at(position).rooms.values()) {
      if (users.has(userId)) for (const user of users) found.add(user);
    }
    found.delete(userId);
    return found;
  }

  return {
    isIn: (roomId: string, userId: string) => now.rooms.get(roomId)?.has(userId) ?? false,
    moved(roomId: string, userId: string, isIn: boolean, position: number): void {
      const users = new Set(now.rooms.get(roomId));
      if (isIn) users.add(userId);
      else users.delete(userId);
      became({ rooms: new Map(now.rooms).set(roomId, users) }, position);
    },
    deviceChanged(userId: string, deviceId: string, position: number): void {
      const version = (now.versions.get(userId) ?? 0) + 1;
      became({ versions: new Map(now.versions).set(userId, version) }, position);
      if (deviceId === "") collapsing.push({ userId, position });
    },
    signed: (by: string, of: string, position: number) =>
      void signatures.push({ by, of, position }),
    sharing,
    version: (userId: string, position: number) => at(position).versions.get(userId) ?? 0,

    /** What has to be told between two positions, and who may be told of besides. */
    changes(userId: string, after: number, upTo: number) {
      const before = sharing(userId, after);
      const after_ = sharing(userId, upTo);
      const differs = (other: string) =>
        (at(after).versions.get(other) ?? 0) !== (at(upTo).versions.get(other) ?? 0);
      const left = [...before].filter((other) => !after_.has(other));
      const signed = signatures.filter((one) => one.by === userId && one.position > after);
      const isShared = (other: string) => other === userId || after_.has(other);
      const must = new Set([
        ...[...after_].filter((other) => !before.has(other) || differs(other)),
        ...(differs(userId) ? [userId] : []),
        ...signed.flatMap(({ of, position }) => (position <= upTo && after_.has(of) ? [of] : [])),
      ]);
      // Of many such changes it is not known any more when each of them was.
      const collapsed = collapsing.filter(({ position }) => position > after);
      const counts = Map.groupBy(collapsed, (one) => one.userId);
      const superseded = [...counts].flatMap(([id, all]) => (all.length >= REMEMBERED ? id : []));
      const may = new Set([...signed.map(({ of }) => of), ...superseded].filter(isShared));
      return { must: [...must].sort(), may, left: left.sort() };
    },
  };
}

export type Truth = ReturnType<typeof createTruth>;

const positionOf = (token: string): number => parseSyncToken(token).position;

/** Compares what a user was told between two tokens with the truth. */
export function expectTrue(
  truth: Truth,
  userId: string,
  [since, until]: readonly [string, string],
  told: { readonly changed: readonly string[]; readonly left: readonly string[] },
): void {
  const { must, may, left } = truth.changes(userId, positionOf(since), positionOf(until));
  const unneeded = told.changed.filter((other) => may.has(other) && !must.includes(other));
  const needed = told.changed.filter((other) => !unneeded.includes(other));
  expect({ by: [since, until], changed: needed, left: told.left }).toEqual({
    ...{ by: [since, until], changed: must, left },
  });
}

/** A client that keeps device lists as the specification has it: by what it is told alone. */
export function createTracker(truth: Truth, userId: string) {
  const known = new Map<string, number>();
  const tokens: string[] = [];

  return {
    tokens,
    get since(): string | undefined {
      return tokens.at(-1);
    },
    /** Takes the answer to a sync. */
    take(body: Body): void {
      const { since } = this;
      const until = body.next_batch as string;
      tokens.push(until);
      if (since === undefined) {
        expect(body.device_lists).toBeUndefined();
        for (const other of truth.sharing(userId, positionOf(until))) ask(other, until);
        ask(userId, until);
        return;
      }
      const told = body.device_lists ?? { changed: [], left: [] };
      expectTrue(truth, userId, [since, until], told);
      for (const other of told.changed) ask(other, until);
      for (const other of told.left) known.delete(other);
      const position = positionOf(until);
      const expected = [userId, ...truth.sharing(userId, position)].map(
        (other) => [other, truth.version(other, position)] as const,
      );
      expect(known).toEqual(new Map(expected));
    },
  };

  /** GET /keys/query. */
  function ask(other: string, token: string): void {
    known.set(other, truth.version(other, positionOf(token)));
  }
}
