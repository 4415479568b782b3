import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { type Server, createConnection, createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { SettingChange } from "../config/live.ts";
import type { LocalToken } from "../users/administration/local-access.ts";
import { makeTemporaryFolder } from "../storage/temporary-folder.ts";

export interface NewUser {
  readonly username: string;
  readonly password: string;
  readonly isAdmin: boolean;
}

/** Which administrator's token is wanted. */
interface WishedToken {
  readonly as?: string | undefined;
  readonly minutes: number;
}

/** What the command line can ask of the running server, and what it is answered. */
export interface ControlActions {
  /** @returns the user id */
  createUser(user: NewUser): Promise<string>;
  /** An administrator's token, which ends by itself soon. */
  adminToken(wished: WishedToken): Promise<LocalToken>;
  /** Reads the settings again. */
  reload(_: object): Promise<readonly SettingChange[]>;
}
type Action = keyof ControlActions;
type Answer<A extends Action> = Awaited<ReturnType<ControlActions[A]>>;

/** The file in the data folder that names the socket, whose own path must be short. */
const FILE = "control";
const MAX_BYTES = 65_536;

/**
 * Listens for the command line on a socket that only this user can reach, and notes its path in the
 * data folder. One request per connection: a line of JSON, answered by a line of JSON.
 * @returns the function that closes it
 */
export async function openControl(
  dataDir: string,
  actions: ControlActions,
): Promise<() => Promise<void>> {
  const folder = makeTemporaryFolder("weft-");
  const path = join(folder, "control.sock");
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    let size = 0;
    socket.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BYTES) socket.destroy();
    });
    void text(socket)
      .then((request) => answer(request, actions))
      .then((reply) => socket.end(JSON.stringify(reply)))
      .catch(() => socket.destroy());
  });
  server.listen(path);
  await once(server, "listening");
  await writeFile(join(dataDir, FILE), path, { mode: 0o600 });
  return () => close(server, folder, join(dataDir, FILE));
}

async function close(server: Server, folder: string, file: string): Promise<void> {
  server.close();
  await Promise.all([rm(folder, { recursive: true, force: true }), rm(file, { force: true })]);
}

async function answer(request: string, actions: ControlActions): Promise<unknown> {
  try {
    const { action, of } = JSON.parse(request) as { action: Action; of: never };
    if (!Object.hasOwn(actions, action)) throw new Error(`${action} is nothing that can be asked`);
    return { result: await actions[action](of) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/**
 * Asks the server that is running on this data folder.
 * @returns undefined when none is running
 * @throws Error whose message says why it was not done
 */
export async function askControl<A extends Action>(
  dataDir: string,
  action: A,
  of: Parameters<ControlActions[A]>[0],
): Promise<Answer<A> | undefined> {
  const path = await readFile(join(dataDir, FILE), "utf8").catch(() => undefined);
  if (path === undefined) return undefined;
  const socket = createConnection({ path, allowHalfOpen: true });
  try {
    await once(socket, "connect");
  } catch {
    return undefined; // it was killed and left the file
  }
  socket.end(JSON.stringify({ action, of }));
  const reply = JSON.parse(await text(socket)) as { result: Answer<A> } | { error: string };
  if ("error" in reply) throw new Error(reply.error);
  return reply.result;
}
