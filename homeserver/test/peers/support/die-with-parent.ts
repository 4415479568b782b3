import { isMainThread } from "node:worker_threads";

/**
 * Preloaded into a server that a test starts: the pipe on stdin closes when the test's process is gone, however it ended.
 * Its worker threads are preloaded with it too, and have a stdin of their own that is closed from the start.
 */
if (isMainThread) {
  process.stdin.on("close", () => process.kill(process.pid, "SIGKILL"));
  process.stdin.resume();
  // The pipe alone keeps nothing alive.
  process.stdin.unref?.();
}
