import { beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError, NetworkError } from "../../src/api/errors.ts";
import type { Client } from "../../src/store/client.ts";
import { Room } from "../../src/store/room.ts";
import { $toasts } from "../../src/store/toasts.ts";
import { Uploads, uploadsOf } from "../../src/store/uploads.ts";

beforeEach(() => $toasts.set([]));

/** A server whose uploads the test finishes, with a limit that it answers or not. */
function setUp(limits: (number | undefined | Error | Promise<number>)[] = [1000]) {
  const begun: {
    name: string;
    progress: (share: number) => void;
    finish: (mxc: string) => void;
    fail: (error: unknown) => void;
    cancelled: boolean;
  }[] = [];
  const sent: unknown[] = [];
  let asked = 0;
  const client = {
    api: {
      media: {
        uploadLimit: async () => {
          const answer = limits[Math.min(asked++, limits.length - 1)];
          if (answer instanceof Error) throw answer;
          return answer;
        },
        upload(_file: Blob, name: string, progress: (share: number) => void) {
          const { promise, resolve, reject } = Promise.withResolvers<string>();
          const one = { name, progress, finish: resolve, fail: reject, cancelled: false };
          begun.push(one);
          const cancel = (): void => {
            one.cancelled = true;
            reject(new DOMException("Cancelled", "AbortError"));
          };
          return { done: promise, cancel };
        },
      },
    },
    outbox: {
      send: (_room: Room, type: string, content: object) => sent.push({ type, ...content }),
    },
  } as unknown as Client;
  const room = new Room("!r:one");
  const uploads = new Uploads();
  const states = () => uploads.$items.get().map(({ file, state }) => [file.name, state]);
  const file = (name: string, size = 5) => new File([new Uint8Array(size)], name);
  const begins = (count: number) =>
    vi.waitFor(() => expect(begun.map(({ name }) => name)).toHaveLength(count));
  return { client, room, uploads, begun, sent, states, file, begins, asked: () => asked };
}

test("files wait until they are sent, then go one after another and become messages", async () => {
  const { client, room, uploads, begun, sent, states, file, begins } = setUp();
  uploads.add([file("a.txt"), file("b.bin", 7)]);
  expect(states()).toEqual([
    ["a.txt", "ready"],
    ["b.bin", "ready"],
  ]);
  const done = uploads.sendAll(client, room);
  await begins(1);
  expect(states()).toEqual([
    ["a.txt", "sending"],
    ["b.bin", "ready"],
  ]);
  begun[0]!.progress(0.5);
  expect(uploads.$items.get()[0]?.progress).toBe(0.5);
  begun[0]!.finish("mxc://one/a");
  await begins(2);
  begun[1]!.finish("mxc://one/b");
  await done;
  expect(states()).toEqual([]);
  expect(sent).toMatchObject([
    { type: "m.room.message", msgtype: "m.file", body: "a.txt", url: "mxc://one/a" },
    { body: "b.bin", url: "mxc://one/b", info: { size: 7, mimetype: "application/octet-stream" } },
  ]);
});

test("sending again while files are on their way sends none of them twice", async () => {
  const { client, room, uploads, begun, sent, file, begins } = setUp();
  uploads.add([file("a"), file("b")]);
  const first = uploads.sendAll(client, room);
  await begins(1);
  const second = uploads.sendAll(client, room);
  await begins(2);
  begun[0]!.finish("mxc://one/a");
  await first;
  begun[1]!.finish("mxc://one/b");
  await second;
  expect(begun.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(sent).toHaveLength(2);
});

describe("a file that is taken off the list", () => {
  test("is stopped on its way, without a word, and the next one goes", async () => {
    const { client, room, uploads, begun, sent, states, file, begins } = setUp();
    uploads.add([file("a"), file("b")]);
    const done = uploads.sendAll(client, room);
    await begins(1);
    uploads.remove(uploads.$items.get()[0]!.id);
    await begins(2);
    expect(begun[0]!.cancelled).toBe(true);
    begun[1]!.finish("mxc://one/b");
    await done;
    expect(sent).toMatchObject([{ body: "b" }]);
    expect(states()).toEqual([]);
    expect($toasts.get()).toEqual([]);
  });

  test("before its turn is never begun", async () => {
    const { client, room, uploads, begun, file, begins } = setUp();
    uploads.add([file("a"), file("b")]);
    const done = uploads.sendAll(client, room);
    await begins(1);
    uploads.remove(uploads.$items.get()[1]!.id);
    begun[0]!.finish("mxc://one/a");
    await done;
    expect(begun).toHaveLength(1);
  });

  test("while the server is asked for its limit is never begun", async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const { client, room, uploads, begun, sent, file } = setUp([promise]);
    uploads.add([file("a")]);
    const done = uploads.sendAll(client, room);
    uploads.remove(uploads.$items.get()[0]!.id);
    resolve(1000);
    await done;
    expect(begun).toEqual([]);
    expect(sent).toEqual([]);
  });

  test("at the moment at which it arrives is not sent as a message", async () => {
    const { client, room, uploads, begun, sent, file, begins } = setUp();
    uploads.add([file("a")]);
    const done = uploads.sendAll(client, room);
    await begins(1);
    begun[0]!.finish("mxc://one/a");
    uploads.remove(uploads.$items.get()[0]!.id);
    await done;
    expect(sent).toEqual([]);
  });
});

