import type { Log } from "../../src/log/types.ts";
import type { Sql } from "../../src/storage/sql.ts";
import { logPosition } from "../../src/storage/streams/log-head.ts";
import { eventually } from "./wait.ts";

/** Waits until a replica has taken in all that is committed now. `Log.fresh` gives up where the machine is very busy. */
export async function caughtUp(log: Log, sql: Sql): Promise<void> {
  const end = await logPosition(sql);
  await eventually(`the log is at ${end}`, () => log.position >= end);
}
