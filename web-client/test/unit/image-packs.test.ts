import { describe, expect, test } from "vitest";
import { packContent } from "../../src/store/image-pack-edits.ts";
import { chosenPacks, emoticonsFor, packsFor, packsOfRoom } from "../../src/store/image-packs.ts";
import { codeFor } from "../../src/store/pack-upload.ts";
import { RoomStore } from "../../src/store/room-store.ts";
import { stickerContent } from "../../src/elements/composer/pictures.ts";
import { step } from "../../src/elements/picker/steps.ts";
import { createEvents, syncOf } from "./events.ts";

const ME = "@me:one";
const ROOM = "!room:one";
const CATS = "!cats:one";
const SPACE = "!space:one";
const make = createEvents();

const pack = (name: string, ...codes: string[]) => ({
  pack: { display_name: name },
  images: Object.fromEntries(
    codes.map((code) => [code, { url: `mxc://one/${code}`, body: `A ${code}` }]),
  ),
});

function stores() {
  const store = new RoomStore(ME);
  const put = (roomId: string, ...state: ReturnType<typeof make.state>[]): void => {
    store.apply(syncOf(roomId, { state: { events: [make.member(ME), ...state] } }), 0);
  };
  const tell = (type: string, content: object): void => {
    const events = [{ type, content: content as Record<string, never> }];
    store.apply({ next_batch: "", account_data: { events } }, 0);
  };
  put(ROOM);
  return { client: { store }, store, put, tell, room: store.room(ROOM)! };
}

