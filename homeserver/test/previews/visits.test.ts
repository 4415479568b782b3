/** Previews with a clock and a network of the test's own. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Agent, buildConnector } from "undici";
import {
  createConnector,
  createOutboundAgent,
} from "../../src/federation-client/connecting/agent.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { createUrlPreviews, type UrlPreviews } from "../../src/previews/index.ts";
import { claimPreview } from "../../src/storage/url-previews.ts";
import { createHash } from "node:crypto";
import { systemClock } from "../../src/platform/clock.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { html, openSite, redirect, type Site } from "./site.ts";

let database: TestDatabase;
let site: Site;
const opened: UrlPreviews[] = [];

beforeAll(async () => {
  database = await freshDatabase();
  site = await openSite({
    "/page": html("<title>Page</title>"),
    "/again": html("<title>Again</title>"),
    "/short": html("<title>Short</title>", { "cache-control": "max-age=600" }),
    "/to-loopback": redirect("http://127.0.0.1:8008/"),
    "/drip": (_request, response) => {
      response.writeHead(200, { "content-type": "text/html" });
      response.write("<title>");
    },
  });
});

afterAll(async () => {
  for (const previews of opened) await previews.stop();
  await site.close();
  await database.close();
});

function open(agent: Agent, more: { visitMs?: number; now?: () => number } = {}): UrlPreviews {
  const { now = systemClock.now, ...rest } = more;
  const previews = createUrlPreviews({
    ...{ sql: database.sql, agent, logger: silentLogger(), publicBaseUrl: "https://here.test" },
    ...{ clock: { ...systemClock, now }, serverName: "here.test" as ServerName, ...rest },
    media: { keepImage: () => Promise.reject(new Error("there is no image")) },
  });
  opened.push(previews);
  return previews;
}

const loopback = () => createOutboundAgent(createConnector({ allowPrivate: true }));

/** A network in which public.test is the site, and everything else is guarded. */
function publicSite(): Agent {
  const guarded = createConnector({ allowPrivate: false });
  const direct = buildConnector({});
  const { port } = new URL(site.url);
  return createOutboundAgent((target, callback) =>
    target.hostname === "public.test"
      ? direct({ ...target, hostname: "127.0.0.1", host: "127.0.0.1", port }, callback)
      : guarded(target, callback),
  );
}

test("a redirect to a private address is refused as if it had been asked for", async () => {
  const previews = open(publicSite());
  expect(JSON.parse(await previews.of("http://public.test/page"))).toEqual({ "og:title": "Page" });
  const refused = previews.of("http://public.test/to-loopback");
  await expect(refused).rejects.toMatchObject({ status: 502, errcode: "M_UNKNOWN" });
});

test("a page that comes drop by drop is given up", async () => {
  const previews = open(loopback(), { visitMs: 200 });
  await expect(previews.of(`${site.url}/drip`)).rejects.toMatchObject({ status: 502 });
});

test("a preview is kept for as long as the page says, within bounds", async () => {
  let now = Date.now();
  const previews = open(loopback(), { now: () => now });
  const visits = () => site.asked.filter((path) => path === "/short").length;
  const look = async (): Promise<number> => {
    await previews.of(`${site.url}/short`);
    return visits();
  };
  expect(await look()).toBe(1);
  now += 599_000;
  expect(await look()).toBe(1);
  now += 2_000;
  expect(await look()).toBe(2);
});

test("what a replica was fetching when it died is fetched by another", async () => {
  const url = `${site.url}/again`;
  const hash = createHash("sha256").update(url).digest();
  const now = Date.now();
  // It has had the claim until a moment from now.
  expect(await claimPreview(database.sql, hash, { now, until: now + 500 })).toBe(true);
  expect(JSON.parse(await open(loopback()).of(url))).toEqual({ "og:title": "Again" });
});

test("a server that stops gives up what it fetches", async () => {
  const previews = open(loopback());
  const waiting = previews.of(`${site.url}/drip?stop`);
  const outcome = expect(waiting).rejects.toBeDefined();
  await expect.poll(() => site.asked.includes("/drip?stop")).toBe(true);
  await previews.stop();
  await outcome;
});
