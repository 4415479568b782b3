import { describe, expect, test } from "vitest";
import { findMembers, queryAt } from "../../src/text/mentions.ts";
import { contentOf } from "../../src/text/compose.ts";
import { loadRenderer } from "../../src/text/markdown.ts";
import { hiddenHost, matrixTo, parseMatrixLink, splitLinks } from "../../src/text/links.ts";
import { lineOf, plainLine } from "../../src/text/plain.ts";
import { sourceOf } from "../../src/text/source.ts";
import { bareTime, dayLabel, duration, quietTime, shortTime } from "../../src/text/time.ts";
import { hrefTo, parseRoute } from "../../src/store/router.ts";
import { nextStage, NeedsProof } from "../../src/api/uia.ts";
import { expand } from "../../src/api/http.ts";

const ME = "@me:one";
const render = await loadRenderer();

describe("composing", () => {
  test("plain words stay plain", () => {
    expect(contentOf({ body: "just words", mentions: [] }, render, ME)).toEqual({
      msgtype: "m.text",
      body: "just words",
      "m.mentions": {},
    });
  });

  test("Markdown becomes HTML, and HTML that is typed stays text", () => {
    expect(contentOf({ body: "**bold**", mentions: [] }, render, ME)["formatted_body"]).toBe(
      "<strong>bold</strong>",
    );
    const typed = contentOf({ body: "*x* <b onclick=1>", mentions: [] }, render, ME)[
      "formatted_body"
    ];
    expect(typed).toBe("<em>x</em> &lt;b onclick=1&gt;");
  });

  test("a mention becomes a link and is named in m.mentions", () => {
    const draft = { body: "hi @Ann [x]", mentions: [{ userId: "@ann:two", name: "Ann [x]" }] };
    const content = contentOf(draft, render, ME);
    expect(content["m.mentions"]).toEqual({ user_ids: ["@ann:two"] });
    expect(content["formatted_body"]).toBe(
      'hi <a href="https://matrix.to/#/%40ann%3Atwo">Ann [x]</a>',
    );
    expect(content["body"]).toBe("hi @Ann [x]");
  });

  test("a mention whose name was deleted again calls nobody", () => {
    const draft = { body: "hi", mentions: [{ userId: "@ann:two", name: "Ann" }] };
    expect(contentOf(draft, render, ME)["m.mentions"]).toEqual({});
  });

  test("an answer mentions whom it answers, but never oneself", () => {
    const answer = contentOf(
      { body: "yes", mentions: [], replyTo: { eventId: "$1", sender: "@ann:two" } },
      render,
      ME,
    );
    expect(answer["m.mentions"]).toEqual({ user_ids: ["@ann:two"] });
    expect(answer["m.relates_to"]).toEqual({ "m.in_reply_to": { event_id: "$1" } });
    const own = contentOf(
      { body: "yes", mentions: [], replyTo: { eventId: "$1", sender: ME } },
      render,
      ME,
    );
    expect(own["m.mentions"]).toEqual({});
  });

  test("what is written in a thread belongs to it, and answers its newest message for those who know no threads", () => {
    const thread = { root: "$root", latest: "$last" };
    expect(contentOf({ body: "in", mentions: [], thread }, render, ME)["m.relates_to"]).toEqual({
      rel_type: "m.thread",
      event_id: "$root",
      is_falling_back: true,
      "m.in_reply_to": { event_id: "$last" },
    });
    const replyTo = { eventId: "$3", sender: "@ann:two" };
    expect(
      contentOf({ body: "in", mentions: [], thread, replyTo }, render, ME)["m.relates_to"],
    ).toMatchObject({ is_falling_back: false, "m.in_reply_to": { event_id: "$3" } });
  });

  test("an edit carries the new content and a fallback", () => {
    const content = contentOf({ body: "new", mentions: [], edits: "$1" }, render, ME);
    expect(content).toMatchObject({
      body: "* new",
      "m.new_content": { msgtype: "m.text", body: "new" },
      "m.relates_to": { rel_type: "m.replace", event_id: "$1" },
    });
  });

  test("/me and /plain are understood", () => {
    expect(contentOf({ body: "/me waves", mentions: [] }, render, ME)).toMatchObject({
      msgtype: "m.emote",
      body: "waves",
    });
    const plain = contentOf({ body: "/plain **x**", mentions: [] }, render, ME);
    expect(plain).toMatchObject({ msgtype: "m.text", body: "**x**" });
    expect(plain["formatted_body"]).toBeUndefined();
  });
});

