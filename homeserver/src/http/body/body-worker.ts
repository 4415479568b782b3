/** The worker thread that looks through large bodies. */
import { serveWorker } from "../../platform/serve-worker.ts";
import { judgeBody } from "./judge-body.ts";

serveWorker(judgeBody);
