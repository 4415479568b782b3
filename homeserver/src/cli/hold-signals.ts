/** Imported first by the command line: only a server has something to do before a signal ends it. */
if (process.argv[2] === "start") await import("../platform/held-signals.ts");
