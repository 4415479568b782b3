import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NetworkError } from "../../src/api/errors.ts";
import type { MediaApi } from "../../src/api/media.ts";
import { createMediaCache } from "../../src/store/media-cache.ts";

const open = new Map<string, Blob>();
let urls = 0;

beforeEach(() => {
  open.clear();
  urls = 0;
  vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => {
    const url = `blob:${++urls}`;
    open.set(url, blob as Blob);
    return url;
  });
  vi.spyOn(URL, "revokeObjectURL").mockImplementation((url) => void open.delete(url));
});
afterEach(() => void vi.restoreAllMocks());

const MB = 1_000_000;
const image = (bytes = 10) => ({ size: bytes, type: "image/png" }) as Blob;
const wish = (name: string) => ({ mxc: `mxc://one/${name}` });

/** A server that answers with what the test made of a name: a picture of ten bytes unless it says otherwise. */
function setUp(files: Record<string, Blob | Error | Promise<Blob>> = {}) {
  const asked: string[] = [];
  const answer = async (name: string) => {
    asked.push(name);
    const file = files[name] ?? image();
    if (file instanceof Error) throw file;
    return file;
  };
  const api = {
    download: ({ mediaId }: { mediaId: string }) => answer(mediaId),
    thumbnail: ({ mediaId }: { mediaId: string }, size: { width: number }) =>
      answer(`${mediaId} ${size.width}`),
  } as unknown as MediaApi;
  return { cache: createMediaCache(api), asked, files };
}

test("a picture is fetched once for all who show it, and kept when nobody does", async () => {
  const { cache, asked } = setUp();
  const both = await Promise.all([cache.acquire(wish("a")), cache.acquire(wish("a"))]);
  expect(both).toEqual(["blob:1", "blob:1"]);
  cache.release(wish("a"));
  cache.release(wish("a"));
  expect(await cache.acquire(wish("a"))).toBe("blob:1");
  expect(asked).toEqual(["a"]);
});

test("each size is a file of its own", async () => {
  const { cache, asked } = setUp();
  const size = { width: 80, height: 60, method: "scale" as const };
  await cache.acquire(wish("a"));
  await cache.acquire({ ...wish("a"), size });
  await cache.acquire({ ...wish("a"), size: { ...size, width: 160 } });
  expect(asked).toEqual(["a", "a 80", "a 160"]);
});

test("what is no address of a file is not asked for", async () => {
  const { cache, asked } = setUp();
  for (const mxc of ["https://x/y", "mxc://one", "mxc://one/a/b", "mxc://one/../../x", ""]) {
    await expect(cache.acquire({ mxc })).rejects.toThrow("Not an mxc address");
  }
  expect(asked).toEqual([]);
});

test("a failure is told to all who wait, and the next who wants it asks again", async () => {
  const { cache, asked, files } = setUp({ a: new NetworkError("gone") });
  const both = await Promise.allSettled([cache.acquire(wish("a")), cache.acquire(wish("a"))]);
  expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  cache.release(wish("a"));
  delete files["a"];
  expect(await cache.acquire(wish("a"))).toBe("blob:1");
  expect(asked).toEqual(["a", "a"]);
});

test.each([
  ["image/png", "image/png"],
  ["Image/JPEG; charset=x", "image/jpeg"],
  ["video/mp4", "video/mp4"],
  ["audio/ogg", "audio/ogg"],
  ["text/html", "application/octet-stream"],
  ["image/svg+xml", "application/octet-stream"],
  ["image/png, text/html", "application/octet-stream"],
  ["application/pdf", "application/octet-stream"],
  ["", "application/octet-stream"],
])("of %s the page is given %s", async (type, given) => {
  const { cache } = setUp({ a: Object.defineProperty(new Blob(["x"]), "type", { value: type }) });
  expect(open.get(await cache.acquire(wish("a")))?.type).toBe(given);
});

test("what nobody shows goes when the budget is spent, that which was shown longest ago first", async () => {
  const { cache, asked } = setUp({ a: image(30 * MB), b: image(30 * MB), c: image(30 * MB) });
  for (const name of ["a", "b", "c"]) await cache.acquire(wish(name));
  cache.release(wish("a"));
  cache.release(wish("b"));
  expect(open.size).toBe(3);
  await cache.acquire(wish("a"));
  cache.release(wish("a"));
  cache.release(wish("c"));
  await vi.waitFor(() => expect([...open.keys()]).toEqual(["blob:1", "blob:3"]));
  await cache.acquire(wish("b"));
  expect(asked).toEqual(["a", "b", "c", "b"]);
});

test("what is shown stays, however large", async () => {
  const { cache } = setUp({ a: image(200 * MB), b: image(1) });
  await cache.acquire(wish("a"));
  await cache.acquire(wish("b"));
  cache.release(wish("b"));
  await Promise.resolve();
  expect([...open.keys()]).toEqual(["blob:1", "blob:2"]);
  cache.release(wish("a"));
  await vi.waitFor(() => expect([...open.keys()]).toEqual(["blob:2"]));
});

test("one that fails after it was given up does not take its successor along", async () => {
  const { promise, reject } = Promise.withResolvers<Blob>();
  const { cache, asked, files } = setUp({ a: promise, big: image(70 * MB) });
  const given = cache.acquire(wish("a"));
  given.catch(() => undefined);
  cache.release(wish("a"));
  await cache.acquire(wish("big"));
  cache.release(wish("big"));
  delete files["a"];
  expect(await cache.acquire(wish("a"))).toBe("blob:2");
  reject(new NetworkError("gone"));
  await expect(given).rejects.toThrow(NetworkError);
  expect(await cache.acquire(wish("a"))).toBe("blob:2");
  expect(asked).toEqual(["a", "big", "a"]);
});
