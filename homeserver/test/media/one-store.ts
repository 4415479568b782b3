/** The media of one server, on a clock that stands still. */
import { afterAll, beforeAll } from "vitest";
import { openMedia, type TestMedia } from "./support.ts";

export let t: TestMedia;

beforeAll(async () => {
  t = await openMedia({ maxUploadBytes: 100_000, maxCopiesBytes: 12_000 });
});

afterAll(() => t.close());
