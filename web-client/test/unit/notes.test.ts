import { expect, test } from "vitest";
import { noteOf } from "../../src/offline/notes.ts";
import { isQuiet } from "../../src/text/quiet-hours.ts";

const at = (hours: number, minutes = 0) => new Date(2026, 10, 22, hours, minutes);

test.each([
  [{ from: "22:00", to: "07:00" }, [at(22), at(23, 59), at(0), at(6, 59)], [at(21, 59), at(7)]],
  [{ from: "12:00", to: "13:30" }, [at(12), at(13, 29)], [at(11, 59), at(13, 30), at(0)]],
  [{ from: "08:00", to: "08:00" }, [], [at(8), at(20)]],
  [{ from: "25:00", to: "07:00" }, [], [at(2)]],
  [undefined, [], [at(2)]],
  ["22:00", [], [at(23)]],
])("%j are quiet hours where they say so", (hours, quiet, loud) => {
  for (const now of quiet) expect(isQuiet(hours, now), String(now)).toBe(true);
  for (const now of loud) expect(isQuiet(hours, now), String(now)).toBe(false);
});

const room = { room_id: "!a:one", room_name: "Loom", sender: "@ben:one" };
const words = { encrypted: "Verschlüsselt", invites: "Lädt dich ein", message: "Neu" };

test("a note says where, who and what, one for each room", () => {
  const note = noteOf({ ...room, sender_display_name: "Ben", content: { body: "two\n  lines" } });
  expect(note?.title).toBe("Loom");
  expect(note?.options).toMatchObject({ body: "Ben: two lines", tag: "!a:one", silent: false });
  const direct = noteOf({ room_id: "!a:one", sender_display_name: "Ben", content: { body: "hi" } });
  expect([direct?.title, direct?.options.body]).toEqual(["Ben", "hi"]);
});

test("a note has the words that the message shows, and hides what it hides", () => {
  const content = {
    body: "it was **not** ||the cat||",
    format: "org.matrix.custom.html",
    formatted_body: "it was <b>not</b> <span data-mx-spoiler>the cat</span>",
  };
  expect(noteOf({ ...room, content })?.options.body).toBe("@ben:one: it was not ▒▒▒▒");
});

test("what it cannot read it names in the person's words", () => {
  const said = (more: object) => noteOf({ ...room, words, ...more })?.options.body;
  expect(said({ type: "m.room.encrypted" })).toBe("@ben:one: Verschlüsselt");
  expect(said({ type: "m.room.member", membership: "invite" })).toBe("@ben:one: Lädt dich ein");
  expect(said({ content: { body: 7 } })).toBe("@ben:one: Neu");
});

test("strangers' words are bounded and turn nothing around, and no event makes no note", () => {
  const note = noteOf({
    room_id: "!a:one",
    room_name: "\u202Egnp.exe",
    sender: "@a:b",
    content: { body: `\u202E${"x".repeat(90_000)}` },
  });
  expect(note?.title).toBe("gnp.exe");
  expect(note?.options.body).toBe(`@a:b: ${"x".repeat(240)}…`);
  expect(noteOf({ unread: 3 })).toBeUndefined();
  expect(noteOf({ room_id: 5 })).toBeUndefined();
});

test("where there are several accounts a note says whose it is, and each has its own", () => {
  const pushed = { ...room, account: "@me:one", content: { body: "hi" } };
  const [alone, among] = [noteOf(pushed), noteOf(pushed, true)];
  expect([alone?.title, among?.title]).toEqual(["Loom", "Loom · @me:one"]);
  expect(among?.options).toMatchObject({
    tag: "@me:one !a:one",
    data: { roomId: "!a:one", account: "@me:one" },
  });
});

test("in quiet hours a note makes no sound", () => {
  const note = noteOf({ ...room, quiet: { from: "22:00", to: "07:00" } }, false, at(23));
  expect(note?.options.silent).toBe(true);
});
