import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { clearSession, saveSession } from "../../src/api/session.ts";
import { openClient, type Client } from "../../src/store/client.ts";
import { page } from "../../src/store/page.ts";
import { openPersistence } from "../../src/store/persistence.ts";
import { RoomStore } from "../../src/store/room-store.ts";
import { createEvents, syncOf } from "../unit/events.ts";
import { eventually } from "../unit/eventually.ts";
import { playServer, refusal, sessionOf } from "./server.ts";

const ANN = "@ann:one";
const ROOM = "!room:one";
const session = sessionOf(ANN);

let make = createEvents();
let opened: Client[] = [];

async function open(): Promise<Client> {
  const client = await openClient(session, () => undefined);
  opened.push(client);
  return client;
}

beforeEach(() => {
  make = createEvents();
  opened = [];
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  Reflect.deleteProperty(document, "hidden");
  for (const client of opened) await client.close(true);
  clearSession(session.userId);
});

const news = (body: string, next = "s1", roomId = ROOM) => ({
  ...syncOf(roomId, {
    timeline: { events: [make.message("@ben:one", body)], prev_batch: "p" },
  }),
  next_batch: next,
});

/** What is on the disk: how far it goes, and the last words of each room. */
async function kept(): Promise<[string | undefined, string[]]> {
  const persistence = await openPersistence(ANN, "D");
  const store = new RoomStore(ANN);
  const since = await persistence.load(store);
  return [since, store.$list.get().map(({ preview }) => preview)];
}

/** Rooms that an earlier visit kept. */
async function keep(count: number): Promise<void> {
  const store = new RoomStore(ANN);
  for (let at = 0; at < count; at++) store.apply(news(`words ${at}`, "s1", `!${at}:one`), 0);
  const persistence = await openPersistence(ANN, "D");
  await persistence.save(store, "s1", store.rooms.keys());
}

function setHidden(hidden: boolean): void {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}

describe("what was kept", () => {
  test("is listed before the rooms are read, and asked about after", async () => {
    await keep(200);
    const server = playServer();
    const { store } = await open();
    expect(store.$list.get()).toHaveLength(200);
    expect(store.$list.get().every(({ preview }) => preview.startsWith("ben: words"))).toBe(true);
    expect([store.rooms.size, store.isFilling]).toEqual([0, true]);
    const listed = store.$list.get().toSorted((a, b) => (a.roomId < b.roomId ? -1 : 1));
    const asked = await server.poll(1);
    expect(asked.since).toBe("s1");
    expect([store.rooms.size, store.isFilling]).toEqual([200, false]);
    // Nothing of it is drawn anew.
    const now = store.$list.get().toSorted((a, b) => (a.roomId < b.roomId ? -1 : 1));
    expect(now.every((summary, at) => summary === listed[at])).toBe(true);
  });

  test("that cannot be opened is asked of the server by a page that begins anew, and stays unwritten", async () => {
    await keep(3);
    playServer();
    const reload = vi.spyOn(page, "reload").mockReturnValue();
    vi.spyOn(IDBKeyRange, "bound").mockImplementation(() => {
      throw new Error("broken");
    });
    await open();
    await eventually(() => expect(reload).toHaveBeenCalledOnce());
    dispatchEvent(new Event("pagehide"));
    vi.restoreAllMocks();
    expect(await kept()).toEqual([undefined, []]);
  });
});

describe("what is kept", () => {
  test("is written a moment after it came, all of it in one go", async () => {
    const server = playServer();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    await open();
    const first = await server.poll(1);
    const began = Date.now();
    first.answer(news("one"));
    (await server.poll(2)).answer(news("two", "s2", "!other:one"));
    await server.poll(3);
    const put = vi.spyOn(IDBObjectStore.prototype, "put");
    await vi.advanceTimersByTimeAsync(began + 1499 - Date.now());
    const early = put.mock.calls.length;
    await vi.advanceTimersByTimeAsync(1500);
    vi.useRealTimers();
    expect(early).toBe(0);
    await eventually(async () => expect(await kept()).toEqual(["s2", ["ben: two", "ben: one"]]));
    // Two rooms, how far they go, and the list of them.
    expect(put).toHaveBeenCalledTimes(4);
  });

  test("is written at once when the page is left or hidden", async () => {
    const server = playServer();
    await open();
    (await server.poll(1)).answer(news("one"));
    const second = await server.poll(2);
    window.dispatchEvent(new PageTransitionEvent("pagehide"));
    await eventually(async () => expect(await kept()).toEqual(["s1", ["ben: one"]]));
    second.answer(news("two", "s2"));
    await server.poll(3);
    setHidden(true);
    await eventually(async () => expect(await kept()).toEqual(["s2", ["ben: two"]]));
  });

  test("is where the next visit begins, before the server has answered", async () => {
    const server = playServer();
    const first = await open();
    (await server.poll(1)).answer(news("one"));
    await server.poll(2);
    await first.close(false);
    await eventually(async () => expect(await kept()).toEqual(["s1", ["ben: one"]]));
    const second = await open();
    expect(second.store.summary(ROOM)?.preview).toBe("ben: one");
    expect((await server.poll(3)).since).toBe("s1");
  });

  test("that could not be written, for want of room, is written with what comes next", async () => {
    const server = playServer();
    await open();
    (await server.poll(1)).answer(news("one"));
    const second = await server.poll(2);
    const put = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => {
      throw new DOMException("no room", "QuotaExceededError");
    });
    window.dispatchEvent(new PageTransitionEvent("pagehide"));
    await eventually(() => expect(put).toHaveBeenCalled());
    put.mockRestore();
    second.answer(news("two", "s2", "!other:one"));
    await server.poll(3);
    window.dispatchEvent(new PageTransitionEvent("pagehide"));
    await eventually(async () => expect(await kept()).toEqual(["s2", ["ben: two", "ben: one"]]));
  });

  test("is nothing in a browser that keeps nothing, and all else works", async () => {
    const server = playServer();
    vi.spyOn(indexedDB, "open").mockImplementation(() => {
      throw new DOMException("not here", "SecurityError");
    });
    const client = await open();
    (await server.poll(1)).answer(news("one"));
    await server.poll(2);
    expect(client.store.summary(ROOM)?.preview).toBe("ben: one");
    window.dispatchEvent(new PageTransitionEvent("pagehide"));
    await client.close(true);
  });
});

