/** `weft …`: the command line. */
import "./hold-signals.ts";
import { parseArgs } from "node:util";
import { type Config, loadConfig } from "../config/load.ts";
import { ConfigError } from "../config/values.ts";
import { exampleConfig } from "../config/example.ts";
import { newSigningKeyLine } from "../config/signing-key.ts";
import { describeChange } from "../config/live.ts";
import { systemRandom } from "../platform/random.ts";
import { migrate } from "../storage/migrate.ts";
import { askControl } from "./control.ts";
import { UsageError } from "./usage-error.ts";
import { shareDatabase } from "../storage/embedded/open-database.ts";
import { connect } from "../storage/sql.ts";

const USAGE = `Usage: weft COMMAND [--config FILE]

  start             run the server
  create-user       --username U --password P [--admin]: make an account, whether the server runs or not
  admin             COMMAND …: administer a running server, here or elsewhere; see weft admin --help
  reload            have the running server read its settings again, and tell what changed
  generate-config   [--server-name NAME]: print a commented configuration file
  generate-key      print a new signing key, for signing.key in the data folder
  migrate           bring the database up to date
  doctor            check configuration, data folder, database, keys, addresses and clock
                    --room '!id' | --rooms: compare what is stored of a room, or of all, with its events
                    --mend with one of these: make what is wrong what the events say (the servers are stopped)
                    --collect: tell how much stored state nothing needs any more

Every setting is also an environment variable: see weft generate-config.`;

const OPTIONS = {
  config: { type: "string" },
  username: { type: "string", short: "u" },
  password: { type: "string", short: "p" },
  admin: { type: "boolean" },
  "server-name": { type: "string" },
  room: { type: "string" },
  rooms: { type: "boolean" },
  mend: { type: "boolean" },
  collect: { type: "boolean" },
  after: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

type Values = ReturnType<typeof parse>["values"];

function parse(argv: string[]) {
  return parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
}

const commands: Record<string, (values: Values) => Promise<void> | void> = {
  async start({ config }) {
    // The server's modules are many: other commands start faster without them.
    const { runServer } = await import("../main.ts");
    await runServer(config ?? process.env["WEFT_CONFIG"]);
  },
  async "create-user"(values) {
    const { username, password, admin = false } = values;
    if (!username || !password) throw new UsageError("create-user needs --username and --password");
    const { createUser } = await import("./create-user.ts");
    const userId = await createUser(configOf(values), { username, password, isAdmin: admin });
    console.log(`Created ${userId}${admin ? ", an administrator" : ""}`);
  },
  async reload(values) {
    const changes = await askControl(configOf(values).dataDir, "reload", {});
    if (changes === undefined) throw new Error("no server is running on this data folder");
    for (const change of changes) console.log(describeChange(change));
    if (changes.length === 0) console.log("Nothing has changed");
  },
  "generate-config"({ "server-name": serverName }) {
    process.stdout.write(exampleConfig(serverName ? { server_name: serverName } : {}));
  },
  "generate-key"() {
    process.stdout.write(newSigningKeyLine(systemRandom));
  },
  async migrate(values) {
    const database = await shareDatabase(configOf(values));
    const sql = connect(database.location, { max: 1 });
    try {
      const applied = await migrate(sql);
      console.log(applied.length > 0 ? `Applied ${applied.join(", ")}` : "Nothing to apply");
    } finally {
      await sql.end({ timeout: 2 });
      await database.close();
    }
  },
  async doctor(values) {
    const { room, rooms, collect, after, mend } = values;
    if (mend === true) {
      if (collect === true || after !== undefined || (room === undefined) === (rooms !== true)) {
        throw new UsageError("--mend goes with --room or --rooms, and nothing else");
      }
      const { mendRooms } = await import("./mend-rooms.ts");
      const isWell = await mendRooms(configOf(values), { room, rooms }, (line) =>
        console.log(line),
      );
      if (!isWell) process.exitCode = 1;
      return;
    }
    if (room !== undefined || rooms === true || collect === true) {
      if (after !== undefined && (room === undefined || !/^\d{1,15}$/.test(after))) {
        throw new UsageError("--after goes with --room, and is the number of an event");
      }
      const { checkRooms } = await import("./check-rooms.ts");
      const wanted = { room, rooms, collect, after: after === undefined ? after : Number(after) };
      const allWell = await checkRooms(configOf(values), wanted, (line) => console.log(line));
      if (!allWell) process.exitCode = 1;
      return;
    }
    const { examine } = await import("./doctor.ts");
    const findings = await examine(configOf(values));
    for (const { subject, ok, detail } of findings) {
      console.log(`${ok ? "ok   " : "WRONG"} ${subject}: ${detail}`);
    }
    if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
  },
};

function configOf({ config }: Values): Config {
  return loadConfig(config ?? process.env["WEFT_CONFIG"], process.env);
}

/**
 * Runs one command. Sets the process's exit code: 0, 1 for a failure, 2 for a wrong use or
 * configuration.
 */
async function main(argv: string[]): Promise<void> {
  if (argv[0] === "admin") {
    const { runAdmin } = await import("./admin.ts");
    return runAdmin(argv.slice(1));
  }
  const { values, positionals } = parse(argv);
  const [name = "help"] = positionals;
  const command = commands[name];
  if (values.help === true || name === "help") return console.log(USAGE);
  if (command === undefined) throw new UsageError(`${name} is no command; see weft --help`);
  return await command(values);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`weft: ${(error as Error).message}`);
  const code = (error as { code?: string }).code ?? "";
  const wrong = error instanceof UsageError || error instanceof ConfigError;
  process.exitCode = wrong || code.startsWith("ERR_PARSE_ARGS") ? 2 : 1;
}
