import { html } from "lit";
import { describe, expect, test } from "vitest";
import { ApiError, NetworkError } from "../../src/api/errors.ts";
import { hrefToRoom } from "../../src/store/router.ts";
import { eventually } from "../unit/eventually.ts";
import { syncOf } from "../unit/events.ts";
import { createTestClient, ME, ROOM, settled, show } from "./support.ts";
import "../../src/pages/room.ts";

const ALIAS = "#weave:one";

/** The page of an address, whose room the server finds as the script says. */
async function openAlias(script: (Error | object)[]) {
  const asked: string[] = [];
  const { client, store, make } = createTestClient({
    "rooms.resolveAlias": (alias: string) => {
      asked.push(alias);
      const answer = script.shift();
      return answer instanceof Error ? Promise.reject(answer) : answer;
    },
  });
  const place = { page: "room" as const, room: ALIAS, via: [] };
  location.hash = hrefToRoom(ALIAS);
  await show(html`<weft-room .client=${client} .place=${place}></weft-room>`, client);
  const news = () =>
    store.apply(syncOf(ROOM, { timeline: { events: [make.message(ME, "news")] } }), 0);
  return { asked, news };
}

describe("the page of an address", () => {
  const found = { room_id: ROOM, servers: ["one", "two", "three", "four"] };

  test("becomes that of its room, with three servers that know it", async () => {
    await openAlias([found]);
    await eventually(() => expect(location.hash).toBe(hrefToRoom(ROOM, ["one", "two", "three"])));
  });

  test("is asked for again after the server was away", async () => {
    const { asked, news } = await openAlias([new NetworkError("gone"), found]);
    await eventually(() => {
      news();
      expect(location.hash).toContain(encodeURIComponent(ROOM));
    });
    expect(asked).toEqual([ALIAS, ALIAS]);
  });

  test("that leads nowhere is asked for once", async () => {
    const { asked, news } = await openAlias([new ApiError(404, { errcode: "M_NOT_FOUND" })]);
    news();
    await settled();
    news();
    await settled();
    expect(asked).toEqual([ALIAS]);
    expect(location.hash).toBe(hrefToRoom(ALIAS));
  });
});
