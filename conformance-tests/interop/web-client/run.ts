/** Our web client on another homeserver: Synapse, which has sliding sync, and neither our socket nor counts in it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ensureWebClient } from "../../../scripts/lib/web-client.mjs";
import { CHROMIUM } from "../../../web-client/e2e/chromium.ts";
import { makeLoopbackTls } from "../../harness/certificates.ts";
import { startSynapse } from "../../harness/subjects/synapse.ts";
import { registerUser } from "../../harness/users.ts";
import { servePages } from "../page-server.ts";
import { story } from "./story.ts";

const DIST = join(import.meta.dirname, "..", "..", "..", "web-client", "dist");

/** False: something does not work. */
export async function runWebClient(say: (line: string) => void, python: string): Promise<boolean> {
  if (!existsSync(CHROMIUM.executablePath)) {
    say("the web client on Synapse: not tried, as Chromium is not here");
    return true;
  }
  await ensureWebClient();
  const synapse = await startSynapse(makeLoopbackTls(), python);
  const page = await servePages(DIST, synapse.subject.clientUrl);
  const browser = await chromium.launch(CHROMIUM);
  try {
    const [alice, bob] = await Promise.all([
      registerUser(synapse.subject, "alice"),
      registerUser(synapse.subject, "bob"),
    ]);
    for (const { name, run } of story(browser, page.url, alice, bob)) {
      try {
        await run();
        say(`the web client on Synapse: ${name}`);
      } catch (error) {
        say(`the web client on Synapse: NOT: ${name}: ${(error as Error).message}`);
        return false;
      }
    }
    return true;
  } finally {
    await browser.close();
    page.close();
    await synapse.stop();
  }
}
