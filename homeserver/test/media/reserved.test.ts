import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { errcodeOf } from "../users/support.ts";
import { ALICE, bytesOf, local } from "./support.ts";
import { until } from "../support/wait.ts";
import { t } from "./one-store.ts";

describe("reserved places", () => {
  const said = { contentType: "text/plain", fileName: undefined };
  const placeOf = (uri: string) => local(uri.split("/").pop()!);
  const fill = (uri: string, by = ALICE) =>
    t.media.uploadTo(by, placeOf(uri), said, Readable.from([Buffer.from("late")]));

  test("are filled once, by who reserved them, and give the file to who waits for it", async () => {
    const { uri } = await t.media.reserve(ALICE);
    const waiting = t.media.download({ ...placeOf(uri), timeoutMs: 10_000 });
    await until(() => t.clock.sleepers > 0, { every: 0 });
    expect(await errcodeOf(fill(uri, "@bob:here.test" as never))).toBe("M_FORBIDDEN");
    await fill(uri);
    t.clock.advance(1000);
    expect((await bytesOf(await waiting)).toString()).toBe("late");
    expect(await errcodeOf(fill(uri))).toBe("M_CANNOT_OVERWRITE_MEDIA");
  });

  test("are looked at by one of all who wait for the same file", async () => {
    const { uri } = await t.media.reserve(ALICE);
    const all = Array.from({ length: 50 }, () =>
      errcodeOf(t.media.download({ ...placeOf(uri), timeoutMs: 500 })),
    );
    const sleepers: number[] = [];
    let isOver = false;
    const over = Promise.all(all).finally(() => (isOver = true));
    for (;;) {
      await until(() => isOver || t.clock.sleepers > 0, { every: 0 });
      if (isOver) break;
      // What was asked before this is answered has been answered: all wait that will.
      for (let turn = 0; turn < 50; turn += 1) await t.sql`SELECT`;
      sleepers.push(t.clock.sleepers);
      t.clock.advance(250);
    }
    expect(new Set(await over)).toEqual(new Set(["M_NOT_YET_UPLOADED"]));
    expect(Math.max(...sleepers)).toBe(1);
  });

  test("that stay empty are 504, and lapse after a day", async () => {
    const { uri, untilTs } = await t.media.reserve(ALICE);
    const asked = t.media.download({ ...placeOf(uri), timeoutMs: 0 });
    await expect(asked).rejects.toMatchObject({ status: 504, errcode: "M_NOT_YET_UPLOADED" });
    t.clock.advance(untilTs - t.clock.now() + 1);
    expect(await errcodeOf(fill(uri))).toBe("M_NOT_FOUND");
    expect(await errcodeOf(fill("mxc://here.test/none"))).toBe("M_NOT_FOUND");
  });

  test("are not given without end", async () => {
    for (let i = 0; i < 100; i += 1) await t.media.reserve(ALICE);
    expect(await errcodeOf(t.media.reserve(ALICE))).toBe("M_LIMIT_EXCEEDED");
  });
});
