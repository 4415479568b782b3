/** Uploads that nobody can reach go, and nothing else does. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMedia } from "../../src/media/media.ts";
import type { Media } from "../../src/media/types.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { createSeededRandom, systemRandom } from "../../src/platform/random.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import { register, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { admin, alice, bob, image, placeOf, room, send, server, upload } from "./admin-scene.ts";

const encoded = encodeURIComponent;
const DAY_MS = 86_400_000;
const LIFETIME_DAYS = 30;

/** Days that have passed, for whoever tidies up. */
let days = 0;
let media: Media;

async function openMedia(encryptedDays: number, keptUris: string[] = []): Promise<Media> {
  return createMedia({
    clock: {
      ...systemClock,
      now: () => Date.now() + days * DAY_MS,
      monotonic: () => days * DAY_MS,
    },
    ...{ sql: server.database.sql, random: systemRandom, logger: silentLogger(), keptUris },
    ...{ serverName: server.name as ServerName, dataDir: server.config.dataDir },
    remote: { download: () => Promise.reject(new Error("nobody is asked")) },
    retention: {
      unusedLifetimeMs: LIFETIME_DAYS * DAY_MS,
      encryptedLifetimeMs: encryptedDays * DAY_MS,
    },
  });
}

beforeAll(async () => {
  media = await openMedia(0);
});
afterAll(() => media.stop());

const tidy = (which = media) => which.tidy(new AbortController().signal);
/** Twice: since when nothing names a file is known once somebody has looked. */
async function later(which = media): Promise<void> {
  days += 1;
  await tidy(which);
  days += LIFETIME_DAYS + 1;
  await tidy(which);
}

async function isThere(uri: string): Promise<boolean> {
  const [, mediaId] = placeOf(uri).split("/");
  const rows = await server.database.sql`
    SELECT FROM media WHERE media_id = ${mediaId!} AND sha256 IS NOT NULL`;
  return rows.length === 1;
}
const there = (...uris: string[]) => Promise.all(uris.map(isThere));

async function redact(user: TestUser, roomId: string, eventId: string): Promise<void> {
  await user.call("PUT", `/rooms/${encoded(roomId)}/redact/${encoded(eventId)}/r${eventId}`, {});
}

const avatar = (user: TestUser, uri: string) =>
  user.call("PUT", `/profile/${encoded(user.userId)}/avatar_url`, { avatar_url: uri });
const accountData = (user: TestUser, content: object) =>
  user.call("PUT", `/user/${encoded(user.userId)}/account_data/im.ponies.user_emotes`, content);

async function purge(path: string, method: string, body: object): Promise<void> {
  const ask = async (way: string, how: string, said?: object) => {
    const response = await fetch(`${server.baseUrl}/_synapse/admin${way}`, {
      method: how,
      headers: { authorization: `Bearer ${admin.token}` },
      ...(said && { body: JSON.stringify(said) }),
    });
    return (await response.json()) as Record<string, string>;
  };
  const begun = await ask(path, method, body);
  const status = begun["purge_id"]
    ? `/v1/purge_history_status/${begun["purge_id"]}`
    : `/v2/rooms/delete_status/${begun["delete_id"]}`;
  await eventually("the end of a purge", async () => {
    return (await ask(status, "GET"))["status"] === "complete";
  });
}

