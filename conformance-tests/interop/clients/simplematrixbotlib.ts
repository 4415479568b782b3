import { join } from "node:path";
import { installFromPyPI, type Tell } from "../programs/install.ts";
import { startProgram } from "../programs/program.ts";
import { type Client, hasJoined, setScene } from "./client.ts";

const VERSION = "2.13.1";
const PROGRAM = join(import.meta.dirname, "echo-bot.py");

/** A bot of a few lines, with the encryption of matrix-nio. */
export function simplematrixbotlib(tell: Tell): Client | undefined {
  const bin = installFromPyPI(tell, "simplematrixbotlib", VERSION, ["matrix-nio[e2e]==0.26.0"]);
  if (bin === undefined) return undefined;
  return {
    name: `simplematrixbotlib ${VERSION}`,
    does: "joins where it is invited, answers in an encrypted room, and does so again after a restart",
    async story(subject, folder) {
      const scene = await setScene(subject, "echo", { invited: false });
      const { userId, password } = scene.user;
      for (const turn of [1, 2]) {
        const args = ["-u", PROGRAM, subject.clientUrl, userId, password];
        const bot = startProgram(join(bin, "python"), args, folder);
        try {
          await bot.until(/Connected to/);
          // What came before its first sync it passes over, invites as well.
          if (turn === 1) await scene.invite();
          await hasJoined(scene);
          await scene.say(`!echo turn ${turn}`);
          await scene.hear((text) => text === `turn ${turn}`);
        } catch (error) {
          throw new Error(`${(error as Error).message}\n${bot.output()}`, { cause: error });
        } finally {
          await bot.stop();
        }
      }
    },
  };
}