describe("mentions", () => {
  test.each([
    ["hi @an", 6, { start: 3, term: "an" }],
    ["@", 1, { start: 0, term: "" }],
    ["mail@example", 12, undefined],
    ["@ann said", 4, { start: 0, term: "ann" }],
  ])("in %j at %i", (text, caret, found) => {
    expect(queryAt(text, caret)).toEqual(found);
  });

  test("names that begin with the term come first, accents or not", () => {
    const member = (displayName: string) => ({
      userId: `@${displayName.toLowerCase()}:x`,
      displayName,
      membership: "join" as const,
      avatarUrl: undefined,
    });
    const found = findMembers([member("Joann"), member("Zoe"), member("Änne")], "an");
    expect(found.map(({ displayName }) => displayName)).toEqual(["Änne", "Joann"]);
  });
});

describe("a message on one line", () => {
  test.each([
    ["<p><strong>bold</strong> &amp; <em>so</em></p><p>on</p>", "bold & so on"],
    ["<mx-reply><blockquote>old</blockquote></mx-reply>new", "new"],
    ["it was <span data-mx-spoiler>the <b>cat</b></span> then", "it was ▒▒▒▒ then"],
    ["<span data-mx-spoiler>a</b></p>secret</span> then", "▒▒▒▒ then"],
    ["a &lt;b&gt; &#128512; &#x1F600; &nope;", "a <b> 😀 😀 &nope;"],
    ['<img src="mxc://a/b" alt=":wave:"> hi', ":wave: hi"],
    ["1 < 2 <", "1 < 2 <"],
    ["<style>p { color: red }</style>red", "red"],
  ])("%s", (html, line) => expect(lineOf(html)).toBe(line));
});

test("the words of a message are its formatted ones, and those of an answer its own", () => {
  const html = "<p>the <b>door</b> is <span data-mx-spoiler>open</span></p>";
  const rich = {
    body: "the **door** is ||open||",
    format: "org.matrix.custom.html",
    formatted_body: html,
  };
  expect(plainLine(rich, false)).toBe("the door is ▒▒▒▒");
  expect(plainLine({ body: "> <@a:b> old\n\nnew" }, true)).toBe("new");
  expect(plainLine({ body: "> old\n\nnew" }, false)).toBe("> old new");
  expect(plainLine({ body: "x".repeat(500) }, false, 10)).toBe(`${"x".repeat(10)}…`);
});

describe("what was written comes back for changing", () => {
  const source = (body: string, html?: string, msgtype = "m.text") =>
    sourceOf({ msgtype, body, ...(html === undefined ? {} : { formatted_body: html }) });

  test("with people, as this and as other clients write them", () => {
    const link = `<a href="${matrixTo("@ann:two")}">Ann</a>`;
    const mentions = [{ userId: "@ann:two", name: "Ann" }];
    expect(source("hi @Ann", `hi ${link}`)).toEqual({ text: "hi @Ann", mentions });
    expect(source("Ann: hi", `${link}: hi`)).toEqual({ text: "@Ann: hi", mentions });
  });

  test("with its slashes", () => {
    expect(source("/topic x").text).toBe("//topic x");
    expect(source("/usr/bin").text).toBe("/usr/bin");
    expect(source("waves", undefined, "m.emote").text).toBe("/me waves");
  });
});