describe("uploads", () => {
  test("that something names stay, wherever it names them", async () => {
    const roomId = await room(alice);
    const uris: string[] = [];
    for (let n = 0; n < 8; n += 1) uris.push(await upload(alice));
    const [url, thumbnail, html, link, state, own, emote, nested] = uris as [string, ...string[]];
    await send(alice, roomId, { ...image(url), info: { thumbnail_url: thumbnail } });
    await send(bob, await room(bob), {
      msgtype: "m.text",
      body: "b",
      formatted_body: `<img src='${html}'/>`,
    });
    const address = `https://x.test/_matrix/client/v1/media/download/${placeOf(link!)}/a.png`;
    await send(alice, roomId, { msgtype: "m.text", body: `see ${address}.` });
    await alice.call("PUT", `/rooms/${encoded(roomId)}/state/m.room.avatar`, { url: state });
    await avatar(alice, own!);
    await accountData(alice, { images: { cat: { url: emote } } });
    await send(alice, roomId, { deep: [{ list: [["x", { y: nested }]] }] }, "org.example.pack");
    await later();
    await later();
    expect(await there(...uris)).toEqual(uris.map(() => true));
  });

  test("go when what named them is redacted, purged or changed, after a while", async () => {
    const roomId = await room(bob);
    const uris: string[] = [];
    for (let n = 0; n < 6; n += 1) uris.push(await upload(bob));
    const [redacted, purged, deleted, picture, emote, twice] = uris as [string, ...string[]];
    const event = await send(bob, roomId, image(redacted));
    await send(bob, roomId, image(purged!));
    const last = await send(bob, roomId, { msgtype: "m.text", body: "the last one" });
    const other = await room(bob);
    await send(bob, other, image(deleted!));
    const carol = await register(server, "carol");
    await avatar(carol, picture!);
    await accountData(bob, { url: emote });
    const once = await send(bob, roomId, image(twice!));
    await send(bob, roomId, image(twice!));
    await later();
    expect(await there(...uris)).toEqual(uris.map(() => true));
    await redact(bob, roomId, event);
    await redact(bob, roomId, once);
    const body = { delete_local_events: true, purge_up_to_event_id: last };
    await purge(`/v1/purge_history/${encoded(roomId)}`, "POST", body);
    await purge(`/v2/rooms/${encoded(other)}`, "DELETE", {});
    await avatar(carol, "");
    await accountData(bob, {});
    days += 1;
    await tidy();
    expect(await there(...uris)).toEqual(uris.map(() => true));
    await later();
    await later();
    expect(await there(...uris)).toEqual([false, false, false, false, false, true]);
  });

  test("of who was never in an encrypted room go when nothing ever named them; others stay", async () => {
    const [plain, kept, safe] = [await upload(bob), await upload(bob), await upload(bob)];
    const own = await openMedia(0, [kept]);
    await server.database.sql`
      UPDATE media SET is_protected = true WHERE media_id = ${placeOf(safe).split("/")[1]!}`;
    const secret = await upload(alice);
    const encryption = {
      type: "m.room.encryption",
      content: { algorithm: "m.megolm.v1.aes-sha2" },
    };
    const roomId = await room(alice, { initial_state: [encryption] });
    await send(alice, roomId, { ciphertext: "x", algorithm: "y" }, "m.room.encrypted");
    await later(own);
    expect(await there(plain, kept, safe, secret)).toEqual([false, true, true, true]);
    await alice.call("POST", `/rooms/${encoded(roomId)}/leave`, {});
    await later(own);
    expect(await isThere(secret)).toBe(true);
    await own.stop();
    const short = await openMedia(LIFETIME_DAYS + 100);
    await later(short);
    days += 200;
    await tidy(short);
    expect(await there(secret, safe)).toEqual([false, true]);
    await short.stop();
  });

  test("that somebody still downloads are reached, though it is not known how", async () => {
    const uri = await upload(bob);
    const [name, mediaId] = placeOf(uri).split("/") as [string, string];
    days += 1;
    await tidy();
    days += LIFETIME_DAYS - 1;
    await media.download({ server: name as ServerName, mediaId });
    await eventually("the note of a download", async () => {
      const [row] = await server.database.sql`
        SELECT accessed_ts AS ts FROM media WHERE media_id = ${mediaId}`;
      return row?.["ts"];
    });
    days += 3;
    await tidy();
    expect(await isThere(uri)).toBe(true);
    await later();
    expect(await isThere(uri)).toBe(false);
  });

  test("that old events name are found before anything is deleted", async () => {
    const { sql } = server.database;
    const roomId = await room(bob);
    const [named, gone] = [await upload(bob), await upload(bob)];
    await send(bob, roomId, image(named));
    await redact(bob, roomId, await send(bob, roomId, image(gone)));
    // As a version from before this was noted with each event has left it.
    await sql`DELETE FROM media_references`;
    await sql`DELETE FROM cursors WHERE name LIKE 'media-references-%'`;
    days += LIFETIME_DAYS * 2;
    await tidy();
    expect(await sql`SELECT FROM cursors WHERE name = 'media-references-again'`).toHaveLength(0);
    await later();
    expect(await there(named, gone)).toEqual([true, false]);
  });
});

const RUNS = Number(process.env["WEFT_MODEL_RUNS"] ?? 3);
const SEED = Number(process.env["WEFT_MODEL_SEED"] ?? systemRandom.integer(1_000_000));

test.each(Array.from({ length: RUNS }, (_, run) => SEED + run))(
  "a story made up from %i: what can be reached is there after each time that somebody tidies up",
  async (seed) => {
    const random = createSeededRandom(seed);
    const pick = <T>(from: readonly T[]): T | undefined =>
      from.length === 0 ? undefined : from[random.integer(from.length)];
    const carol = await register(server, `carol${seed}-${days}`);
    const dan = await register(server, `dan${seed}-${days}`);
    const rooms = new Map([
      [carol, await room(carol)],
      [dan, await room(dan)],
    ]);
    /** Uploads, and what names them now. */
    const uris: string[] = [];
    const events: { readonly by: TestUser; readonly id: string; readonly uri: string }[] = [];
    const fields = new Map<string, string>();
    const deleted = new Set<string>();
    const isNamed = (uri: string) =>
      events.some((event) => event.uri === uri) || [...fields.values()].includes(uri);
    const usable = () => uris.filter((uri) => !deleted.has(uri));

    const steps: (() => Promise<void>)[] = [
      async () => {
        uris.push(await upload(pick([carol, dan])!));
      },
      async () => {
        const [by, uri] = [pick([carol, dan])!, pick(usable())];
        if (uri === undefined) return;
        events.push({ by, uri, id: await send(by, rooms.get(by)!, image(uri)) });
      },
      async () => {
        const event = pick(events);
        if (event === undefined) return;
        events.splice(events.indexOf(event), 1);
        await redact(event.by, rooms.get(event.by)!, event.id);
      },
      async () => {
        const [by, uri] = [pick([carol, dan])!, pick(usable())];
        if (uri === undefined) return;
        fields.set(by.userId, uri);
        await accountData(by, { deep: [uri] });
      },
      async () => {
        days += random.integer(20);
        await tidy();
        for (const uri of usable()) {
          if (await isThere(uri)) continue;
          expect([seed, uri, isNamed(uri)]).toEqual([seed, uri, false]);
          deleted.add(uri);
        }
      },
    ];
    for (let n = 0; n < 80; n += 1) await pick(steps)!();
    await later();
    const left = [];
    for (const uri of uris) if (await isThere(uri)) left.push(uri);
    expect([seed, left]).toEqual([seed, uris.filter((uri) => !deleted.has(uri) && isNamed(uri))]);
  },
);
