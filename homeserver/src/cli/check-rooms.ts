/**
 * `weft doctor --room ID`, `--rooms` and `--collect`: checks the stored data of rooms, also while a
 * server is running.
 */
import type { Config } from "../config/load.ts";
import { loadSigningKey } from "../config/signing-key.ts";
import { systemRandom } from "../platform/random.ts";
import { type VerifyKey, verifyKeyFromBase64 } from "../protocol/crypto.ts";
import { isRoomId, type RoomId, type ServerName } from "../protocol/identifiers.ts";
import { checkRoom, type CheckOptions, type RoomReport } from "../rooms/integrity/index.ts";
import { roomsWithHead } from "../storage/rooms/integrity.ts";
import { shareDatabase } from "../storage/embedded/open-database.ts";
import { findServerKeys } from "../storage/federation/server-keys.ts";
import { connect, type Sql } from "../storage/sql.ts";
import { previewCollection } from "../storage/rooms/state-collection.ts";

export interface RoomsWanted {
  /** Check this room. */
  readonly room?: string | undefined;
  /** Check all rooms. */
  readonly rooms?: boolean | undefined;
  /** Repair what does not match the events. */
  readonly mend?: boolean | undefined;
  /** Report what a collection of state nodes would remove. */
  readonly collect?: boolean | undefined;
  /** Of one room: continues after this event's nid, which an earlier run printed. */
  readonly after?: number | undefined;
}

export type Print = (line: string) => void;

const ROOMS_A_PAGE = 100;
const FINDINGS_SHOWN = 50;
const PROGRESS_EVERY = 20_000;
const MEND = "Stop the servers and run this again with --mend: see docs/guide.md.";

/** Prints the findings. @returns whether everything is in order */
export async function checkRooms(
  config: Config,
  wanted: RoomsWanted,
  print: Print,
): Promise<boolean> {
  const database = await shareDatabase(config);
  const sql = connect(database.location, { max: 1, applicationName: "weft doctor" });
  try {
    // One snapshot of everything, whatever a running server does meanwhile.
    await sql.unsafe("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const key = keysOf(config, sql);
    let allWell = true;
    if (wanted.collect) allWell = (await tellCollection(sql, print)) && allWell;
    for await (const roomId of roomsOf(sql, wanted)) {
      allWell = (await checkOneRoom(sql, roomId, key, wanted.after, print)) && allWell;
    }
    if (!allWell && (wanted.room !== undefined || wanted.rooms === true)) print(`      ${MEND}`);
    return allWell;
  } finally {
    await sql.end({ timeout: 2 });
    await database.close();
  }
}

/** The selected rooms, in pages. */
export async function* roomsOf(
  sql: Sql,
  { room, rooms }: Pick<RoomsWanted, "room" | "rooms">,
): AsyncGenerator<RoomId> {
  if (room !== undefined) {
    if (!isRoomId(room)) throw new Error(`${room} is no room id`);
    yield room;
  } else if (rooms) {
    for (let after = ""; ;) {
      const page = await roomsWithHead(sql, after, ROOMS_A_PAGE);
      yield* page as RoomId[];
      if (page.length < ROOMS_A_PAGE) return;
      after = page.at(-1)!;
    }
  }
}

/** Prints the findings about a room. @returns whether everything is in order */
export async function checkOneRoom(
  sql: Sql,
  roomId: RoomId,
  key: CheckOptions["key"],
  afterNid: number | undefined,
  print: Print,
): Promise<boolean> {
  let shown = 0;
  let reported = afterNid ?? 0;
  const report = await checkRoom(sql, roomId, {
    key,
    afterNid,
    found({ eventId, what }) {
      shown += 1;
      const about = eventId === undefined ? roomId : `${roomId} ${eventId}`;
      if (shown <= FINDINGS_SHOWN) print(`WRONG ${about}: ${what}`);
    },
    note(what, eventId) {
      print(`NOTE  ${eventId === undefined ? roomId : `${roomId} ${eventId}`}: ${what}`);
    },
    progress(nid) {
      if (nid - reported < PROGRESS_EVERY) return;
      reported = nid;
      print(`      ${roomId}: up to event number ${nid} (--after ${nid} goes on there)`);
    },
  });
  if (report === undefined) throw new Error(`${roomId} is not known here`);
  if (shown > FINDINGS_SHOWN) print(`      and ${shown - FINDINGS_SHOWN} more`);
  print(`${shown === 0 ? "ok   " : "WRONG"} ${summary(report)}`);
  return shown === 0;
}

function summary(report: RoomReport): string {
  const { roomId, events, statesChecked, statesFromOthers, stateEntries, members } = report;
  const unknown = report.signaturesUnknown;
  return [
    `${roomId}: ${events} events`,
    `${report.signaturesChecked} signatures right or wrong${unknown > 0 ? `, ${unknown} by keys not kept here` : ""}`,
    `${statesChecked} states recomputed, ${statesFromOthers} from other servers or unknown`,
    `${stateEntries} entries of current state, ${members} of them members`,
    `${report.findings} findings`,
  ].join("; ");
}

async function tellCollection(sql: Sql, print: Print): Promise<boolean> {
  const found = await previewCollection(sql);
  print(
    `ok    state nodes: ${found.nodes} (${megabytes(found.bytes)}), of which a collection would remove ` +
      `${found.unneededNodes} (${megabytes(found.unneededBytes)})`,
  );
  if (found.missingNodes === 0) return true;
  print(`WRONG state nodes: ${found.missingNodes} are needed and not stored; see --rooms`);
  return false;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Our own key, and stored keys of other servers. */
export function keysOf(config: Config, sql: Sql): CheckOptions["key"] {
  const own = loadSigningKey(config.dataDir, systemRandom);
  const known = new Map<ServerName, Map<string, VerifyKey>>();
  return async (server, keyId) => {
    if (server === config.serverName && keyId === own.keyId) {
      return verifyKeyFromBase64(own.publicKeyBase64);
    }
    let keys = known.get(server);
    if (keys === undefined) {
      const rows = await findServerKeys(sql, [server]);
      keys = new Map(rows.map((row) => [row.keyId, verifyKeyFromBase64(row.publicKey)]));
      known.set(server, keys);
    }
    return keys.get(keyId);
  };
}