describe("Markdown of our own", () => {
  const html = (body: string, more = {}) =>
    contentOf({ body, mentions: [], ...more }, render, ME).formatted_body;

  test("hides words, but not where bars stand alone or in code", () => {
    expect(html("a ||b **c**|| d")).toBe(
      'a <span data-mx-spoiler="">b <strong>c</strong></span> d',
    );
    expect(html("`||x||`")).toBe("<code>||x||</code>");
    expect(html("a || b")).toBeUndefined();
  });

  test("sets formulas, and leaves prices alone", () => {
    expect(html("so $a<b$")).toBe('so <span data-mx-maths="a&lt;b"><code>a&lt;b</code></span>');
    expect(html("$$\nx^2\n$$")).toContain('<div data-mx-maths="x^2">');
    expect(html("$5 or $10, $HOME and $PATH")).toBeUndefined();
  });

  test("knows emoticons by name", () => {
    const emoticons = new Map([["wave", { mxc: "mxc://one/wave", code: "wave", body: "A <cat>" }]]);
    expect(html("hi :wave: :other:", { emoticons })).toBe(
      'hi <img data-mx-emoticon src="mxc://one/wave" alt="A &lt;cat&gt;" title="wave" height="32"> :other:',
    );
  });

  test("an asterisk in a person's name is no mark", () => {
    const mentions = [{ userId: "@ann:two", name: "*Ann*" }];
    expect(html("hi @*Ann*", { mentions })).toBe(
      'hi <a href="https://matrix.to/#/%40ann%3Atwo">*Ann*</a>',
    );
  });
});

describe("links", () => {
  test("plain addresses are found without the punctuation behind them", () => {
    expect(splitLinks("see https://a.example/x, or (https://b.example/y).")).toEqual([
      { text: "see " },
      { text: "https://a.example/x", href: "https://a.example/x" },
      { text: ", or (" },
      { text: "https://b.example/y", href: "https://b.example/y" },
      { text: ")." },
    ]);
  });

  test.each([
    ["https://a.example/x).", "https://a.example/x"],
    ["https://a.example/x)))", "https://a.example/x"],
    ["https://a.example/x_(y)", "https://a.example/x_(y)"],
    ["https://a.example/x_(y).", "https://a.example/x_(y)"],
    ["https://a.example/x.)", "https://a.example/x."],
    ["https://a.example/?!*_", "https://a.example/"],
    ["https://a.example/x...y", "https://a.example/x...y"],
  ])("the address in %s is %s", (source, href) => {
    expect(splitLinks(source)[0]).toEqual({ text: href, href });
  });

  test.each([
    ["www.weft.example/x", "https://www.weft.example/x"],
    ["ann@weft.example", "mailto:ann@weft.example"],
    ["#weaving:weft.example", matrixTo("#weaving:weft.example")],
    ["@ann:weft.example:8448", matrixTo("@ann:weft.example:8448")],
    ["matrix:r/weaving:weft.example", "matrix:r/weaving:weft.example"],
  ])("%s leads to %s, and the words around it stay words", (address, href) => {
    expect(splitLinks(`(see ${address}), then`)).toEqual([
      { text: "(see " },
      { text: address, href },
      { text: "), then" },
    ]);
  });

  test.each(["#12: done", "a@b", "C#:x.y", "me@1.2.3", "awww.yes", "10:30", "x@y@z.example"])(
    "%s is no address",
    (words) => expect(splitLinks(words)).toEqual([{ text: words }]),
  );

  test.each([
    ["https://bank.example/login", "https://evil.example/x", "evil.example"],
    ["bank.example", "https://bank.example.evil.example", "bank.example.evil.example"],
    ["www.bank.example", "https://bank.example/x", undefined],
    ["click here", "https://evil.example", undefined],
    ["https://bank.example", "https://b\u0430nk.example", "xn--bnk-6cd.example"],
  ])("words %s that lead to %s hide %s", (words, href, host) => {
    expect(hiddenHost(words, href)).toBe(host);
  });

  test("links to people, rooms and events are understood in both forms", () => {
    expect(parseMatrixLink(matrixTo("@ann:two"))).toEqual({ kind: "user", userId: "@ann:two" });
    expect(parseMatrixLink("https://matrix.to/#/!r:x/$e?via=a.org&via=b.org")).toEqual({
      kind: "room",
      room: "!r:x",
      eventId: "$e",
      via: ["a.org", "b.org"],
    });
    expect(parseMatrixLink("matrix:r/weave:one")).toEqual({
      kind: "room",
      room: "#weave:one",
      via: [],
    });
    expect(parseMatrixLink("matrix:u/ann:two")).toEqual({ kind: "user", userId: "@ann:two" });
    expect(parseMatrixLink("https://matrix.to/#/%zz")).toBeUndefined();
    expect(parseMatrixLink("https://example.org/#/@ann:two")).toBeUndefined();
  });

  test("places within the client survive their address", () => {
    const place = { page: "room", room: "!a/b:x", eventId: "$c/d", via: ["one.example"] } as const;
    expect(parseRoute(hrefTo({ ...place, via: [...place.via] }))).toEqual(place);
    expect(parseRoute("#/nowhere")).toEqual({ page: "home" });
    expect(parseRoute("#/room/%E0%A4%A")).toMatchObject({ page: "room" });
  });
});

