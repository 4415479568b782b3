import { afterAll, beforeAll, expect, test } from "vitest";
import { createManualClock } from "../../src/platform/clock.ts";
import { signingKeyFromSeed } from "../../src/protocol/crypto.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import { createKeyRing } from "../../src/federation-client/keys/key-ring.ts";
import { freshDatabase } from "../support/database.ts";

let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

test("a server that names other keys each time takes no memory and no rows without end, and is heard all the same", async () => {
  const { sql } = database;
  const clock = createManualClock();
  const server = "hostile.test" as ServerName;
  const signingKey = signingKeyFromSeed("ed25519:own", Buffer.alloc(32, 3));
  const publicKey = signingKey.publicKeyBase64;
  let round = 0;
  const ring = createKeyRing({
    sql,
    clock,
    serverName: "here.test" as ServerName,
    signingKey,
    notaries: [],
    fetcher: {
      async direct() {
        round += 1;
        const validUntil = clock.now() + 86_400_000;
        const fetched = clock.now();
        const keys = Array.from({ length: 50 }, (_, count) => {
          return { server, keyId: `ed25519:r${round}k${count}`, publicKey, validUntil, fetched };
        });
        return { server, keys, validUntil, object: { server_name: server } };
      },
      viaNotary: async () => [],
    },
  });
  const wanted = (keyId: string) => ring.keys([{ server, keyId, validAt: clock.now() }]);
  for (let count = 1; count <= 20; count++) {
    clock.advance(3_000);
    const [key] = await wanted(`ed25519:r${count}k7`);
    expect(key?.publicKeyBase64).toBe(publicKey);
  }
  expect(round).toBe(20);
  expect(await sql`SELECT FROM server_keys WHERE server = ${server}`).toHaveLength(300);
  // The newest are known still, in memory as in the table; the first are not.
  await wanted("ed25519:r20k49");
  await wanted("ed25519:r15k0");
  expect(round).toBe(20);
  expect(await wanted("ed25519:r14k49")).toEqual([undefined]);
});
