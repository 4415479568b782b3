import { parseArgs } from "node:util";
import type { Settings } from "./workloads/workload.ts";
import { workloads } from "./workloads/index.ts";

export const USAGE = `npm run bench -- [WORKLOAD…] [options]

Workloads (all, when none is named):
${workloads.map(({ name, about }) => `  ${name.padEnd(18)} ${about}`).join("\n")}

Targets (this checkout's Weft, when none is named):
  --target NAME=URL[,PIDFILE][,federation=URL][,inspect=PORT]   a server that runs
  --target NAME=start:[FOLDER][,VARIABLE=VALUE…]                Weft from that checkout
  --target NAME=synapse:VENV[,host=…,user=…,dbname=…,database-pidfile=FILE]
                          Synapse on SQLite, or on an empty database of a PostgreSQL that runs
  --certificates FOLDER   the CA and certificate to use; made there when absent. A server that runs
                          must trust ca.pem for federation-ingest
  --env VARIABLE=VALUE    for each Weft that is started; may be repeated
  --node-option OPTION    likewise, an argument of node
Load:
  --seconds N (10)   --warm-up N (3)   --idle-seconds N (30)   --pdus N (12000)
  --clients N   --rooms N   --rate N (sends a second in sync-idle; may be repeated)
  --members N (50000)   --state-events N (5000)   of the room that is joined
  --encrypted-members N (1000)   of the encrypted room   --messages N (20000)   that are searched
  --absent N (0)   further members of the room in sync-idle, who wait for nothing
  --wait-quiet N     before each workload, up to N seconds until others leave 90 % of the machine alone
Output:
  --profile          where the main thread's time goes, for each workload; .cpuprofile files are kept
  --compare A B      two targets' names: runs A B B A, --times N (1) over, and prints ratios
  --json FILE   --markdown FILE`;

export interface Options {
  readonly workloads: readonly string[];
  readonly targets: readonly string[];
  readonly certificates: string | undefined;
  readonly variables: Readonly<Record<string, string>>;
  readonly nodeOptions: readonly string[];
  readonly settings: Settings;
  readonly profile: boolean;
  readonly compare: readonly [string, string] | undefined;
  readonly times: number;
  /** Seconds. */
  readonly waitQuiet: number;
  readonly json: string | undefined;
  readonly markdown: string | undefined;
  readonly help: boolean;
}

/** @throws Error that says which argument is wrong */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      target: { type: "string", multiple: true, default: [] },
      certificates: { type: "string" },
      env: { type: "string", multiple: true, default: [] },
      "node-option": { type: "string", multiple: true, default: [] },
      seconds: { type: "string", default: "10" },
      "warm-up": { type: "string", default: "3" },
      "idle-seconds": { type: "string", default: "30" },
      pdus: { type: "string", default: "12000" },
      clients: { type: "string", default: "0" },
      rooms: { type: "string", default: "0" },
      members: { type: "string", default: "50000" },
      "state-events": { type: "string", default: "5000" },
      "encrypted-members": { type: "string", default: "1000" },
      absent: { type: "string", default: "0" },
      messages: { type: "string", default: "20000" },
      rate: { type: "string", multiple: true, default: [] },
      profile: { type: "boolean", default: false },
      compare: { type: "boolean", default: false },
      times: { type: "string", default: "1" },
      "wait-quiet": { type: "string", default: "0" },
      json: { type: "string" },
      markdown: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  // `--compare A B`: the two names stand among the positional arguments, after the flag or before.
  const known = new Set(workloads.map(({ name }) => name));
  const named = positionals.filter((name) => known.has(name));
  const others = positionals.filter((name) => !known.has(name));
  const compare = values.compare ? pairOf(others) : undefined;
  if (!compare && others.length > 0) throw new Error(`${others[0]} is no workload; see --help`);
  return {
    workloads: named.length > 0 ? named : [...known],
    targets: values.target,
    certificates: values.certificates,
    variables: Object.fromEntries(values.env.map(variable)),
    nodeOptions: values["node-option"],
    settings: settingsOf(values),
    profile: values.profile,
    compare,
    times: number("times", values.times),
    waitQuiet: number("wait-quiet", values["wait-quiet"]),
    json: values.json,
    markdown: values.markdown,
    help: values.help,
  };
}

type Texts = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

function settingsOf(values: Texts): Settings {
  const of = (name: string) => number(name, String(values[name]));
  return {
    seconds: of("seconds"),
    warmUpSeconds: of("warm-up"),
    idleSeconds: of("idle-seconds"),
    pdus: of("pdus"),
    clients: of("clients"),
    rooms: of("rooms"),
    members: of("members"),
    stateEvents: of("state-events"),
    encryptedMembers: of("encrypted-members"),
    absent: of("absent"),
    messages: of("messages"),
    rates: [values["rate"] ?? []].flat().map((text) => number("rate", String(text))),
  };
}

function pairOf(names: readonly string[]): [string, string] {
  const [a, b, ...more] = names;
  if (a === undefined || b === undefined || more.length > 0) {
    throw new Error("--compare: write the names of two targets");
  }
  return [a, b];
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (!(value >= 0)) throw new Error(`--${name} ${text}: write a number`);
  return value;
}

function variable(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new Error(`--env ${text}: write VARIABLE=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}
