/** Answers that are compressed as they are written, and what many or long ones cost. */
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { binary, raw, streamed } from "../../src/http/reply/reply.ts";
import { route } from "../../src/http/route.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";
import { server, startServer } from "./one-server.ts";
import { VERSIONS, ask } from "./compressed.ts";
import { loopTurns } from "../support/loop-turns.ts";

describe("an answer", () => {
  test("that is written as it is read is compressed as it is written, and cut off where reading fails", async () => {
    async function* texts(fails: boolean) {
      for (let count = 0; count < 50; count++)
        yield [JSON.stringify({ count, text: "é".repeat(99) })];
      if (fails) throw new Error("the database went away");
    }
    await startServer([
      route("getVersions", () => streamed({ a: 1 }, { versions: texts(false) })),
      route("getCapabilities", () => streamed({ a: 1 }, { versions: texts(true) })),
    ]);
    const answer = await ask("gzip");
    expect(answer.headers["content-encoding"]).toBe("gzip");
    expect(JSON.parse(gunzipSync(answer.rawPayload).toString()).versions).toHaveLength(50);
    const port = await server.listen({ host: "127.0.0.1", port: 0 });
    const url = `http://127.0.0.1:${port}/_matrix/client/v3/capabilities`;
    const broken = fetch(url, { headers: { authorization: "Bearer good-token" } });
    await expect(broken.then((response) => response.text())).rejects.toThrow();
  });

  test("is not compressed as a stream where too many are, and is again once they have ended", async () => {
    const sources: Readable[] = [];
    await startServer([
      route("getContent", () => {
        const source = new Readable({ read: () => undefined });
        sources.push(source);
        source.push("a".repeat(2000));
        return binary(source, { headers: { "content-type": "text/plain" } });
      }),
    ]);
    const port = await server.listen({ host: "127.0.0.1", port: 0 });
    const url = `http://127.0.0.1:${port}/_matrix/media/v3/download/here.test/x`;
    const headers = { "accept-encoding": "gzip" };
    const request = () => new Promise<IncomingMessage>((resolve) => get(url, { headers }, resolve));
    const answers: IncomingMessage[] = [];
    for (let count = 0; count < 40; count++) answers.push(await request());
    const encodings = answers.map((answer) => answer.headers["content-encoding"]);
    expect(encodings.filter((encoding) => encoding === "gzip")).toHaveLength(32);
    expect(encodings.at(-1)).toBeUndefined();
    const ends = answers.map((answer) => once(answer.resume(), "end"));
    for (const source of sources) source.push(null);
    await Promise.all(ends);
    const last = await request();
    expect(last.headers["content-encoding"]).toBe("gzip");
    last.destroy();
  });

  test("leaves the main loop free while it is compressed", async () => {
    const text = JSON.stringify({ a: Array.from({ length: 200_000 }, (_, count) => `${count} é`) });
    await startServer([route("getVersions", () => raw(text))]);
    const port = await server.listen({ host: "127.0.0.1", port: 0 });
    const turns = await loopTurns(async () => {
      const answer = await fetch(`http://127.0.0.1:${port}${VERSIONS}`, {
        headers: { "accept-encoding": "gzip" },
      });
      expect(await answer.text()).toBe(text);
      expect(answer.headers.get("content-encoding")).toBe("gzip");
    });
    expect(turns).toBeGreaterThan(20);
  });

  test("whose client goes away meanwhile harms nobody", async () => {
    const text = JSON.stringify({ a: "x".repeat(3_000_000) });
    const asked = Promise.withResolvers<void>();
    await startServer([
      route("getVersions", ({ request }) => {
        request.raw.socket.destroy();
        asked.resolve();
        return raw(text);
      }),
    ]);
    const port = await server.listen({ host: "127.0.0.1", port: 0 });
    const gone = fetch(`http://127.0.0.1:${port}${VERSIONS}`, {
      headers: { "accept-encoding": "br" },
    });
    await expect(gone).rejects.toThrow();
    await asked.promise;
    expect((await server.app.inject({ url: "/_weft/health" })).statusCode).toBe(200);
  });
});

test("the web client's files are sent as they were compressed when they were built", async () => {
  const folder = makeTemporaryFolder("weft-static-");
  mkdirSync(join(folder, "assets"));
  for (const name of ["index.html", "assets/a.js"]) {
    for (const [ending, text] of [
      ["", "plain"],
      [".br", "brotli"],
      [".gz", "gzip"],
    ]) {
      writeFileSync(join(folder, name + ending), `${text} of ${name}`);
    }
  }
  await startServer([], { webClient: { folder, connectTo: [] } });
  for (const [url, name] of [
    ["/", "index.html"],
    ["/assets/a.js", "assets/a.js"],
  ] as const) {
    for (const [accept, encoding, text] of [
      ["gzip, br", "br", "brotli"],
      ["gzip", "gzip", "gzip"],
      ["identity", undefined, "plain"],
    ] as const) {
      const answer = await ask(accept, url);
      expect(answer.body, `${url} for ${accept}`).toBe(`${text} of ${name}`);
      expect(answer.headers["content-encoding"]).toBe(encoding);
      expect(String(answer.headers["vary"]).toLowerCase()).toContain("accept-encoding");
      expect(answer.headers["content-type"]).toMatch(url === "/" ? /html/ : /javascript/);
    }
  }
  rmSync(folder, { recursive: true });
});
