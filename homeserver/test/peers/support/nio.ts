import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Body } from "../../support/user.ts";

/** Debian's own Python, which has python3-matrix-nio. */
const PYTHON = "/usr/bin/python3";
const SCRIPT = join(import.meta.dirname, "nio-read-room.py");

/** Whether matrix-nio is installed: skip tests by name otherwise. */
export const hasNio = spawnSync(PYTHON, ["-c", "import nio"]).status === 0;

export interface NioRoom {
  readonly name: string;
  readonly members: string[];
  readonly levels: Record<string, number>;
  /** As nio got them, newest first. */
  readonly events: Body[];
}

/** Signs in with matrix-nio and reads a room. */
export async function readWithNio(
  at: { secureUrl: string; caFile: string },
  user: { userId: string; password: string },
  roomId: string,
): Promise<NioRoom> {
  const { stdout } = await promisify(execFile)(
    PYTHON,
    [SCRIPT, at.secureUrl, user.userId, user.password, roomId],
    {
      env: { ...process.env, SSL_CERT_FILE: at.caFile },
      maxBuffer: 50 * 1024 * 1024,
      timeout: 60_000,
    },
  );
  return JSON.parse(stdout) as NioRoom;
}
