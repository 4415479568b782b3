import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { must, mustEqual } from "../../harness/must.ts";
import { installFromPyPI, type Tell } from "../programs/install.ts";
import { startProgram } from "../programs/program.ts";
import { type Client, hasJoined, hasSignedOut, setScene } from "./client.ts";

const VERSION = "8.0.6";

/** The command line. It takes neither ids of rooms of version 12, nor names of servers with a port. */
export function matrixCommander(tell: Tell): Client | undefined {
  const bin = installFromPyPI(tell, "matrix-commander", VERSION);
  if (bin === undefined) return undefined;
  return {
    name: `matrix-commander ${VERSION}`,
    does: "signs in, joins, sends a message and a file encrypted, hears one, reads the room, signs out",
    async story(subject, folder) {
      const scene = await setScene(subject, "commander", { version: "11" });
      const { userId, password } = scene.user;
      const command = async (...args: string[]): Promise<string> => {
        const own = ["--credentials", join(folder, "credentials.json"), "--store", "store"];
        const program = startProgram(join(bin, "matrix-commander"), [...own, ...args], folder);
        await program.done();
        return program.output();
      };
      const account = ["--homeserver", subject.clientUrl, "--user-login", userId];
      const session = ["--password", password, "--device", "a shell"];
      await command("--login", "password", ...account, ...session, "--room-default", scene.roomId);
      await command("--room-join", scene.roomId);
      await hasJoined(scene);
      await command("--message", "from the shell");
      await scene.hear((text) => text === "from the shell");
      await writeFile(join(folder, "notes.txt"), "what is in the file");
      await command("--file", "notes.txt");
      await scene.hear((text) => text === "notes.txt");
      await scene.say("to the shell");
      const heard = await command("--listen", "once");
      must(heard.includes("to the shell"), `it did not hear:\n${heard}`);
      const kept = ["--download-media", "media", "--download-media-name", "source"];
      const read = await command("--listen", "tail", "--tail", "20", "--listen-self", ...kept);
      const [file] = await readdir(join(folder, "media"));
      must(file !== undefined, `it kept no file:\n${read}`);
      const content = await readFile(join(folder, "media", file), "utf8");
      mustEqual(content, "what is in the file", "the file that it sent, read by itself");
      await command("--logout", "me");
      await hasSignedOut(scene);
    },
  };
}
