import type { Purge } from "../../../src/rooms/index.ts";
import { eventually } from "../../support/wait.ts";
import type { TestServer } from "../support/world.ts";

/** How a purge ends. */
export function purgeEnd(on: TestServer, purgeId: string): Promise<Purge> {
  return eventually(`the end of purge ${purgeId}`, async () => {
    const purge = await on.rooms.purges.one(purgeId);
    return purge?.state === "complete" || purge?.state === "failed" ? purge : undefined;
  });
}
