import { ApiError } from "../../api/errors.ts";
import { isMissing } from "./backup-versions.ts";
import type { Core } from "./core.ts";

/** Failures in a row after which the rest waits for the next new key. */
const MAX_FAILURES = 8;

interface UploaderDeps {
  isActive(): boolean;
  onChange(): void;
  /** The server has another version by now, or none. */
  onRefusal(): void;
}

/** Adds the keys of this device to the backup. */
export function createUploader({ machine, requests }: Core, deps: UploaderDeps) {
  let waiting = 0;
  let running: Promise<void> | undefined;

  async function count(): Promise<void> {
    const counts = await machine.roomKeyCounts();
    waiting = counts.total - counts.backedUp;
  }

  async function uploadAll(): Promise<void> {
    for (let failures = 0; deps.isActive() && failures <= MAX_FAILURES;) {
      const request = await machine.backupRoomKeys();
      if (request === undefined) break;
      try {
        await requests.send(request);
        failures = 0;
      } catch (error) {
        const code = error instanceof ApiError ? error.errcode : undefined;
        if (code === "M_WRONG_ROOM_KEYS_VERSION" || isMissing(error)) {
          setTimeout(deps.onRefusal, 0);
          return;
        }
        await told();
        await new Promise((resolve) => setTimeout(resolve, 1000 * 2 ** ++failures));
      }
      await told();
    }
    await told();
  }

  async function told(): Promise<void> {
    await count();
    deps.onChange();
  }

  return {
    count,
    get waiting() {
      return waiting;
    },
    /** Adds what is not in the backup yet. Calls that overlap share one run. */
    upload(): Promise<void> {
      running ??= uploadAll().finally(() => {
        running = undefined;
      });
      return running;
    },
  };
}
