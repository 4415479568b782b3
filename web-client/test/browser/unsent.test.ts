import { afterEach, expect, test } from "vitest";
import { wipeKeys } from "../../src/encryption/vault.ts";
import { openClient, type Client } from "../../src/store/client.ts";
import { createDrafts } from "../../src/store/drafts.ts";
import { openPersistence } from "../../src/store/persistence.ts";
import { Room } from "../../src/store/room.ts";
import { eventually } from "../unit/eventually.ts";
import { createEvents, syncOf } from "../unit/events.ts";
import { playServer, sessionOf } from "./server.ts";

const ME = "@unsent:one";
const ROOM = "!room:one";

let stop: () => Promise<void> = async () => undefined;
afterEach(() => stop());

/** A device that is opened, closed and opened again, as a page is that is reloaded; its server answers sends as it is told. */
function device(answer: (body: unknown, path: string) => unknown) {
  const server = playServer({
    [`PUT /rooms/${ROOM}/send/`]: ({ body, what }) => answer(body, what),
  });
  let client: Client | undefined;
  const close = async (): Promise<void> => {
    await client?.close(false);
    client = undefined;
  };
  stop = async () => {
    await client?.close(true);
    server.stop();
    await wipeKeys(ME, "D").catch(() => undefined);
  };
  const open = async (): Promise<Client> => {
    client = await openClient(sessionOf(ME), () => undefined);
    return client;
  };
  return { server, open, close };
}

const joined = (make: ReturnType<typeof createEvents>) =>
  syncOf(ROOM, { timeline: { events: [make.member(ME), make.message(ME, "before")] } });

test("what could not be sent before the page was closed is sent by the next one, once", async () => {
  const away = { isAway: true };
  const tried: string[] = [];
  const { server, open, close } = device((body, path) => {
    tried.push(`${path.split("/").at(-1)} ${(body as { body: string }).body}`);
    if (away.isAway) return new Response(null, { status: 503 });
    return { event_id: `$sent${tried.length}` };
  });
  const first = await open();
  (await server.poll(1)).answer(joined(createEvents()));
  await eventually(() => expect(first.store.room(ROOM)?.membership).toBe("join"));
  const room = first.store.room(ROOM)!;
  first.outbox.send(room, "m.room.message", { msgtype: "m.text", body: "one" });
  first.outbox.send(room, "m.room.message", { msgtype: "m.text", body: "two" });
  await eventually(() => expect(tried.length).toBeGreaterThan(0));
  await close();

  away.isAway = false;
  tried.length = 0;
  const second = await open();
  // The room may have been kept, or is known by the first answer only.
  (await server.poll(server.polls.length)).answer(joined(createEvents()));
  await eventually(() => expect(tried).toHaveLength(2));
  expect(tried.map((one) => one.split(" ")[1])).toEqual(["one", "two"]);
  const pending = second.store.room(ROOM)!.timeline.pending;
  expect(pending.map(({ event }) => event.content["body"])).toEqual(["one", "two"]);
  await close();

  tried.length = 0;
  const third = await open();
  (await server.poll(server.polls.length)).answer(joined(createEvents()));
  await eventually(() => expect(third.store.room(ROOM)?.membership).toBe("join"));
  expect(third.store.room(ROOM)!.timeline.pending).toEqual([]);
  expect(tried).toEqual([]);
});

test("a draft is there after the page was closed; in an encrypted room nobody reads it on the disk", async () => {
  const kept = await openPersistence(ME, "K");
  const [open, secret] = [new Room(ROOM), new Room("!secret:one")];
  secret.encryption = { algorithm: "m.megolm.v1.aes-sha2" };
  const drafts = createDrafts(kept.shelf);
  const draft = { text: "half a thought", mentions: [], replyTo: "$1" };
  drafts.set(open, undefined, { text: "h", mentions: [] });
  drafts.set(open, undefined, draft);
  drafts.set(open, "$root", { text: "in a thread", mentions: [] });
  drafts.set(secret, undefined, { text: "between us", mentions: [] });
  await kept.shelf.settled();

  const raw = await allRows(`weft ${ME} K`);
  expect(raw.find(([key]) => key === `draft ${ROOM}`)?.[1]).toEqual({ open: draft });
  const sealed = raw.find(([key]) => key === "draft !secret:one")![1];
  expect(Object.keys(sealed as object)).toEqual(["sealed"]);
  expect(
    new TextDecoder().decode((sealed as { sealed: { data: ArrayBuffer } }).sealed.data),
  ).not.toContain("between");

  const again = createDrafts((await openPersistence(ME, "K")).shelf);
  await again.load();
  expect(again.get(ROOM)).toEqual(draft);
  expect(again.get(ROOM, "$root")?.text).toBe("in a thread");
  expect(again.get("!secret:one")?.text).toBe("between us");

  drafts.set(open, undefined, { text: " ", mentions: [] });
  await kept.shelf.settled();
  const third = createDrafts((await openPersistence(ME, "K")).shelf);
  await third.load();
  expect(third.get(ROOM)).toBeUndefined();
  await kept.destroy();
  await wipeKeys(ME, "K");
});

/** What lies in the database, as somebody sees it who copies the disk. */
async function allRows(name: string): Promise<[string, unknown][]> {
  const request = indexedDB.open(name);
  await new Promise((resolve) => request.addEventListener("success", resolve));
  const table = request.result.transaction("meta").objectStore("meta");
  const [keys, values] = [table.getAllKeys(), table.getAll()];
  await new Promise((resolve) => values.addEventListener("success", resolve));
  request.result.close();
  return keys.result.map((key, at) => [
    typeof key === "string" ? key : "",
    (values.result as unknown[])[at],
  ]);
}
