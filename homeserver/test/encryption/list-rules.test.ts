/** How updates of a list follow one another. */
import { expect, test } from "vitest";
import {
  judgeUpdate,
  pauseAfterFailures,
  resyncAfterGap,
  withUpdate,
} from "../../src/encryption/device-lists/list-rules.ts";

const MINUTE = 60_000;
const READ_AT = 1_000_000;

/** An update of a list that has these ids, some minutes after it was read. */
const judge = (streamIds: number[], streamId: number, prevIds: number[], minutes = 0) =>
  judgeUpdate({ streamIds, readAt: READ_AT }, { streamId, prevIds }, READ_AT + minutes * MINUTE);

test.each<[string, ReturnType<typeof judge>, string]>([
  ["that follows on the newest", judge([5], 6, [5]), "next"],
  ["that follows on several that are there", judge([4, 5, 6], 7, [5, 6]), "next"],
  ["of several at once, the older one last", judge([4, 6], 5, [4]), "next"],
  ["that is there already", judge([5, 6], 6, [5]), "known"],
  ["from before the snapshot", judge([50], 49, [48]), "known"],
  ["of a server that counts anew", judge([50], 3, [2], 11), "gap"],
  ["that follows on something unknown", judge([5], 7, [6]), "gap"],
  ["that follows on something known and something unknown", judge([5], 7, [5, 6]), "gap"],
  ["that follows on nothing", judge([5], 7, []), "gap"],
  ["of a list of an unknown version", judge([], 7, [6]), "gap"],
])("an update %s", (_what, verdict, expected) => {
  expect(verdict).toBe(expected);
});

test("a row of updates is followed however long it is, and few ids are kept", () => {
  let ids = [0];
  for (let id = 1; id < 1_000; id += 1) {
    expect(judge(ids, id, [id - 1])).toBe("next");
    ids = withUpdate(ids, id);
  }
  expect(ids.length).toBeLessThan(50);
  expect(judge(ids, 999, [998])).toBe("known");
});

test("a list is read anew at once, but not twice within moments, and less and less after failures", () => {
  expect(resyncAfterGap({ readAt: 0 }, READ_AT)).toBe(READ_AT);
  expect(resyncAfterGap({ readAt: READ_AT }, READ_AT + 1)).toBe(READ_AT + 10_000);
  const pauses = [1, 2, 3, 20, 1_000_000].map((failures) => pauseAfterFailures(failures, 0.5));
  expect(pauses).toEqual([5_000, 10_000, 20_000, 60 * MINUTE, 60 * MINUTE]);
  expect([pauseAfterFailures(1, 0), pauseAfterFailures(1, 1)]).toEqual([4_000, 6_000]);
});