describe("the server's limit", () => {
  test("keeps larger files back and says what it is; the others go", async () => {
    const { client, room, uploads, begun, sent, states, file, begins } = setUp([1000]);
    uploads.add([file("big", 1001), file("just", 1000)]);
    const done = uploads.sendAll(client, room);
    await begins(1);
    begun[0]!.finish("mxc://one/just");
    await done;
    expect(sent).toMatchObject([{ body: "just" }]);
    expect(states()).toEqual([["big", "failed"]]);
    expect($toasts.get().map(({ kind, text }) => [kind, text])).toEqual([
      ["error", "big is larger than the server takes: 1 kB."],
    ]);
  });

  test("is asked for once", async () => {
    const { client, room, uploads, begun, file, begins, asked } = setUp([1000]);
    uploads.add([file("a"), file("b")]);
    const done = uploads.sendAll(client, room);
    await begins(1);
    begun[0]!.finish("mxc://one/a");
    await begins(2);
    begun[1]!.finish("mxc://one/b");
    await done;
    expect(asked()).toBe(1);
  });

  test("may be none", async () => {
    const { client, room, uploads, begun, file, begins } = setUp([undefined]);
    uploads.add([file("huge", 50_000)]);
    const done = uploads.sendAll(client, room);
    await begins(1);
    begun[0]!.finish("mxc://one/huge");
    await done;
    expect(uploads.$items.get()).toEqual([]);
  });

  test("is asked for again when the server did not answer, and does not hold the file up", async () => {
    const { client, room, uploads, begun, states, file, begins } = setUp([
      new NetworkError("gone"),
      1000,
    ]);
    uploads.add([file("a", 2000)]);
    const first = uploads.sendAll(client, room);
    await begins(1);
    begun[0]!.finish("mxc://one/a");
    await first;
    uploads.add([file("b", 2000)]);
    await uploads.sendAll(client, room);
    expect(begun).toHaveLength(1);
    expect(states()).toEqual([["b", "failed"]]);
  });
});

test("what fails says why, stays, and goes when it is sent again", async () => {
  const { client, room, uploads, begun, sent, states, file, begins } = setUp();
  uploads.add([file("a"), file("b")]);
  const done = uploads.sendAll(client, room);
  await begins(1);
  begun[0]!.fail(new ApiError(403, { errcode: "M_FORBIDDEN" }));
  await begins(2);
  begun[1]!.finish("mxc://one/b");
  await done;
  expect(states()).toEqual([["a", "failed"]]);
  expect($toasts.get().map(({ kind }) => kind)).toEqual(["error"]);
  const again = uploads.sendAll(client, room);
  await begins(3);
  expect(uploads.$items.get()[0]?.progress).toBe(0);
  begun[2]!.finish("mxc://one/a");
  await again;
  expect(sent).toMatchObject([{ body: "b" }, { body: "a" }]);
});

test("each room has a list of its own, which is still there when one comes back", () => {
  const [room, other] = [new Room("!r:one"), new Room("!o:one")];
  uploadsOf(room).add([new File([], "a")]);
  expect(uploadsOf(room).$items.get()).toHaveLength(1);
  expect(uploadsOf(other).$items.get()).toHaveLength(0);
});
