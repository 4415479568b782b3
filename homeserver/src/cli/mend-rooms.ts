/** `weft doctor --mend`: repairs damaged rooms from their events, while no server is running. */
import type { Config } from "../config/load.ts";
import type { RoomId } from "../protocol/identifiers.ts";
import { mendRoom, type MendReport } from "../rooms/integrity/mend/index.ts";
import { holdLog, serverConnections } from "../storage/rooms/mend-rooms.ts";
import { openDatabase } from "../storage/embedded/open-database.ts";
import { connect, type Sql, type Tx } from "../storage/sql.ts";
import { checkOneRoom, keysOf, type Print, roomsOf, type RoomsWanted } from "./check-rooms.ts";

/**
 * Prints the findings, repairs them, and checks again. One transaction per room, so that a room is
 * repaired as a whole or not at all. Throws while a server has the database open: its caches would
 * be out of date.
 * @returns whether everything is in order in the end
 */
export async function mendRooms(config: Config, wanted: Wanted, print: Print): Promise<boolean> {
  // The embedded database is opened for this alone, not shared with a running server.
  const database = await openDatabase(config);
  const sql = connect(database.location, { max: 1, applicationName: "weft doctor" });
  try {
    return await mendRoomsIn(sql, config, wanted, print);
  } finally {
    await sql.end({ timeout: 2 });
    await database.close();
  }
}

type Wanted = Pick<RoomsWanted, "room" | "rooms">;

/** The same on an open database. */
export async function mendRoomsIn(
  sql: Sql,
  config: Config,
  wanted: Wanted,
  print: Print,
): Promise<boolean> {
  let allWell = true;
  for await (const roomId of roomsOf(sql, wanted)) {
    const isWell = await sql.begin<boolean>((tx) => mendOne(config, tx, roomId, print));
    allWell = isWell && allWell;
  }
  return allWell;
}

async function mendOne(config: Config, tx: Tx, roomId: RoomId, print: Print): Promise<boolean> {
  const sql = tx as unknown as Sql;
  // A server that starts meanwhile waits with its first commit until the room is repaired, and then
  // learns of it from the log.
  const epoch = await holdLog(tx);
  const connections = await serverConnections(tx);
  if (connections > 0) {
    throw new Error(
      `servers have the database open (${connections} connections): stop every replica first`,
    );
  }
  const key = keysOf(config, sql);
  let noted = 0;
  const isWell = await checkOneRoom(sql, roomId, key, undefined, (line) => {
    if (line.startsWith("NOTE ")) noted += 1;
    print(line);
  });
  if (isWell && noted === 0) return true;
  const report = await mendRoom(tx, roomId, {
    ...{ now: Date.now(), epoch },
    left: (what, eventId) => {
      print(`NOTE  ${eventId === undefined ? roomId : `${roomId} ${eventId}`}: ${what}`);
    },
  });
  if (report === undefined) return isWell;
  print(`MENDED ${roomId}: ${summary(report)}`);
  return checkOneRoom(sql, roomId, key, undefined, print);
}

const KINDS: Record<keyof MendReport, string> = {
  rows: "rows of events",
  removed: "events that can't be read taken out",
  states: "events with other states",
  verdicts: "events judged otherwise",
  redactions: "redactions applied",
  heads: "head",
  current: "rows of current state and members",
  staged: "lost events, which the server places when it starts",
  gaps: "missing events noted, which the server asks for",
};

function summary(report: MendReport): string {
  const done = Object.entries(KINDS).flatMap(([kind, name]) => {
    const count = report[kind as keyof MendReport];
    return count > 0 ? [`${count} ${name}`] : [];
  });
  return done.length > 0 ? done.join("; ") : "nothing could be mended";
}
