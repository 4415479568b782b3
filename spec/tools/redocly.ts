/** Runs the Redocly command that this package depends on. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { SPEC_FOLDER } from "./source.ts";

/** Runs `redocly <args>` with our rules; gives its exit code and everything it printed. */
export async function redocly(args: string[]): Promise<{ code: number; output: string }> {
  const [command = "", ...rest] = args;
  const config = join(SPEC_FOLDER, "redocly.yaml");
  const child = spawn(process.execPath, [script(), command, "--config", config, ...rest], {
    env: { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve(status ?? 1));
  });
  return { code, output };
}

/** The package exports no command, so it is looked for where npm installs it. */
function script(): string {
  for (let folder = SPEC_FOLDER; folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, "node_modules", "@redocly", "cli", "bin", "cli.js");
    if (existsSync(file)) return file;
  }
  throw new Error("@redocly/cli is not installed: npm ci");
}
