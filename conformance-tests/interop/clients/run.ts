/** Clients and bots as their registries have them, each with Weft alone. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeTemporaryFolder } from "../../../scripts/lib/temporary.mjs";
import { makeLoopbackTls } from "../../harness/certificates.ts";
import { startWeft } from "../../harness/subjects/weft.ts";
import type { Client } from "./client.ts";
import { matrixCommander } from "./matrix-commander.ts";
import { rustSdk } from "./rust-sdk.ts";
import { simplematrixbotlib } from "./simplematrixbotlib.ts";

/** One of them takes no names of servers that have a port. */
const SERVER_NAME = "localhost";

/** Runs those that can be installed. False: one does not do as it should. */
export async function runClients(
  say: (line: string) => void,
  { buildRust, pattern }: { readonly buildRust: boolean; readonly pattern: RegExp },
): Promise<boolean> {
  const ways = { simplematrixbotlib, "matrix-commander": matrixCommander };
  const wanted = Object.entries(ways).filter(([name]) => pattern.test(name));
  const found = wanted.map(([, find]) => find(say));
  if (pattern.test("rust-sdk")) found.push(rustSdk(say, buildRust));
  const clients = found.filter((client) => client !== undefined);
  if (clients.length === 0) return true;
  const folder = makeTemporaryFolder("weft-interop-clients-");
  const weft = await startWeft(makeLoopbackTls(), {}, { WEFT_SERVER_NAME: SERVER_NAME });
  const subject = { ...weft.subject, serverName: SERVER_NAME };
  const run = async (client: Client, number: number): Promise<boolean> => {
    const own = join(folder, String(number));
    await mkdir(own);
    try {
      await client.story(subject, own);
      say(`${client.name}: ${client.does}`);
      return true;
    } catch (error) {
      say(`${client.name} does not do all of it: ${(error as Error).message}`);
      return false;
    }
  };
  let allWork = true;
  try {
    for (const [number, client] of clients.entries())
      allWork = (await run(client, number)) && allWork;
  } finally {
    await weft.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return allWork;
}
