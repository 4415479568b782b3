import { afterEach, describe, expect, test } from "vitest";
import type { MatrixEvent } from "../../src/api/types.ts";
import { withDecryption } from "../../src/encryption/decryption.ts";
import { createIndexing } from "../../src/store/search/indexing.ts";
import { wordsOf } from "../../src/text/highlight.ts";
import { createEvents } from "../unit/events.ts";

const ANN = "@ann:two";
const ROOM = "!secret:one";
const session = { baseUrl: "", userId: "@index:one", deviceId: "D", accessToken: "t" };
const open: ReturnType<typeof createIndexing>[] = [];

function indexing() {
  const made = createIndexing(session);
  open.push(made);
  return made;
}

afterEach(async () => {
  for (const one of open.splice(0)) await one.close(true);
});

const read = (event: MatrixEvent): MatrixEvent =>
  withDecryption(event, {
    state: "readable",
    wire: { ...event, type: "m.room.encrypted", content: {} },
    shield: { color: "none" } as never,
  });

async function found(by: ReturnType<typeof createIndexing>, words: string): Promise<string[]> {
  const index = await by.open();
  const { signal } = new AbortController();
  const hits = await index.search(wordsOf(words), [ROOM], () => true, signal);
  return hits.map(({ message }) => message.body);
}

/** All that lies in a database, as text. */
async function content(name: string): Promise<string> {
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(name);
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
  const texts: string[] = [];
  for (const table of database.objectStoreNames) {
    const rows = await new Promise<unknown[]>((resolve) => {
      const request = database.transaction(table).objectStore(table).getAll();
      request.addEventListener("success", () => resolve(request.result));
    });
    for (const row of rows as { sealed?: { data: ArrayBuffer } }[]) {
      texts.push(JSON.stringify(row), new TextDecoder().decode(row.sealed?.data));
    }
  }
  database.close();
  return texts.join("\n");
}

describe("the index of what a device has read", () => {
  test("finds messages by their words, the newest first, and after it was opened anew", async () => {
    const make = createEvents();
    const first = indexing();
    first.note(
      ROOM,
      ["The harbour at dawn", "Nothing here", "Harbours by night"].map((body) =>
        read(make.message(ANN, body)),
      ),
    );
    expect(await found(first, "harbour")).toEqual(["Harbours by night", "The harbour at dawn"]);
    await first.close(false);
    const again = indexing();
    expect(await found(again, "harbour dawn")).toEqual(["The harbour at dawn"]);
    expect(await again.about(ROOM)).toMatchObject({ count: 3 });
  });

  test("has nothing readable in what lies on the disk", async () => {
    const one = indexing();
    one.note(ROOM, [read(createEvents().message(ANN, "confidential harbour"))]);
    await one.open();
    const kept = await content(`weft index ${session.userId} ${session.deviceId}`);
    expect(kept).toContain(ROOM);
    expect(kept).not.toContain("harbour");
    expect(kept).not.toContain(ANN);
  });

  test("follows edits and what is taken back", async () => {
    const make = createEvents();
    const one = indexing();
    const [kept, gone] = [make.message(ANN, "old harbour"), make.message(ANN, "lost harbour")];
    one.note(ROOM, [read(kept), read(gone)]);
    expect(await found(one, "harbour")).toHaveLength(2);
    one.note(ROOM, [
      read(make.edit(ANN, kept.event_id, "new port")),
      make.redaction(ANN, gone.event_id),
    ]);
    expect(await found(one, "harbour")).toEqual([]);
    expect(await found(one, "port")).toEqual(["new port"]);
  });

  test("is bounded: the oldest go", async () => {
    const make = createEvents();
    const one = indexing();
    for (let round = 0; round < 3; round++) {
      one.note(
        ROOM,
        Array.from({ length: 4000 }, (_, at) => read(make.message(ANN, `word ${round} of ${at}x`))),
      );
      await one.open();
    }
    const about = await one.about(ROOM);
    expect(about!.count).toBeLessThanOrEqual(16 * 600);
    expect(await found(one, "word 2 3999x")).toEqual(["word 2 of 3999x"]);
    expect(await found(one, "word 0 1x")).toEqual([]);
  });

  test("lets go of a room that was left, and of all at the sign-out", async () => {
    const one = indexing();
    one.note(ROOM, [read(createEvents().message(ANN, "harbour"))]);
    expect(await found(one, "harbour")).toHaveLength(1);
    one.drop(ROOM);
    expect(await found(one, "harbour")).toEqual([]);
    await one.close(true);
    const names = (await indexedDB.databases()).map(({ name }) => name);
    expect(names).not.toContain(`weft index ${session.userId} ${session.deviceId}`);
  });
});
