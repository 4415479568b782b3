import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { type Server, createConnection, createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { makeTemporaryFolder } from "../storage/temporary-folder.ts";

/** A request of the command line to the running server. */
export interface NewUser {
  readonly username: string;
  readonly password: string;
  readonly isAdmin: boolean;
}
export type ControlAnswer = { readonly userId: string } | { readonly error: string };

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
  createUser: (user: NewUser) => Promise<string>,
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
      .then((request) => answer(request, createUser))
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

async function answer(
  request: string,
  createUser: (user: NewUser) => Promise<string>,
): Promise<ControlAnswer> {
  try {
    return { userId: await createUser(JSON.parse(request) as NewUser) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** Asks the server that is running on this data folder. @returns undefined when none is running */
export async function askControl(
  dataDir: string,
  user: NewUser,
): Promise<ControlAnswer | undefined> {
  const path = await readFile(join(dataDir, FILE), "utf8").catch(() => undefined);
  if (path === undefined) return undefined;
  const socket = createConnection({ path, allowHalfOpen: true });
  try {
    await once(socket, "connect");
  } catch {
    return undefined; // it was killed and left the file
  }
  socket.end(JSON.stringify(user));
  return JSON.parse(await text(socket)) as ControlAnswer;
}
