/** `weft admin …`: the operations of administrators as commands, made from the contract. */
import { text } from "node:stream/consumers";
import { type Config, loadConfig } from "../config/load.ts";
import { baseUrlOf } from "../config/listen.ts";
import { type AdminRequest, type CommonFlags, parseTyped, requestOf } from "./admin-arguments.ts";
import { adminCommands } from "./admin-commands.ts";
import { helpOn, helpOnAll } from "./admin-help.ts";
import { askControl } from "./control.ts";
import { UsageError } from "./usage-error.ts";

/** How a server is asked. */
interface Access {
  readonly server: string;
  readonly token: string;
  /** The token is for this command alone. */
  readonly isBorrowed: boolean;
}

/** Life of a token that is for one command alone, in minutes. */
const BORROWED_MINUTES = 10;
const PRINTED_MINUTES = 60;

/**
 * Runs one of the commands. Prints the answer's JSON.
 * @throws UsageError for what was typed wrongly; Error with what the server says
 */
export async function runAdmin(argv: readonly string[]): Promise<void> {
  const commands = adminCommands();
  const [name = "--help", ...rest] = argv;
  if (name === "token") return printToken(rest);
  if (name.startsWith("-")) {
    const { common } = parseTyped(undefined, argv);
    if (common.help || argv.length === 0) return console.log(helpOnAll(commands.values()));
    throw new UsageError("the command comes first; see weft admin --help");
  }
  const command = commands.get(name);
  if (command === undefined) throw new UsageError(`${name} is no command; see weft admin --help`);
  const typed = parseTyped(command, rest);
  const { common } = typed;
  if (common.help) return console.log(helpOn(command));
  const whole = common.body === "-" ? await text(process.stdin) : common.body;
  const request = requestOf(command, typed, whole);
  const access = await accessOf(common);
  try {
    await print(await ask(access, request));
  } finally {
    if (access.isBorrowed) await giveBack(access);
  }
}

/** `weft admin token`: for other programs on this machine. */
async function printToken(argv: readonly string[]): Promise<void> {
  const at = argv.findIndex((word) => word.startsWith("--minutes"));
  const inline = argv[at]?.split("=")[1];
  const minutes = at < 0 ? PRINTED_MINUTES : Number(inline ?? argv[at + 1]);
  const rest = at < 0 ? argv : argv.toSpliced(at, inline === undefined ? 2 : 1);
  const { common, words } = parseTyped(undefined, rest);
  if (common.help) return console.log(helpOnAll([]));
  if (words.length > 0 || !(minutes >= 1)) {
    throw new UsageError("weft admin token takes --minutes and --as, and no more");
  }
  const { userId, token, expiresTs } = await borrow(configOf(common), common.as, minutes);
  console.log(JSON.stringify({ user_id: userId, access_token: token, expiry_time: expiresTs }));
}

async function accessOf(common: CommonFlags): Promise<Access> {
  const token = common.accessToken ?? process.env["WEFT_ADMIN_TOKEN"];
  const server = common.server ?? process.env["WEFT_ADMIN_URL"];
  if (server !== undefined && !/^https?:\/\//.test(server)) {
    throw new UsageError(`the server's address begins with https:// or http://, not "${server}"`);
  }
  if (server !== undefined && token === undefined) {
    throw new UsageError("a token is needed for that server: --access-token or WEFT_ADMIN_TOKEN");
  }
  if (server !== undefined && token !== undefined) return { server, token, isBorrowed: false };
  const config = configOf(common);
  const here = baseUrlOf(config.listen);
  if (token !== undefined) return { server: here, token, isBorrowed: false };
  const borrowed = await borrow(config, common.as, BORROWED_MINUTES);
  return { server: here, token: borrowed.token, isBorrowed: true };
}

const configOf = ({ config }: CommonFlags): Config =>
  loadConfig(config ?? process.env["WEFT_CONFIG"], process.env);

/** Whoever reads the data folder may do what they like with the server: it gives them a token. */
async function borrow({ dataDir }: Config, as: string | undefined, minutes: number) {
  const given = await askControl(dataDir, "adminToken", { as, minutes });
  if (given !== undefined) return given;
  throw new Error(
    "no server is running on this data folder: name one with --server and --access-token",
  );
}

async function ask({ server, token }: Access, request: AdminRequest): Promise<Response> {
  const { method, path, body } = request;
  try {
    return await fetch(`${server.replace(/\/$/, "")}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: "error",
    });
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string; message?: string } };
    const why = cause?.code ?? (cause?.message || message);
    throw new Error(`${server} cannot be reached: ${why}`, { cause: error });
  }
}

/** @throws Error for an answer that is an error */
async function print(response: Response): Promise<void> {
  const said = await response.text();
  const answer = jsonIn(said);
  if (response.ok) {
    process.stdout.write(answer === undefined ? said : `${JSON.stringify(answer, null, 2)}\n`);
    return;
  }
  const { errcode = "an error", error = "" } = (answer ?? {}) as Record<string, unknown>;
  throw new Error(`the server answers ${response.status} ${String(errcode)}: ${String(error)}`);
}

function jsonIn(said: string): unknown {
  try {
    return JSON.parse(said) as unknown;
  } catch {
    return undefined;
  }
}

/** The token ends by itself if that fails. */
async function giveBack(access: Access): Promise<void> {
  const path = "/_matrix/client/v3/logout";
  await ask(access, { method: "POST", path, body: {} }).catch(() => undefined);
}
