/**
 * Renders spec/site/index.html, the reference of every operation, as one file that opens without a network.
 *
 *   node spec/docs.ts
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { redocly } from "./tools/redocly.ts";
import { SPEC_FOLDER } from "./tools/source.ts";

/** Nothing may be fetched, whatever the renderer would like to. */
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; style-src 'unsafe-inline'; " +
  "img-src data:; font-src data:; worker-src blob:; connect-src 'none'";

/** The page with a policy that forbids fetching, and without the renderer's own addresses. */
export function withoutNetwork(page: string): string {
  const policy = `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`;
  const stripped = page
    .replaceAll(/<link[^>]+href="https?:[^>]*>/g, "")
    .replaceAll(/<script[^>]+src="https?:[^>]*><\/script>/g, "")
    .replaceAll(/https:\/\/[\w.-]*redoc(ly\.com|\.ly)[^"'`\s)\\]*/g, "data:,")
    .replaceAll(/https:\/\/fonts\.(googleapis|gstatic)\.com[^"'`\s)\\]*/g, "data:,");
  return stripped.replace("<head>", () => `<head>${policy}`);
}

async function main(): Promise<void> {
  const folder = join(SPEC_FOLDER, "site");
  const file = join(folder, "index.html");
  mkdirSync(folder, { recursive: true });
  const bundle = join(SPEC_FOLDER, "generated", "openapi.json");
  const result = await redocly(["build-docs", bundle, "--output", file, "--inlineBundle"]);
  if (result.code !== 0) {
    console.error(result.output);
    process.exitCode = 1;
    return;
  }
  writeFileSync(file, withoutNetwork(readFileSync(file, "utf8")));
  console.log("spec/site/index.html");
}

if (import.meta.main) await main();
