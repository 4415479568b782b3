import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { errors } from "../protocol/errors.ts";
import type { RoomId, ServerName, UserId } from "../protocol/identifiers.ts";
import * as listing from "../storage/media/listing.ts";
import { deleteUpload } from "../storage/media/media.ts";
import { changesAfter, newestChange } from "../storage/media/quarantine-changes.ts";
import * as storage from "../storage/media/quarantine.ts";
import type { Sql, Tx } from "../storage/sql.ts";
import { transaction } from "../storage/transaction.ts";
import type { Random } from "../platform/random.ts";
import type { Copies } from "./copies.ts";
import { createMediaDeletions } from "./deletions.ts";
import type { FileStore } from "./store/files.ts";
import type { MediaAdministration, MediaPlace } from "./types.ts";

export interface MediaAdministrationDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
  readonly serverName: ServerName;
  readonly files: FileStore;
  readonly copies: Pick<Copies, "deleteStale">;
}

/** Files of one transaction. */
const STEP = 200;
/** Changes of quarantine that are told at once. */
const MAX_CHANGES = 100;
const MAX_AT_ONCE = 10_000;

/** What administrators do is written to the log, with who did it. */
export function createMediaAdministration(deps: MediaAdministrationDeps): MediaAdministration {
  const { sql, clock, logger, serverName, files } = deps;

  function quarantineAll(by: UserId, keys: readonly storage.MediaKey[]): Promise<number> {
    const who = { userId: by, now: clock.now() };
    return transaction(sql, (tx) => storage.quarantine(tx, keys, serverName, who));
  }

  async function roomNidOf(roomId: RoomId): Promise<number> {
    const roomNid = await storage.roomNidOf(sql, roomId);
    if (roomNid === undefined) throw errors.notFound("That room is not known");
    return roomNid;
  }

  /** @throws MatrixError M_NOT_FOUND 404 */
  async function deleteOne({ server, mediaId }: MediaPlace, later = false): Promise<void> {
    await files.drop(
      async (tx) => {
        const unused = await deleteUpload(tx, server, mediaId);
        if (unused === undefined) throw errors.notFound("There is no such upload");
        return unused;
      },
      { later },
    );
  }

  /** Deletes several; those that are gone already are none of them. Returns their ids. */
  async function deleteAll(
    some: readonly listing.ListedMedia[],
    note?: (tx: Tx, count: number) => Promise<void>,
  ): Promise<string[]> {
    const gone: string[] = [];
    await files.drop(
      async (tx) => {
        gone.length = 0;
        const unused: Buffer[] = [];
        for (const { server, mediaId } of inOrder(some)) {
          const its = await deleteUpload(tx, server, mediaId);
          if (its === undefined) continue;
          gone.push(mediaId);
          unused.push(...its);
        }
        await note?.(tx, gone.length);
        return unused;
      },
      { later: true },
    );
    return gone;
  }

  async function deleteInSteps(next: () => Promise<listing.ListedMedia[]>): Promise<string[]> {
    const gone: string[] = [];
    while (gone.length < MAX_AT_ONCE) {
      const some = await next();
      if (some.length === 0) break;
      gone.push(...(await deleteAll(some)));
    }
    return gone;
  }

  const deletions = createMediaDeletions({
    ...{ sql, clock, logger, random: deps.random },
    async deleteSome(which, note) {
      const some = await listing.oldUploads(sql, which, STEP);
      if (some.length > 0) await deleteAll(some, note);
      return some.length > 0;
    },
  });

  return {
    deletions,

    async quarantine(by, place) {
      const count = await quarantineAll(by, [place]);
      logger.info({ by, ...place, count }, "an administrator quarantined a file");
    },

    async endQuarantine(by, place) {
      await transaction(sql, (tx) => storage.endQuarantine(tx, place));
      logger.info({ by, ...place }, "an administrator ended the quarantine of a file");
    },

    async changes(after) {
      const newest = await newestChange(sql);
      if (after > newest) throw errors.invalidParam("There is no such change yet");
      const changes = await changesAfter(sql, after, MAX_CHANGES);
      return { newest: changes.at(-1)?.id ?? newest, changes };
    },

    async quarantineRoom(by, roomId) {
      const roomNid = await roomNidOf(roomId);
      let count = 0;
      for (let after: storage.MediaKey | undefined = { server: "", mediaId: "" }; after;) {
        const keys = await storage.nextMediaOfRoom(sql, roomNid, after, STEP);
        count += await quarantineAll(by, keys);
        after = keys.length < STEP ? undefined : keys.at(-1);
      }
      logger.info({ by, room: roomId, count }, "an administrator quarantined a room's files");
      return count;
    },

    async quarantineUser(by, userId) {
      let count = 0;
      for (;;) {
        const keys = await storage.nextUploadsOf(sql, userId, STEP);
        count += await quarantineAll(by, keys);
        if (keys.length < STEP) break;
      }
      logger.info({ by, userId, count }, "an administrator quarantined a user's files");
      return count;
    },

    async protect(by, mediaId, isProtected) {
      const place = { server: serverName, mediaId };
      if (!(await storage.setProtected(sql, place, isProtected))) {
        throw errors.notFound("There is no such upload");
      }
      logger.info({ by, mediaId, isProtected }, "an administrator changed what protects a file");
    },

    async find({ server, mediaId }) {
      const found = await listing.findListed(sql, server, mediaId);
      if (found === undefined) throw errors.notFound("Nothing is known of such a file");
      return found;
    },

    async delete(by, place) {
      if (place.server !== serverName) throw errors.invalidParam("That is another server's file");
      await deleteOne(place);
      logger.info({ by, ...place }, "an administrator deleted a file");
    },

    async deleteOld(by, which) {
      const gone = await deleteInSteps(() => listing.oldUploads(sql, which, STEP));
      logger.info({ by, ...which, count: gone.length }, "an administrator deleted old files");
      return gone;
    },

    async deletePage(by, userId, page) {
      const gone = await deleteAll(await listing.uploadsOf(sql, userId, page));
      logger.info({ by, userId, count: gone.length }, "an administrator deleted a user's files");
      return gone;
    },

    async list(userId, page) {
      const media = await listing.uploadsOf(sql, userId, page);
      return { media, total: await listing.countUploads(sql, userId) };
    },

    async ofRoom(roomId) {
      const roomNid = await roomNidOf(roomId);
      const uris = async (isOwn: boolean) => {
        const own = { server: serverName, isOwn };
        const keys = await storage.mediaOfRoom(sql, roomNid, own, MAX_AT_ONCE);
        return keys.map(({ server, mediaId }) => `mxc://${server}/${mediaId}`);
      };
      return { local: await uris(true), remote: await uris(false) };
    },

    async deleteCopies(by, before) {
      const count = await deps.copies.deleteStale(before);
      logger.info({ by, before, count }, "an administrator deleted copies of files");
      return count;
    },
  };
}

const inOrder = <T extends storage.MediaKey>(some: readonly T[]) =>
  some.toSorted((a, b) => (a.mediaId < b.mediaId ? -1 : 1));