describe("packs of pictures", () => {
  test("are one's own, those chosen for everywhere, the room's and those of its main space, each once", () => {
    const { client, put, tell, room } = stores();
    put(CATS, make.state("m.room.image_pack", ME, pack("cats", "meow"), "cats"));
    put(
      SPACE,
      make.state("m.room.image_pack", ME, pack("guild", "loom"), ""),
      make.state("m.space.parent", ME, { canonical: true, via: ["one"] }, ROOM),
    );
    put(
      ROOM,
      make.state("m.space.parent", ME, { canonical: true, via: ["one"] }, SPACE),
      make.state("im.ponies.room_emotes", ME, pack("old", "wave"), "old"),
      make.state("m.room.image_pack", ME, pack("here", "wool"), "here"),
    );
    tell("im.ponies.user_emotes", pack("mine", "me"));
    tell("m.image_pack.rooms", { rooms: { [CATS]: { cats: {} }, [ROOM]: { here: {} } } });
    const names = packsFor(client, room, "own").map(({ name }) => name);
    expect(names).toEqual(["mine", "cats", "here", "old", "guild"]);
    expect(chosenPacks(client)).toHaveLength(2);
  });

  test("of a name in the specification take the place of the one from before", () => {
    const { client, put, room } = stores();
    put(
      ROOM,
      make.state("im.ponies.room_emotes", ME, pack("before", "wave"), "x"),
      make.state("m.room.image_pack", ME, pack("now", "wave"), "x"),
    );
    expect(packsOfRoom(client, room).map(({ name }) => name)).toEqual(["now"]);
    put(ROOM, make.state("m.room.image_pack", ME, { images: {} }, "x"));
    expect(packsOfRoom(client, room)).toEqual([]);
  });

  test("that strangers wrote are bounded, and what is malformed in them is left out", () => {
    const { client, put, room } = stores();
    const images = {
      ok: { url: "mxc://one/a" },
      web: { url: "https://evil.example/a" },
      none: 7,
      "a : b": { url: "mxc://one/b" },
    };
    const many = Object.fromEntries(
      Array.from({ length: 900 }, (_, at) => [`n${at}`, { url: "mxc://one/n" }]),
    );
    put(
      ROOM,
      make.state("m.room.image_pack", ME, { images, pack: { usage: ["sticker", 9] } }, "odd"),
      make.state("m.room.image_pack", ME, { images: many }, "many"),
    );
    for (let at = 0; at < 60; at++)
      put(ROOM, make.state("m.room.image_pack", ME, { images: many }, `many${at}`));
    const atHand = packsFor(client, room, "own").flatMap(({ images }) => images);
    expect(atHand).toHaveLength(2_000);
    const [odd, large] = packsOfRoom(client, room);
    expect(odd?.images.map(({ code }) => code)).toEqual(["ok", "a___b"]);
    expect(odd?.usage).toEqual(["sticker"]);
    expect(large?.images).toHaveLength(500);
  });

  test("name the second of a code after its pack", () => {
    const { client, put, room } = stores();
    put(
      ROOM,
      make.state("m.room.image_pack", ME, pack("a", "wave"), "a"),
      make.state("m.room.image_pack", ME, pack("Old friends!", "wave"), "b"),
    );
    expect([...emoticonsFor(client, room).keys()]).toEqual(["wave", "wave/old_friends"]);
  });

  test("keep what others wrote in them when they are changed", () => {
    const before = {
      "x.theirs": 1,
      pack: { display_name: "Old", attribution: "Ann", usage: ["sticker"] },
      images: {
        wave: { url: "mxc://one/w", "x.more": true, info: { w: 3 }, body: "Waves" },
        gone: { url: "mxc://one/g" },
      },
    };
    const images = [
      { was: "wave", code: "hello", mxc: "mxc://one/w", body: "" },
      { code: "new", mxc: "mxc://one/n", body: "New one", info: { w: 1 } },
    ];
    expect(packContent(before, { name: "New", usage: ["emoticon", "sticker"], images })).toEqual({
      "x.theirs": 1,
      pack: { display_name: "New", attribution: "Ann" },
      images: {
        hello: { url: "mxc://one/w", "x.more": true, info: { w: 3 } },
        new: { url: "mxc://one/n", body: "New one", info: { w: 1 } },
      },
    });
  });

  test("are sent as stickers with what they show, as an answer in a thread too", () => {
    const image = { mxc: "mxc://one/w", code: "wave", body: "Waves", info: undefined };
    expect(stickerContent(image, {})).toEqual({ body: "Waves", url: "mxc://one/w", info: {} });
    const info = { w: 8, h: -1, mimetype: "text/html", "x.much": "!".repeat(9) };
    expect(stickerContent({ ...image, info }, {}).info).toEqual({ w: 8 });
    const draft = {
      replyTo: { eventId: "$a", sender: "@ann:two" },
      thread: { root: "$root", latest: "$z" },
    };
    expect(stickerContent(image, draft)).toMatchObject({
      "m.mentions": { user_ids: ["@ann:two"] },
      "m.relates_to": {
        rel_type: "m.thread",
        event_id: "$root",
        is_falling_back: false,
        "m.in_reply_to": { event_id: "$a" },
      },
    });
  });

  test("make codes of the names of files", () => {
    expect(codeFor("Grüne Katze (2).png", new Set())).toBe("grune_katze_2");
    expect(codeFor("cat.gif", new Set(["cat", "cat_2"]))).toBe("cat_3");
    expect(codeFor("🧶.png", new Set())).toBe("picture");
  });
});

test("arrows lead through the rows of groups", () => {
  const sizes = [5, 3];
  expect(step("ArrowDown", -1, sizes, 3)).toBe(0);
  expect(step("ArrowDown", 1, sizes, 3)).toBe(4);
  // The last row is short: down from above its gap leads to its end, down from it to the next group.
  expect(step("ArrowDown", 2, sizes, 3)).toBe(4);
  expect(step("ArrowDown", 4, sizes, 3)).toBe(6);
  expect(step("ArrowUp", 7, sizes, 3)).toBe(4);
  expect(step("ArrowUp", 1, sizes, 3)).toBe(-1);
  expect(step("ArrowRight", 7, sizes, 3)).toBe(7);
  expect(step("ArrowLeft", 0, sizes, 3)).toBe(-1);
  expect(step("ArrowDown", 7, sizes, 3)).toBe(7);
  expect(step("ArrowRight", -1, sizes, 3)).toBeUndefined();
  expect(step("ArrowDown", -1, [], 3)).toBeUndefined();
});