describe("times", () => {
  const now = new Date(2026, 10, 22, 15).getTime();
  test("days are named as people name them", () => {
    expect(dayLabel(now, now)).toBe("Today");
    expect(dayLabel(new Date(2026, 10, 21, 23, 59).getTime(), now)).toBe("Yesterday");
    expect(dayLabel(new Date(2026, 10, 18).getTime(), now)).toBe("Wednesday");
    expect(dayLabel(new Date(2025, 6, 3).getTime(), now)).toContain("2025");
    expect(shortTime(new Date(2026, 10, 21, 9).getTime(), now)).toBe("Yesterday");
    expect(shortTime(now + 60_000, now)).toMatch(/^\d\d:\d\d/);
    expect(shortTime(new Date(2026, 10, 29, 9).getTime(), now)).toMatch(/29/);
    expect(duration(187_000)).toBe("3:07");
  });

  test("a list says quietly how long ago something was", () => {
    const ago = (minutes: number) => quietTime(now - minutes * 60_000, now);
    expect([ago(-5), ago(0.9), ago(1), ago(59.9), ago(60), ago(15 * 60 - 1)]).toEqual([
      ...["now", "now", "1m", "59m", "1h", "14h"],
    ]);
    expect([ago(16 * 60), ago(4 * 24 * 60)]).toEqual(["Yesterday", "Wed"]);
  });
});

describe("user-interactive auth", () => {
  const token = { registrationToken: "abc" };
  test("the shortest flow that can be passed is taken", () => {
    const flows = [
      { stages: ["m.login.registration_token", "m.login.dummy"] },
      { stages: ["m.login.dummy"] },
    ];
    expect(nextStage({ flows }, {})).toBe("m.login.dummy");
  });

  test("a missing registration token is asked for", () => {
    const flows = [{ stages: ["m.login.registration_token"] }];
    expect(nextStage({ flows }, token)).toBe("m.login.registration_token");
    expect(() => nextStage({ flows }, {})).toThrow(NeedsProof);
  });

  test("completed stages are not repeated", () => {
    const flows = [{ stages: ["m.login.registration_token", "m.login.dummy"] }];
    expect(nextStage({ flows, completed: ["m.login.registration_token"] }, {})).toBe(
      "m.login.dummy",
    );
  });
});

test("paths are filled and escaped", () => {
  expect(
    expand("/rooms/{roomId}/send", { roomId: "!a/b:c" }, { via: ["x", "y"], from: undefined }),
  ).toBe("/rooms/!a%2Fb%3Ac/send?via=x&via=y");
});

test("beside a message the hour stands without its half of the day: there is no room for it", () => {
  // The page's language in tests is American English, or one with 24 hours: neither says which half.
  expect(bareTime(new Date(2026, 0, 5, 14, 5).getTime())).toMatch(/^(2:05|14:05)$/);
});
