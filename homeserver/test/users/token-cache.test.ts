import { expect, test } from "vitest";
import type { UserId } from "../../src/protocol/identifiers.ts";
import { createTokenCache } from "../../src/users/sessions/token-cache.ts";

const [alice, bob] = ["@alice:here", "@bob:here"] as [UserId, UserId];
const tokenOf = (userId: UserId) => ({
  ...{ userId, deviceId: "D", isAdmin: false, restriction: undefined, tokenHash: Buffer.alloc(1) },
  ...{ expiresTs: null, seenTs: 0, seenIp: "", rate: undefined, isShadowBanned: false },
});
const open = () => createTokenCache({ max: 100_000, ttlMs: 3_600_000 });

test("what was read before a user's tokens changed is not remembered, that of others is", () => {
  const cache = open();
  const { epoch } = cache;
  cache.forgetUser(alice);
  cache.put("a", tokenOf(alice), epoch);
  cache.put("b", tokenOf(bob), epoch);
  expect([cache.get("a"), cache.get("b")]).toEqual([undefined, tokenOf(bob)]);
  cache.put("a", tokenOf(alice), cache.epoch);
  expect(cache.get("a")).toEqual(tokenOf(alice));
});

test("nothing that was read before is remembered where too many users changed to know whose", () => {
  const cache = open();
  const { epoch } = cache;
  cache.forgetUser(alice);
  for (let n = 0; n < 10_000; n += 1) cache.forgetUser(`@many${n}:here`);
  cache.put("a", tokenOf(alice), epoch);
  cache.put("b", tokenOf(bob), epoch);
  expect([cache.get("a"), cache.get("b")]).toEqual([undefined, undefined]);
  cache.put("b", tokenOf(bob), cache.epoch);
  expect(cache.get("b")).toEqual(tokenOf(bob));
});
