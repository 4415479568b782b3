import { expect, test } from "vitest";
import { formatSyncToken, parseSyncToken, readSyncToken } from "../../src/log/token.ts";

test("a token comes back as it was given out, and one without a version is read on", () => {
  const token = { position: 12, ephemeral: 1_700_000_000_000_000 };
  expect(readSyncToken(formatSyncToken(token))).toEqual(token);
  const waiting = { ...token, toDevice: 7 };
  expect(readSyncToken(formatSyncToken(waiting))).toEqual(waiting);
  expect(readSyncToken("s2_12_34")).toEqual({ position: 12, ephemeral: 34 });
  expect(readSyncToken("s12_34")).toEqual({ position: 12, ephemeral: 34 });
  expect(readSyncToken("s0_0")).toEqual({ position: 0, ephemeral: 0 });
});

test.each([
  "",
  "s",
  "s12",
  "s12_",
  "s_12",
  "s4_12_34",
  "s0_12_34",
  "s2_12_34_5",
  "s3_1_2_3_4",
  "s-1_2",
  "t1_2",
])("%j is no token of ours", (text) => {
  expect(readSyncToken(text)).toBeUndefined();
  expect(() => parseSyncToken(text)).toThrow(expect.objectContaining({ status: 400 }));
});
