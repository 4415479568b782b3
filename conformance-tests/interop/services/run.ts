/** Bridges as others write them, on Weft: each registers, has ghosts, hears and answers, and is started again. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTemporaryFolder } from "../../../scripts/lib/temporary.mjs";
import { rm } from "node:fs/promises";
import { makeLoopbackTls } from "../../harness/certificates.ts";
import type { Subject } from "../../harness/subject.ts";
import { freePorts } from "../../harness/subjects/process.ts";
import { startWeft } from "../../harness/subjects/weft.ts";
import { syncUntil, timelineOf } from "../../harness/sync.ts";
import { registerUser, type User } from "../../harness/users.ts";
import { type Bridge, findBridges } from "./bridges.ts";

/** Runs those that can be installed. False: one does not do as it should. */
export async function runServices(say: (line: string) => void): Promise<boolean> {
  const bridges = findBridges(say);
  if (bridges.length === 0) return true;
  const folder = makeTemporaryFolder("weft-interop-services-");
  const ports = await freePorts(bridges.length);
  bridges.forEach((bridge, i) => {
    writeFileSync(join(folder, `${bridge.id}.yaml`), registration(bridge, ports[i]!));
  });
  const weft = await startWeft(makeLoopbackTls(), {}, { WEFT_APPSERVICES: folder });
  let allWork = true;
  try {
    for (const [i, bridge] of bridges.entries()) {
      try {
        await story(bridge, join(folder, `${bridge.id}.yaml`), ports[i]!, weft.subject);
        say(`${bridge.name}: registers, hears and answers, and does so again after a restart`);
      } catch (error) {
        allWork = false;
        say(`${bridge.name}: ${(error as Error).message}`);
      }
    }
  } finally {
    await weft.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return allWork;
}

/** JSON is YAML. */
function registration({ id, bot, users }: Bridge, port: number): string {
  const namespaces = { users: [{ regex: users, exclusive: true }], aliases: [], rooms: [] };
  const tokens = { as_token: `${id}-as-token`, hs_token: `${id}-hs-token` };
  const url = `http://127.0.0.1:${port}`;
  const flags = { rate_limited: false, receive_ephemeral: true };
  return JSON.stringify({ id, url, ...tokens, sender_localpart: bot, namespaces, ...flags });
}

async function story(bridge: Bridge, file: string, port: number, subject: Subject): Promise<void> {
  const owner = await registerUser(subject, "owner");
  const bot = `@${bridge.bot}:${subject.serverName}`;
  let roomId = "";
  let since: string | undefined;
  for (let turn = 0; turn < 2; turn += 1) {
    const program = bridge.start(file, port, subject, owner.userId);
    try {
      await program.until(bridge.ready);
      if (turn === 0) {
        const chat = { preset: "trusted_private_chat", is_direct: true } as const;
        roomId = await owner.createRoom({ ...chat, invite: [bot] });
        await syncUntil(owner, `${bot} in the room`, (body) =>
          timelineOf(body, roomId).some(
            ({ sender, content }) => sender === bot && content["membership"] === "join",
          ),
        );
      }
      const [line, answer] = bridge.asks(turn);
      const from = `@${bridge.ghost ?? bridge.bot}:${subject.serverName}`;
      since = await answered(owner, roomId, line, { from, answer }, since);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${program.output()}`, { cause: error });
    } finally {
      await program.stop();
    }
  }
}

/** Says a line, and waits for the answer; the position after it. */
async function answered(
  owner: User,
  roomId: string,
  line: string,
  { from, answer }: { readonly from: string; readonly answer: string },
  since: string | undefined,
): Promise<string> {
  await owner.send(roomId, line);
  const isAnswer = (body: unknown) =>
    typeof body === "string" && body.toLowerCase().includes(answer);
  const check = (body: Parameters<typeof timelineOf>[0]) =>
    timelineOf(body, roomId).some(
      ({ sender, content }) => sender === from && isAnswer(content["body"]),
    );
  const found = await syncUntil(owner, `an answer to "${line}"`, check, since ? { since } : {});
  return found.next_batch;
}
