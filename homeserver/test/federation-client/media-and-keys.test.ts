import { buffer } from "node:stream/consumers";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { binary } from "../../src/http/reply/reply.ts";
import { route } from "../../src/http/route.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { signText } from "../../src/protocol/crypto.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import { signJson } from "../../src/protocol/signed-json.ts";
import { readKeyObject } from "../../src/federation-client/keys/key-object.ts";
import { createKeyRing } from "../../src/federation-client/keys/key-ring.ts";
import { RemoteError } from "../../src/federation-client/requests/remote-error.ts";
import { start } from "./running-peers.ts";

describe("media of another server", () => {
  const answer = (...lines: string[]) =>
    binary(Readable.from([Buffer.from(lines.join("\r\n"))]), {
      headers: { "content-type": "multipart/mixed; boundary=b" },
    });

  test("is taken out of the multipart answer", async () => {
    const two = await start([
      route("federationGetContent", () =>
        answer(
          "--b",
          "content-type: application/json",
          "",
          "{}",
          "--b",
          "Content-Type: image/png",
          "",
          "bytes",
          "--b--",
        ),
      ),
    ]);
    const one = await start();
    const file = await one.remote.media.download(two.serverName, "m");
    expect(file.contentType).toBe("image/png");
    expect(String(await buffer(file.body))).toBe("bytes");
  });

  test("comes by the old unsigned way where the new one is unknown", async () => {
    const two = await start([
      route("getContent", ({ params, query }) =>
        binary(`${params.serverName}/${params.mediaId}/${query.allow_remote}`, {
          headers: { "content-type": "text/plain" },
        }),
      ),
    ]);
    const one = await start();
    const file = await one.remote.media.download(two.serverName, "m");
    expect(String(await buffer(file.body))).toBe(`${two.serverName}/m/false`);
  });

  test("that is no multipart is refused", async () => {
    const two = await start([route("federationGetContent", () => ({}))]);
    const one = await start();
    await expect(one.remote.media.download(two.serverName, "m")).rejects.toBeInstanceOf(
      RemoteError,
    );
  });
});

describe("keys of other servers", () => {
  test("are fetched from them, kept, and judged by the time of the signature", async () => {
    const [one, two] = [await start(), await start()];
    const want = (keyId: string, validAt: number) =>
      one.remote.keyRing.keys([{ server: two.serverName, keyId, validAt }]);
    const [key] = await want(two.signingKey.keyId, Date.now());
    expect(key?.publicKeyBase64).toBe(two.signingKey.publicKeyBase64);
    expect(await want("ed25519:other", 0)).toEqual([undefined]);
    expect(await want(two.signingKey.keyId, Date.now() + 8 * 24 * 3600_000)).toEqual([undefined]);
    await two.stopListening();
    expect((await want(two.signingKey.keyId, 0))[0]).toBeDefined();
    const [own] = await one.remote.keyRing.keys([
      { server: one.serverName, keyId: one.signingKey.keyId, validAt: 0 },
    ]);
    expect(own?.publicKeyBase64).toBe(one.signingKey.publicKeyBase64);
  });

  test("come from a notary when the server is gone", async () => {
    const [notary, gone] = [await start(), await start()];
    const one = await start([], { notaries: [notary.serverName] });
    const wanted = { server: gone.serverName, keyId: gone.signingKey.keyId, validAt: 0 };
    expect((await notary.remote.keyRing.keys([wanted]))[0]).toBeDefined();
    await gone.stopListening();
    const [key] = await one.remote.keyRing.keys([wanted]);
    expect(key?.publicKeyBase64).toBe(gone.signingKey.publicKeyBase64);
  });

  test("are handed on whatever else stands in their object", async () => {
    const one = await start();
    const server = "deep.test" as ServerName;
    const { keyId, publicKeyBase64: key } = one.signingKey;
    const object = signJson(
      {
        ...{ server_name: server, verify_keys: { [keyId]: { key } } },
        valid_until_ts: Date.now() + 3600_000,
        "org.example.deep": JSON.parse(`${"[".repeat(500)}${"]".repeat(500)}`),
      },
      server,
      one.signingKey,
    );
    const { sql } = one.database;
    const ring = createKeyRing({
      ...{ sql, clock: systemClock, serverName: one.serverName, signingKey: one.signingKey },
      notaries: [],
      fetcher: {
        direct: async () => readKeyObject(object, server, Date.now()),
        viaNotary: async () => [],
      },
    });
    expect(await ring.keyObject(server, Date.now())).toEqual(object);
  });

  test("that somebody else signed are not taken", async () => {
    const two = await start([]);
    const forged = {
      server_name: "evil.test",
      verify_keys: { "ed25519:1": { key: two.signingKey.publicKeyBase64 } },
      valid_until_ts: Date.now() + 1000,
    };
    const signed = {
      ...forged,
      signatures: { "evil.test": { "ed25519:1": signText("x", two.signingKey) } },
    };
    expect(readKeyObject(signed, "evil.test" as never, Date.now())).toBeUndefined();
    expect(readKeyObject(forged, "evil.test" as never, Date.now())).toBeUndefined();
  });
});
