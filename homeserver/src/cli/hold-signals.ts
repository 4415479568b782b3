/** Imported first by the command line: only a starting server has to handle signals early. */
if (process.argv[2] === "start") await import("../platform/held-signals.ts");
