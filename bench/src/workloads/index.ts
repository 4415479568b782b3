import { encryptedRoom } from "./encrypted-room.ts";
import { federationIngest } from "./federation-ingest.ts";
import { hostile } from "./hostile.ts";
import { idleMemory } from "./idle-memory.ts";
import { initialSync } from "./initial-sync.ts";
import { join } from "./join.ts";
import { keysClaim } from "./keys-claim.ts";
import { newDevice } from "./new-device.ts";
import { push } from "./push.ts";
import { sendFiftyRooms, sendOneRoom, sendReplicas } from "./send.ts";
import { search } from "./search.ts";
import { slidingSync } from "./sliding-sync.ts";
import { sockets } from "./sockets.ts";
import { syncIdle } from "./sync-idle.ts";
import { syncIncremental } from "./sync-incremental.ts";
import { toDevice } from "./to-device.ts";
import type { Workload } from "./workload.ts";

/** In the order in which they run. */
export const workloads: readonly Workload[] = [
  idleMemory,
  sendOneRoom,
  sendFiftyRooms,
  sendReplicas,
  syncIncremental,
  syncIdle,
  sockets,
  federationIngest,
  initialSync,
  slidingSync,
  keysClaim,
  toDevice,
  newDevice,
  encryptedRoom,
  push,
  search,
  join,
  hostile,
];
