/** The worker thread that resolves big conflicts. */
import { serveWorker } from "../../platform/serve-worker.ts";
import { resolvePortable } from "../../protocol/state-res/index.ts";

serveWorker(resolvePortable);
