/**
 * npm run conformance [-- OPTIONS] [PART OF A FILE'S NAME…]
 *
 * Runs the suite against Weft, or another server, and prints what passed and failed by clause of the
 * specification. Ends with 1 when a test failed.
 */
import { parseArgs } from "node:util";
import { startVitest } from "vitest/node";
import { baselineOf, news, readBaseline, writeBaseline } from "./baseline.ts";
import { report } from "./report.ts";
import { Results } from "./results.ts";

const HELP = `npm run conformance [-- OPTIONS] [PART OF A FILE'S NAME ...]

  --grep TEXT              only tests whose name fits this pattern
  --subject weft|synapse   which server to start (weft)
  --synapse-python FILE    an interpreter that has matrix-synapse
  --url URL                use the server that runs there (its client API)
  --server-name NAME       its name (the URL's host)
  --federation-url URL     its server API (https://NAME)
  --ca FILE                PEM of the authority of its certificate
  --peer-cert FILE, --peer-key FILE   what the suite's peers show to it, for "localhost"
  --update-baseline        write down what passed and failed
`;

/** Options that the harness reads from the environment. */
const ENVIRONMENT = {
  subject: "WEFT_CONFORMANCE_SUBJECT",
  "synapse-python": "WEFT_CONFORMANCE_SYNAPSE_PYTHON",
  url: "WEFT_CONFORMANCE_URL",
  "server-name": "WEFT_CONFORMANCE_SERVER_NAME",
  "federation-url": "WEFT_CONFORMANCE_FEDERATION_URL",
  ca: "WEFT_CONFORMANCE_CA",
  "peer-cert": "WEFT_CONFORMANCE_PEER_CERT",
  "peer-key": "WEFT_CONFORMANCE_PEER_KEY",
} as const;

function readArguments(args: string[]) {
  const text = { type: "string" } as const;
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: "boolean" },
      grep: text,
      "update-baseline": { type: "boolean" },
      subject: text,
      "synapse-python": text,
      url: text,
      "server-name": text,
      "federation-url": text,
      ca: text,
      "peer-cert": text,
      "peer-key": text,
    },
  });
}

async function main(args: string[]): Promise<number> {
  const { values, positionals } = readArguments(args);
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  for (const [option, variable] of Object.entries(ENVIRONMENT)) {
    const value = values[option as keyof typeof ENVIRONMENT];
    if (value !== undefined) process.env[variable] = value;
  }
  const results = new Results();
  const vitest = await startVitest("test", positionals, {
    root: new URL("..", import.meta.url).pathname,
    watch: false,
    reporters: [results],
    testNamePattern: values.grep,
  });
  await vitest.close();
  process.stdout.write(`${report(results.all)}\n`);
  for (const what of results.broken) process.stdout.write(`broken: ${what}\n`);
  const isWeft =
    (process.env["WEFT_CONFORMANCE_SUBJECT"] ?? "weft") === "weft" && values.url === undefined;
  const isWhole =
    positionals.length === 0 && values.grep === undefined && results.broken.length === 0;
  if (isWeft) await tellNews(results, isWhole, values["update-baseline"] === true);
  const failed = results.all.some((result) => result.state === "failed");
  return failed || results.broken.length > 0 || results.all.length === 0 ? 1 : 0;
}

async function tellNews(results: Results, isWhole: boolean, update: boolean): Promise<void> {
  const before = await readBaseline();
  const now = baselineOf(results.all);
  for (const line of news(before, now, isWhole)) process.stdout.write(`news: ${line}\n`);
  if (update) await writeBaseline(isWhole ? now : { ...before, ...now });
}

process.exitCode = await main(process.argv.slice(2));
