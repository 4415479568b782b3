import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasBrowser } from "../peers/support/browser.ts";
import { MEASURES, openBench } from "./run.ts";

/** What each of them tells; of how fast it is, a test says nothing. */
const FIGURES: Readonly<Record<string, readonly string[]>> = {
  script: ["first script, gzip"],
  "sign-in": ["usable sign-in", "usable sign-in, slow 3G"],
  lists: ["30 rooms cold", "30 rooms cold, slow 3G", "100 rooms warm", "opening a room, warm"],
  scrolling: ["up", "down"].flatMap((way) =>
    ["p95 of a frame", "layout shift"].map((what) => `scrolling 500 messages ${way}, ${what}`),
  ),
  archive: [
    ...["back", "on from the first"].flatMap((way) =>
      ["p95 of a frame", "layout shift"].map((what) => `in 1500 messages ${way}, ${what}`),
    ),
    "to the first of 1500 messages by its link",
    "to a day in 1500 messages",
    "back to the newest of 1500 messages",
    "one of 1500 messages found by a word",
    "to what was found in 1500 messages",
    "how far what was gone to moved afterwards, at most",
    "memory of the page before that",
    "memory of the page after all that",
    "elements on the page after all that",
  ],
  conversation: [
    "typed to seen on the other server",
    "longest task while 50 messages a second arrive",
    "until the page says that the server is gone",
  ],
};
/** These may be perfect. */
const MAY_BE_NOTHING = /longest task|layout shift|moved afterwards/;

describe.skipIf(!hasBrowser("Chromium"))("figures of the web client", { timeout: 600_000 }, () => {
  let bench: Awaited<ReturnType<typeof openBench>>;

  beforeAll(async () => {
    bench = await openBench(true);
  }, 600_000);

  afterAll(async () => {
    await bench?.close();
  }, 180_000);

  test("are all known", () => {
    expect(Object.keys(MEASURES)).toEqual(Object.keys(FIGURES));
  });

  for (const [name, measure] of Object.entries(MEASURES)) {
    test(`are measured: ${name}`, async () => {
      const figures = await measure(bench);
      expect(figures.map(({ what }) => what)).toEqual(FIGURES[name]);
      const strange = figures.filter(
        ({ what, value }) => !(value > 0) && !(value === 0 && MAY_BE_NOTHING.test(what)),
      );
      expect(strange).toEqual([]);
    });
  }
});
