/** What one reads of a message, as plain text: of exports, and where administrators judge. */
import { describe, expect, test } from "vitest";
import type { Content } from "../../src/api/types.ts";
import type { Client } from "../../src/store/client.ts";
import { exportRoom } from "../../src/store/export.ts";
import { Room } from "../../src/store/room.ts";
import { wholeEvent, wholeMessage } from "../../src/store/said.ts";
import { wholeText, wholeWords } from "../../src/text/whole.ts";
import { createEvents } from "./events.ts";

const ANN = "@ann:two";
const names = { displayName: (userId: string) => userId, member: () => undefined };
const make = createEvents();
const rich = (html: string, body = "source") => ({
  ...{ msgtype: "m.text", body, format: "org.matrix.custom.html", formatted_body: html },
});
const answering = (content: Content): Content => ({
  ...content,
  "m.relates_to": { "m.in_reply_to": { event_id: "$1" } },
});

describe("all that one reads of HTML", () => {
  test.each([
    ["<p>one <b>bold</b>\n word</p><p>two</p>", "one bold word\n\ntwo"],
    ["one<br>two<br/><br>three", "one\ntwo\n\nthree"],
    ["it was <span data-mx-spoiler>the <b>cat</b></span> then", "it was [Spoiler: the cat] then"],
    ['<span data-mx-spoiler="the &quot;end&quot;">they win', '[Spoiler (the "end"): they win]'],
    ["<mx-reply><blockquote>old</blockquote></mx-reply>new", "new"],
    ["<script>alert(1)</script>words<style>p{}</style>", "words"],
    ["<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>d", "• a\n  • b\n• c\nd"],
    ['<ol start="3"><li><p>a</p></li><li>b</li></ol>', "3. a\n4. b"],
    ["said:<blockquote><p>a</p><p>b<br>c</p></blockquote>so", "said:\n\n> a\n>\n> b\n> c\n\nso"],
    ["<pre><code>\nif (a)\n\n  b();\n</code></pre>then", "if (a)\n\n  b();\n\nthen"],
    ["<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>", "a | b\n1 | 2"],
    ['see <a href="https://x.org/">this</a>', "see this (https://x.org/)"],
    ['see <a href="https://x.org/">https://x.org/</a>', "see https://x.org/"],
    ['<a href="https://matrix.to/#/@ann:two">Ann</a> came', "Ann came"],
    ['<a href="javascript:alert(1)">this</a>', "this"],
    ['a <img src="mxc://a/b" alt=":wave:"> b', "a :wave: b"],
    ["a<hr>b", "a\n\n———\n\nb"],
    ["1 &lt; 2 &amp; 1 < 2", "1 < 2 & 1 < 2"],
    ["</p></span>a</div></b>b", "a\nb"],
  ])("%s", (html, words) => expect(wholeText(html)).toBe(words));

  test("nobody's markup nests without end", () => {
    const deep = `${"<blockquote>".repeat(5000)}deep`;
    expect(wholeText(deep).length).toBeLessThan(1000);
    expect(wholeText(deep)).toMatch(/> deep$/);
  });
});

test("what has no other form is as it was written, without the quotation of an answer", () => {
  expect(wholeWords({ body: "a\n  **b**" }, false)).toBe("a\n  **b**");
  expect(wholeWords({ body: "> <@a:b> old\n\nnew" }, true)).toBe("new");
  expect(wholeWords(rich(" <p></p> ", "words"), false)).toBe("words");
  expect(wholeWords({ body: "a\u202Eb" }, false)).toBe("ab");
});

test.each([
  [{ msgtype: "m.image", body: "cat.png" }, "Image: cat.png"],
  [{ msgtype: "m.image", body: "My cat", filename: "cat.png" }, "Image: cat.png\nMy cat"],
  [{ msgtype: "m.emote", body: "purrs" }, "@ann:two purrs"],
  [{ msgtype: "m.text", body: " " }, "Empty message"],
  [answering({ msgtype: "m.text", body: "> <@a:b> old\n\nnew" }), "new"],
])("%j says %s", (content, words) => {
  expect(wholeMessage(names, make.event("m.room.message", ANN, content))).toBe(words);
});

test("an edit says to what, a change what was changed, and the rest nothing", () => {
  const said = make.message(ANN, "befroe");
  expect(wholeEvent(names, make.edit(ANN, said.event_id, "before"))).toBe("Changed to: before");
  expect(wholeEvent(names, make.state("m.room.name", ANN, { name: "Tea" }))).toBe(
    "@ann:two named the room “Tea”",
  );
  expect(wholeEvent(names, make.event("m.reaction", ANN, {}))).toBeUndefined();
  const poll = make.event("org.matrix.msc3381.poll.start", ANN, {
    "org.matrix.msc3381.poll.start": {
      question: { "org.matrix.msc1767.text": "Tea?" },
      answers: [
        { id: "1", "org.matrix.msc1767.text": "Yes" },
        { id: "2", "org.matrix.msc1767.text": "No" },
      ],
    },
  });
  expect(wholeEvent(names, poll)).toBe("Poll: Tea?\n• Yes\n• No");
});

describe("an export", () => {
  async function exported(format: "text" | "html" | "json"): Promise<string> {
    const room = new Room("!r:one");
    room.setState({ ...make.member(ANN, "join", "Ann"), state_key: ANN });
    const said = make.event("m.room.message", ANN, rich("first"));
    const events = [
      said,
      make.event(
        "m.room.message",
        ANN,
        rich("the <span data-mx-spoiler>cat</span> &lt;3", "the ||cat|| <3"),
      ),
      make.event(
        "m.room.message",
        ANN,
        answering({ msgtype: "m.text", body: "> <@b:c> so?\n\nyes" }),
      ),
      make.edit(ANN, said.event_id, "first, edited"),
    ];
    room.timeline.append(events, { limited: false });
    room.timeline.reachedStart = true;
    const client = { store: { summary: () => ({ name: "Tea" }) } } as unknown as Client;
    const wish = { format, most: 3, signal: new AbortController().signal, onProgress: () => {} };
    return (await exportRoom(client, room, wish)).blob.text();
  }

  test("has what its readers see: no source of a spoiler, no quotation, the newest words", async () => {
    const words = (await exported("text")).split("\n").slice(2, -1);
    expect(words.map((line) => line.replace(/^\[[^\]]+\] /, ""))).toEqual([
      "Ann (@ann:two): first, edited",
      "Ann (@ann:two): the [Spoiler: cat] <3",
      "Ann (@ann:two): yes",
    ]);
  });

  test("is a page in which nothing of a stranger's is markup", async () => {
    const page = await exported("html");
    expect(page).toContain("<p>the [Spoiler: cat] &lt;3</p>");
    expect(page).not.toContain("data-mx-spoiler");
  });

  test("has the events as they are, for programs", async () => {
    const { messages } = JSON.parse(await exported("json")) as { messages: { content: Content }[] };
    expect(messages[1]!.content["body"]).toBe("the ||cat|| <3");
  });
});
