/** Which keys of an invite by address are looked at: whoever writes the event chooses how many there are. */
import { expect, test } from "vitest";
import { generateSigningKey } from "../../src/protocol/crypto.ts";
import { keysThatSigned } from "../../src/protocol/auth/index.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { signJson } from "../../src/protocol/signed-json.ts";

const keys = Array.from({ length: 30 }, () => generateSigningKey(systemRandom.bytes));
const [first, second] = keys as [(typeof keys)[0], (typeof keys)[0]];
const said = { mxid: "@ann:one", token: "token" };

function found(content: object, signed: object): string[] {
  const all = keysThatSigned({ content } as never, signed as never);
  return [...all].map(({ key }) => key);
}

test("a key counts wherever it stands, with its own address, and once", () => {
  const signed = signJson(said, "id.test", first);
  const { publicKeyBase64: key } = first;
  expect(found({ public_key: key }, signed)).toEqual([key]);
  const public_keys = [{ public_key: second.publicKeyBase64 }, { public_key: key }];
  expect(found({ public_key: key, public_keys }, signed)).toEqual([key]);
  expect(found({ public_keys }, signJson(signed, "id.test", second))).toHaveLength(2);
});

test("nothing counts that is no key, no signature, or of other words", () => {
  const { publicKeyBase64: key } = first;
  const signed = signJson(said, "id.test", first);
  expect(found({ public_key: "AAAA", public_keys: [null, { public_key: 1 }] }, signed)).toEqual([]);
  expect(found({ public_key: key }, { ...signed, token: "other" })).toEqual([]);
  expect(found({ public_key: key }, { ...said, signatures: { x: { "ed25519:1": 1 } } })).toEqual(
    [],
  );
  expect(found({ public_key: key }, { ...signed, mxid: "\ud800" })).toEqual([]);
});

test("of very many keys and signatures the first are looked at", () => {
  const public_keys = keys.map(({ publicKeyBase64 }) => ({ public_key: publicKeyBase64 }));
  const byLast = signJson(said, "id.test", keys.at(-1)!);
  expect(found({ public_keys }, byLast)).toEqual([]);
  const junk = Object.fromEntries(keys.map((_, at) => [`ed25519:${at}`, "A".repeat(86)]));
  const { signatures } = signJson(said, "z.test", first);
  const late = { ...said, signatures: { "a.test": junk, ...(signatures as object) } };
  expect(found({ public_keys }, late)).toEqual([]);
});
