import { setTimeout as sleep } from "node:timers/promises";
import { openLane, titleOf } from "./lane.ts";
import type { Lane } from "./lane.ts";
import { NOT_APPLICABLE, PASS, differs } from "./row.ts";
import type { ApartRow, Row } from "./row.ts";
import type { Servers } from "./servers.ts";
import type { Table } from "./table.ts";

export interface Plan {
  readonly servers: Servers;
  readonly versions: readonly string[];
  readonly rows: readonly Row[];
  readonly cutRows: readonly ApartRow[];
  readonly table: Table;
  tell(line: string): void;
}

/** Columns that are worked on at once: one of each server's own keeps both busy. */
const AT_ONCE = 6;
/** A step of a row that takes longer differs, unless the row says otherwise. */
const STEP_MS = 60_000;

/** Runs every row in every column, then what needs the servers apart, and fills the table. */
export async function runAll(plan: Plan): Promise<void> {
  const { servers, versions, rows, tell } = plan;
  const creators = ["weft", "synapse"] as const;
  const columns = versions.flatMap((version) => creators.map((creator) => ({ version, creator })));
  const lanes = await eachOf(columns, async ({ version, creator }) => {
    const lane = await openLane(servers, version, creator);
    for (const row of rows) await fill(plan, row, lane);
    tell(`${titleOf(lane)}: done`);
    return lane;
  });
  for (const row of plan.cutRows) await runApart(plan, row, lanes);
}

async function runApart(plan: Plan, row: ApartRow, lanes: readonly Lane[]): Promise<void> {
  const { servers } = plan;
  const step = (run: ((lane: Lane) => Promise<void>) | undefined) =>
    run && eachOf(lanes, (lane) => fill(plan, { name: row.name, run }, lane));
  await step(row.before?.bind(row));
  if (row.down === undefined) servers.cut();
  else await servers[row.down].end();
  await step(row.apart.bind(row));
  if (row.down === undefined) servers.mend();
  else await servers[row.down].begin();
  await step(row.after.bind(row));
}

async function fill({ table, tell }: Plan, row: Row, lane: Lane): Promise<void> {
  const column = titleOf(lane);
  const isThere = lane.number >= (row.from ?? 1) && row.applies?.(lane) !== false;
  if (!isThere) return table.set(row.name, column, NOT_APPLICABLE);
  const patienceMs = row.patienceMs ?? STEP_MS;
  const late = new AbortController();
  try {
    await Promise.race([
      row.run(lane),
      sleep(patienceMs, undefined, { signal: late.signal }).then(() => {
        throw new Error(`it was not done within ${patienceMs / 1000} s`);
      }),
    ]);
    table.set(row.name, column, PASS);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    table.set(row.name, column, differs(why));
    tell(`differs: ${row.name}, ${column}: ${why.slice(0, 1500)}`);
  } finally {
    late.abort();
  }
}

/** A bounded number at once; the answers in order. */
async function eachOf<Item, Answer>(
  items: readonly Item[],
  work: (item: Item) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      answers[index] = await work(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return answers;
}