test("a server that lost our place is followed anew, and what it no longer names is gone", async () => {
  const server = playServer();
  const client = await open();
  (await server.poll(1)).answer(news("one"));
  (await server.poll(2)).answer(news("two", "s2", "!left:one"));
  const third = await server.poll(3);
  window.dispatchEvent(new PageTransitionEvent("pagehide"));
  await eventually(async () => expect((await kept())[0]).toBe("s2"));
  third.refuse(400, { errcode: "M_UNKNOWN_POS" });
  const fourth = await server.poll(4);
  expect(fourth.since).toBeNull();
  await eventually(async () => expect(await kept()).toEqual([undefined, []]));
  fourth.answer(news("three", "t1"));
  await server.poll(5);
  expect(client.store.$list.get().map(({ roomId }) => roomId)).toEqual([ROOM]);
  window.dispatchEvent(new PageTransitionEvent("pagehide"));
  await eventually(async () => expect(await kept()).toEqual(["t1", ["ben: three"]]));
});

test("presence goes with the page's visibility", async () => {
  const server = playServer();
  await open();
  const first = await server.poll(1);
  setHidden(true);
  first.answer(news("one"));
  const second = await server.poll(2);
  setHidden(false);
  second.answer(news("two", "s2"));
  const third = await server.poll(3);
  expect([first, second, third].map(({ presence }) => presence)).toEqual([
    "online",
    "unavailable",
    "online",
  ]);
});

describe("messages for a device whose engine cannot start", () => {
  const vault = `weft vault ${ANN} D`;
  const message = {
    type: "m.key.verification.request",
    sender: ANN,
    content: {
      from_device: "E",
      methods: ["m.sas.v1"],
      transaction_id: "t",
      timestamp: Date.now(),
    },
  };

  /** A newer client has left a store that this one cannot open. */
  async function breakStore(): Promise<void> {
    const request = indexedDB.open(vault, 9);
    await new Promise((resolve) => request.addEventListener("success", resolve));
    request.result.close();
  }

  test("stay on the server until it can, and rooms go on", async () => {
    await breakStore();
    saveSession(session);
    const server = playServer();
    const client = await open();
    (await server.poll(1)).answer(news("one"));
    const second = await server.poll(2);
    await eventually(() => expect(client.encryption.$status.get().engine).toBe("failed"));
    const two = { ...news("two", "s2"), to_device: { events: [message] } };
    second.answer(two);
    await eventually(() => expect(client.store.summary(ROOM)?.preview).toBe("ben: two"));
    client.sync.retryNow();
    const third = await server.poll(3);
    expect(third.since).toBe("s1");
    await new Promise((resolve) => {
      indexedDB.deleteDatabase(vault).addEventListener("success", resolve);
    });
    await client.encryption.account.restart();
    await eventually(() => expect(client.encryption.$status.get().engine).toBe("ready"));
    third.answer({ ...two, next_batch: "s3" });
    expect((await server.poll(4)).since).toBe("s3");
    expect(client.store.room(ROOM)!.timeline.entries).toHaveLength(2);
  });

  test("without any, the place moves on, and the browser remembers what the engine has missed", async () => {
    await breakStore();
    const server = playServer();
    const client = await open();
    (await server.poll(1)).answer(news("one"));
    expect((await server.poll(2)).since).toBe("s1");
    expect(Object.keys(localStorage).join()).toContain("encryption-behind");
    await client.close(true);
    expect(Object.keys(localStorage).join()).not.toContain("encryption-behind");
  });
});

describe("a message that waits for the server", () => {
  /** A client whose first attempt to send was refused for now, and whose next one is a minute away. */
  async function waiting() {
    const server = playServer({
      [`PUT /rooms/${ROOM}/send/`]: () =>
        server.asked.length === 1
          ? refusal(429, { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 60_000 })
          : { event_id: "$1" },
    });
    const client = await open();
    (await server.poll(1)).answer(news("one"));
    const second = await server.poll(2);
    const room = client.store.room(ROOM)!;
    client.outbox.send(room, "m.room.message", { msgtype: "m.text", body: "x" });
    await eventually(() => expect(server.asked).toHaveLength(1));
    return { server, client, second };
  }

  test("goes when the network is back", async () => {
    const { server } = await waiting();
    // The refusal has been read by the time that this is.
    await eventually(() => {
      window.dispatchEvent(new Event("online"));
      expect(server.asked).toHaveLength(2);
    });
  });

  test("goes when sync is live again", async () => {
    const { server, client, second } = await waiting();
    second.refuse(502, {});
    await eventually(() => expect(client.sync.$status.get()).toBe("offline"));
    client.sync.retryNow();
    (await server.poll(3)).answer(news("two", "s2"));
    await eventually(() => expect(server.asked).toHaveLength(2));
  });

  test("does not go after the client was closed", async () => {
    const { server, client } = await waiting();
    await client.close(true);
    window.dispatchEvent(new Event("online"));
    client.outbox.retryNow();
    await client.api.account.profile();
    expect(server.asked.map(({ what }) => what.split("/")[1])).toEqual(["rooms", "profile"]);
  });
});
