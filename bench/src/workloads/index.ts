import { federationIngest } from "./federation-ingest.ts";
import { hostile } from "./hostile.ts";
import { idleMemory } from "./idle-memory.ts";
import { initialSync } from "./initial-sync.ts";
import { join } from "./join.ts";
import { sendFiftyRooms, sendOneRoom, sendReplicas } from "./send.ts";
import { syncIdle } from "./sync-idle.ts";
import { syncIncremental } from "./sync-incremental.ts";
import type { Workload } from "./workload.ts";

/** In the order in which they run. */
export const workloads: readonly Workload[] = [
  idleMemory,
  sendOneRoom,
  sendFiftyRooms,
  sendReplicas,
  syncIncremental,
  syncIdle,
  federationIngest,
  initialSync,
  join,
  hostile,
];
