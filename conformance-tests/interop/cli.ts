/**
 * npm run interop [-- OPTIONS]
 *
 * Starts Weft and Synapse beside one another, lets them talk in every room version, and prints where they
 * differ. Ends with 1 on a difference, and with 3 where Synapse cannot be installed.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { NotInstallable, SYNAPSE_VERSION, ensureSynapse } from "../../scripts/lib/synapse.mjs";
import { runAdmin } from "./admin/run.ts";
import { runClients } from "./clients/run.ts";
import { findEngines } from "./engines/engines.ts";
import { ROOM_VERSIONS } from "./lane.ts";
import { engineRows } from "./rows/engines.ts";
import { cutRows, rows } from "./rows/index.ts";
import { runAll } from "./run.ts";
import { runServices } from "./services/run.ts";
import { complaintsOf, startServers } from "./servers.ts";
import type { Servers } from "./servers.ts";
import { Table } from "./table.ts";
import { runWebClient } from "./web-client/run.ts";

const HELP = `npm run interop [-- OPTIONS]

  --versions 1,6,12   only these room versions (all)
  --grep PATTERN      only rows whose name matches; "join" runs anyway, as others need its room
  --services          only the bridges: libraries of application services, with Weft alone
  --clients           only clients and bots, with Weft alone; --grep chooses among them
  --admin             only the tools of administrators, with Weft alone
  --ketesa FOLDER     with these also Ketesa, in Chromium, from the folder of an unpacked release
  --rust              the same, and builds the Rust SDK first, which is not built unasked
  --web-client        only our web client on Synapse, by sliding sync
  --synapse-python FILE   an interpreter that has matrix-synapse, instead of installing it
  --logs              print at the end what both servers' logs complain of
`;

/** A run ends after so long, whatever is left. */
const ALL_MS = 20 * 60_000;
const NOT_INSTALLED = 3;
const INTERRUPTED = 130;
const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;

async function main(args: string[]): Promise<number> {
  const parts = { services: flag, clients: flag, admin: flag, rust: flag } as const;
  const options = {
    help: flag,
    "web-client": flag,
    ...parts,
    versions: text,
    grep: text,
    ketesa: text,
    logs: flag,
  } as const;
  const { values } = parseArgs({ args, options: { ...options, "synapse-python": text } });
  const say = (line: string) => process.stdout.write(`${line}\n`);
  if (values.help === true) return (say(HELP), 0);
  const pattern = new RegExp(values.grep ?? "");
  const isPage = values["web-client"] === true;
  const alone = isPage ? undefined : await runAlone(values, pattern, say);
  if (alone !== undefined) return alone;
  let python: string;
  try {
    python = values["synapse-python"] ?? ensureSynapse(say);
  } catch (error) {
    if (!(error instanceof NotInstallable)) throw error;
    say(`Synapse is not here, so there is nothing to compare with: ${error.message}`);
    return NOT_INSTALLED;
  }
  if (!(await runWebClient(say, python))) return 1;
  if (isPage) return 0;
  const started = Date.now();
  const wanted = <R extends { readonly name: string }>(all: readonly R[]) =>
    all.filter(({ name }) => name === "join" || pattern.test(name));
  const plan = {
    versions: values.versions?.split(",") ?? ROOM_VERSIONS,
    rows: wanted([...rows, ...engineRows(findEngines(say))]),
    cutRows: wanted(cutRows),
    table: new Table(),
    tell: say,
  };
  // From now on a signal is waited for, so that what is being started is stopped as well.
  const interrupted = untilSignal();
  const servers = await startServers(python);
  let result: "done" | "interrupted" | "too late";
  try {
    const done = runAll({ ...plan, servers }).then(() => "done" as const);
    const late = sleep(ALL_MS, "too late" as const);
    result = await Promise.race([done, interrupted, late]);
    if (result === "interrupted") return INTERRUPTED;
    if (values.logs === true) await tellComplaints(servers, say);
  } finally {
    await servers.stop();
  }
  const names = [...plan.rows, ...plan.cutRows].map(({ name }) => name);
  const { pass, differs } = plan.table.counts();
  say(`\nWeft and Synapse ${SYNAPSE_VERSION}; in each cell first the rooms that Weft created:\n`);
  say(plan.table.print(names, plan.versions, ["weft", "synapse"]));
  say(`\n+ passes (${pass})  ✗ differs (${differs})  · does not apply`);
  say(`${Math.round((Date.now() - started) / 1000)} s`);
  for (const line of plan.table.differences()) say(`\n${line}`);
  if (result === "too late") say(`\nNot all was done within ${ALL_MS / 60_000} minutes: "?".`);
  return differs > 0 || result === "too late" ? 1 : 0;
}

/** What needs no Synapse. The exit code, when that was all, or when something failed. */
async function runAlone(
  asked: { readonly [part in "services" | "clients" | "admin" | "rust"]?: boolean } & {
    readonly ketesa?: string;
  },
  pattern: RegExp,
  say: (line: string) => void,
): Promise<number | undefined> {
  const { services = false, admin = false, rust = false, ketesa } = asked;
  if (admin) return (await runAdmin(say, ketesa)) ? 0 : 1;
  const onlyClients = rust || asked.clients === true;
  if (!onlyClients && !(await runServices(say))) return 1;
  if (services) return 0;
  if (!onlyClients && !(await runAdmin(say, ketesa))) return 1;
  const doWork = await runClients(say, { buildRust: rust, pattern: onlyClients ? pattern : /./ });
  if (!doWork) return 1;
  return onlyClients ? 0 : undefined;
}

function untilSignal(): Promise<"interrupted"> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.once(signal, () => resolve("interrupted"));
  });
}

async function tellComplaints(servers: Servers, say: (line: string) => void): Promise<void> {
  for (const side of [servers.weft, servers.synapse]) {
    const lines = await complaintsOf(side);
    say(`\nThe log of ${side.name} complains ${lines.length} times:`);
    for (const line of lines.slice(-200)) say(line.slice(0, 400));
  }
}

process.exitCode = await main(process.argv.slice(2));
process.exit();
