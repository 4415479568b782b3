import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

const DEMO = join(import.meta.dirname, "..", "..", "..", "scripts", "demo.mjs");
const DIST = join(import.meta.dirname, "..", "..", "..", "web-client", "dist");

test(
  "the demonstration's two servers exchange a conversation over TLS",
  { timeout: 180_000 },
  async () => {
    const child = spawn(process.execPath, [DEMO, "--once"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
    expect(code).toBe(0);
    expect(output).toMatch(/^ {2}http:\/\/localhost:\d+\/demo-\w+\.html {3}alice on /m);
    expect(output).toMatch(/^ {2}http:\/\/localhost:\d+\/demo-\w+\.html {3}bob on /m);
    // What signed a browser in is gone with the servers.
    expect(readdirSync(DIST).filter((name) => name.startsWith("demo-"))).toEqual([]);
    expect(output).toContain("Each of the two administers their server");
    expect(output).toContain("Does this reach you?");
    expect(output).toContain("It does: signed, over TLS");
  },
);

test("it ends at Ctrl-C, and leaves nothing running", { timeout: 180_000 }, async () => {
  const child = spawn(process.execPath, [DEMO], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  let output = "";
  for await (const part of child.stdout.setEncoding("utf8")) {
    output += part as string;
    if (output.includes("Ctrl-C stops")) child.kill("SIGINT");
  }
  expect(await ended).toEqual([0, null]);
  const pages = [...output.matchAll(/http:\/\/localhost:\d+/g)].map(([origin]) => origin);
  expect(pages).toHaveLength(2);
  for (const page of pages) await expect(fetch(page)).rejects.toThrow("fetch failed");
});
