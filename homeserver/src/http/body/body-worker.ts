/** The worker thread that parses large bodies. */
import { serveWorker } from "../../platform/serve-worker.ts";
import { judgeBody } from "./judge-body.ts";

serveWorker(judgeBody);
