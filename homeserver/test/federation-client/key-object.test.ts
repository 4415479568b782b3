import { expect, test } from "vitest";
import { signingKeyFromSeed } from "../../src/protocol/crypto.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import { signJson } from "../../src/protocol/signed-json.ts";
import { readKeyObject } from "../../src/federation-client/keys/key-object.ts";

const server = "many.test" as ServerName;
const key = signingKeyFromSeed("ed25519:own", Buffer.alloc(32, 3));

test("a server's keys without end are not all taken", () => {
  const many = Array.from({ length: 400 }, (_, count) => [
    `ed25519:k${count}`,
    { key: key.publicKeyBase64, expired_ts: 1 },
  ]);
  const object = {
    server_name: server,
    valid_until_ts: 2_000_000_000_000,
    verify_keys: { [key.keyId]: { key: key.publicKeyBase64 } },
    old_verify_keys: Object.fromEntries(many),
  };
  const read = readKeyObject(signJson(object, server, key), server, 1_700_000_000_000);
  expect(read?.keys).toHaveLength(51);
});
