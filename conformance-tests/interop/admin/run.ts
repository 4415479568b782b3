/** Administrators' tools on Weft. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { makeTemporaryFolder } from "../../../scripts/lib/temporary.mjs";
import { makeLoopbackTls } from "../../harness/certificates.ts";
import { startWeft } from "../../harness/subjects/weft.ts";
import { runKetesa } from "./ketesa.ts";
import { makeRequests } from "./requests.ts";
import { setScene, SHARED_SECRET } from "./scene.ts";
import { installSynadm, runSynadm, SYNADM_VERSION } from "./synadm.ts";

/**
 * Runs synadm if it can be installed, Ketesa if a folder has it, and the requests of the others. False: not
 * all of it works.
 */
export async function runAdmin(say: (line: string) => void, ketesa?: string): Promise<boolean> {
  const folder = makeTemporaryFolder("weft-interop-admin-");
  const settings = { WEFT_REGISTRATION_SHARED_SECRET: SHARED_SECRET };
  const weft = await startWeft(makeLoopbackTls(), {}, settings);
  const wrong: string[] = [];
  try {
    const scene = await setScene(weft.subject);
    const requests = await makeRequests(scene);
    for (const [tool, count] of Object.entries(requests.right)) {
      say(`${tool}: ${count} requests that its source makes are answered as it reads them`);
    }
    const run = installSynadm(say, scene, join(folder, "synadm"));
    const commands = run && (await runSynadm(scene, run));
    if (commands) say(`synadm ${SYNADM_VERSION}: ${commands.right} commands work`);
    wrong.push(...requests.wrong, ...(commands?.wrong ?? []));
    if (ketesa !== undefined) wrong.push(...(await runKetesa(say, scene, ketesa)));
  } finally {
    await weft.stop();
    await rm(folder, { recursive: true, force: true });
  }
  for (const line of wrong) say(`  ${line}`);
  return wrong.length === 0;
}
