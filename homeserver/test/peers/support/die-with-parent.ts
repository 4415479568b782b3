/** Preloaded into a server that a test starts: the pipe on stdin closes when the test's process is gone, however it ended. */
process.stdin.on("close", () => process.kill(process.pid, "SIGKILL"));
process.stdin.resume();
// The pipe alone keeps nothing alive.
(process.stdin as typeof process.stdin & { unref?(): void }).unref?.();
