import { html } from "lit";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { page, userEvent } from "vitest/browser";
import { $dialog, closeDialog } from "../../src/store/dialogs.ts";
import type { WeftMessage } from "../../src/elements/message.ts";
import type { WeftRichText } from "../../src/elements/rich-text.ts";
import type { Content } from "../../src/api/types.ts";
import { typeset } from "../../src/text/typeset.ts";
import { eventually } from "../unit/eventually.ts";
import { article, openRoom } from "./open-room.ts";
import { ANN, createTestClient, expectAccessible, focused, settled, show } from "./support.ts";
import "../../src/elements/rich-text.ts";

afterEach(() => vi.restoreAllMocks());
beforeEach(async () => {
  await page.viewport(1000, 700);
  closeDialog();
});

/** A message's text on the page, by itself or in a room. */
async function draw(body: string, rich?: string) {
  const stage = await show(
    html`<weft-rich-text .body=${body} .rich=${rich}></weft-rich-text>`,
    createTestClient().client,
  );
  const element = stage.querySelector<WeftRichText>("weft-rich-text")!;
  return { element, root: element.shadowRoot! };
}

/** In the room, where people and rooms have names. */
async function say(content: Record<string, string>) {
  const room = await openRoom({}, 1);
  await room.bring({
    timeline: {
      events: [room.make.event("m.room.message", ANN, { msgtype: "m.text", ...content })],
    },
  });
  return room;
}

const formatted = (formatted_body: string, body = "x") => ({
  body,
  format: "org.matrix.custom.html",
  formatted_body,
});

describe("links", () => {
  test("are found in formatted text, but not in code", async () => {
    const { root } = await draw(
      "",
      "<b>b</b> https://weft.example/x, www.weft.example and ann@weft.example; <code>https://code.example</code> <a href='https://a.example'>https://a.example</a>",
    );
    expect([...root.querySelectorAll("a")].map((link) => link.getAttribute("href"))).toEqual([
      "https://weft.example/x",
      "https://www.weft.example",
      "mailto:ann@weft.example",
      "https://a.example",
    ]);
    for (const link of root.querySelectorAll("a")) {
      expect(link.rel).toContain("noopener");
      expect(link.target).toBe("_blank");
    }
    await expectAccessible();
  });

  test("whose words name another host say where they lead", async () => {
    const { root } = await draw("", '<a href="https://evil.example/x">https://bank.example</a>');
    expect(root.querySelector(".words")!.textContent).toBe("https://bank.example (evil.example)");
  });

  test("to people bear their real name and open their card, whatever the sender wrote", async () => {
    await say(
      formatted(
        '<a href="https://matrix.to/#/@admin:evil">https://bank.example</a> and <a href="https://matrix.to/#/@ann:two">the boss</a>',
      ),
    );
    await expect.element(page.getByRole("link", { name: "@admin:evil" })).toBeVisible();
    expect(page.getByText("bank.example").elements()).toHaveLength(0);
    expect(page.getByText("the boss").elements()).toHaveLength(0);
    await userEvent.click(page.getByRole("link", { name: "Ann", exact: true }));
    await eventually(() => expect($dialog.get()).toMatchObject({ kind: "member", userId: ANN }));
  });

  test("to people and rooms in plain text are links by name, too", async () => {
    await say({ body: "ask @ann:two.example in #weaving:one.example" });
    await expect.element(page.getByRole("link", { name: "@ann:two.example" })).toBeVisible();
    await expect.element(page.getByRole("link", { name: "#weaving:one.example" })).toBeVisible();
  });
});

describe("what turns letters around", () => {
  test("ends with the words that it stands in", async () => {
    const room = await say({ msgtype: "m.emote", body: "\u202Ewaves" });
    const text = room
      .timeline()
      .shadowRoot!.querySelectorAll("weft-message")[1]!
      .shadowRoot!.querySelector("weft-rich-text")!.shadowRoot!;
    const [lead, words] = [text.querySelector("bdi")!, text.querySelector(".words")!];
    expect(lead.textContent).toBe("Ann");
    expect(getComputedStyle(words).unicodeBidi).toBe("isolate");
    // The name stands before the words, as it would without them.
    expect(lead.getBoundingClientRect().right).toBeLessThan(words.getBoundingClientRect().right);
  });
});

describe("code", () => {
  const code = 'const weft = "thread";\n'.repeat(3);

  test("is coloured, scrolls by the keyboard and is copied", async () => {
    const written = vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
    const { root } = await draw("", `<pre><code class="language-ts">${code}</code></pre>`);
    await eventually(() => expect(root.querySelector(".hljs-keyword")?.textContent).toBe("const"));
    expect(root.querySelector("pre")!.textContent).toBe(code);
    expect(root.querySelector("pre")!.tabIndex).toBe(0);
    await expectAccessible();
    root.querySelector<HTMLElement>(".copy")!.focus();
    await userEvent.keyboard("{Enter}");
    await eventually(() => expect(written).toHaveBeenCalledWith(code));
  });

  test("in a language that nobody knows, or that is too long, stays as it is", async () => {
    const { root } = await draw("", '<pre><code class="language-weft">x = 1</code></pre>');
    await settled();
    expect(root.querySelector("code")!.innerHTML).toBe("x = 1");
    const text = "a = 1\n".repeat(5000);
    expect(await typeset({ kind: "code", text, language: "python" })).toBeUndefined();
  });
});

describe("formulas", () => {
  test("are set in MathML; what is none stays as it was written", async () => {
    const { root } = await draw(
      "",
      '<span data-mx-maths="\\frac{a}{b}"><code>\\frac{a}{b}</code></span> <span data-mx-maths="\\nonsense{"><code>\\nonsense{</code></span>',
    );
    await eventually(() => expect(root.querySelector("mfrac")).not.toBeNull());
    expect(root.querySelector("math")!.textContent).toBe("ab");
    expect(root.querySelectorAll("[data-mx-maths]")[1]!.textContent).toBe("\\nonsense{");
    await expectAccessible();
  });

  test("bring no link and no style of their sender's along, and end in time", async () => {
    const { root } = await draw(
      "",
      [
        "\\href{javascript:alert(1)}{x}",
        "\\includegraphics{https://evil.example/x.png}",
        "\\def\\x{\\x\\x}\\x",
        "{".repeat(900),
        "\\htmlStyle{position:fixed}{x} y",
      ]
        .map((tex) => `<span data-mx-maths="${tex}"><code>t</code></span>`)
        .join(""),
    );
    await eventually(() => expect(root.querySelectorAll("math").length).toBeGreaterThan(0));
    expect(root.querySelector("a, img, [style], [href], [src]")).toBeNull();
  });
});

describe("hidden words", () => {
  test("can be neither seen nor heard until they are asked for, by key or click", async () => {
    const { root } = await draw(
      "",
      'it was <span data-mx-spoiler="the end">the <a href="https://a.example">cat</a></span>',
    );
    const button = page.getByRole("button", { name: "Spoiler: the end. Show it" });
    await expect.element(button).toBeVisible();
    const words = root.querySelector<HTMLElement>(".hidden-words")!;
    expect(getComputedStyle(words).visibility).toBe("hidden");
    await expectAccessible();
    (button.element() as HTMLElement).focus();
    await userEvent.keyboard("{Enter}");
    expect(getComputedStyle(words).visibility).toBe("visible");
    expect(focused()).toBe(root.querySelector("[data-mx-spoiler]"));
    await expectAccessible();
  });
});

describe("long messages", () => {
  const dots = ".".repeat(60_000);
  const lines = "line\n".repeat(2000);
  const table = `<table>${"<tr>".concat("<td>wide</td>".repeat(40), "</tr>").repeat(60)}</table>`;

  test.each([
    ["50,000 characters", "word ".repeat(10_000), undefined],
    ["60 kB of dots", dots, undefined],
    ["2,000 lines", lines, undefined],
    ["paragraphs", "x", "<p>some words</p>".repeat(800)],
    ["a list", "x", `<ul>${"<li>some words</li>".repeat(800)}</ul>`],
    ["a large table", "x", table],
    ["one word in HTML", "x", `<b>${dots}</b>`],
  ])("%s show their beginning, and all on demand", async (_name, body, rich) => {
    const { element, root } = await draw(body, rich);
    expect(element.getBoundingClientRect().height).toBeLessThan(2400);
    expect(root.querySelector(".words")!.textContent.length).toBeLessThan(4000);
    await expectAccessible();
    await userEvent.click(page.getByRole("button", { name: "Show all" }));
    const whole = root.querySelector(".words")!.textContent;
    expect(whole.length).toBeGreaterThan(4000);
    await userEvent.click(page.getByRole("button", { name: "Show less" }));
    expect(root.querySelector(".words")!.textContent.length).toBeLessThan(4000);
  });

  test("wide tables scroll, and their words stay whole", async () => {
    const cells = "<td>unbreakable</td>".repeat(40);
    const { root } = await draw("x", `<table><tr>${cells}</tr></table>`);
    const box = root.querySelector<HTMLElement>(".wide")!;
    expect(box.scrollWidth).toBeGreaterThan(box.clientWidth);
    expect(root.querySelector("td")!.getBoundingClientRect().height).toBeLessThan(60);
    expect(box.tabIndex).toBe(0);
  });
});

describe("what strangers send", () => {
  const HOSTILE: [string, Content][] = [
    ["script", formatted("<script>window.hit = 1</script><img src=x onerror='window.hit=1'>x")],
    ["style", formatted("<style>*{display:none}</style><p style='position:fixed;inset:0'>x</p>")],
    ["frames", formatted("<iframe src='https://evil.example'></iframe><object data=x></object>x")],
    ["svg", formatted("<svg><a href='javascript:window.hit=1'><circle r=9></a></svg>x")],
    ["a form", formatted("<form action='https://evil.example'><input name=password></form>x")],
    ["links", formatted("<a href='javascript:window.hit=1'>x</a><a href='data:text/html,x'>y</a>")],
    ["images elsewhere", formatted("<img src='https://evil.example/a.png'>x")],
    ["a huge image", formatted("<img src='mxc://one/a' width=9999 height=9999>x")],
    ["nesting", formatted("<div>".repeat(4000) + "x")],
    ["nested quotations", formatted("<blockquote>".repeat(2000) + "x")],
    ["many elements", formatted("<b>".repeat(400) + "<p>x</p>".repeat(1500))],
    ["a table of many cells", formatted(`<table><tr>${"<td>x".repeat(2000)}</table>`)],
    ["bidi", { body: "\u202e\u2066\u202bgnp.exe\u200b\u200f" }],
    ["nothing to be seen", { body: "\u200b\u2060\u00ad" }],
    ["marks upon marks", { body: `a${"\u0301".repeat(5000)}` }],
    ["dots", { body: ".".repeat(60_000) }],
    ["no body", { body: 5 }],
    ["no sort", { msgtype: null, body: "x" }],
    ["a body that is a list", { msgtype: "m.text", body: [], formatted_body: {} }],
    ["a file without a place", { msgtype: "m.image", body: "x", url: 7 }],
    [
      "a picture of no size",
      { msgtype: "m.image", body: "x", url: "mxc://a/b", info: { w: -1, h: 1e300 } },
    ],
  ];

  test("is drawn harmless, bounded and in time", async () => {
    const room = await openRoom({}, 0);
    for (const [name, content] of HOSTILE) {
      const before = performance.getEntriesByType("resource").length;
      const event = room.make.event("m.room.message", ANN, {
        msgtype: "m.text",
        ...content,
      });
      await room.bring({ timeline: { events: [event] } });
      const row = [...room.timeline().shadowRoot!.querySelectorAll<WeftMessage>("weft-message")].at(
        -1,
      )!;
      await row.updateComplete;
      expect(row.getBoundingClientRect().height, name).toBeLessThan(3000);
      expect(row.getBoundingClientRect().height, name).toBeGreaterThan(10);
      const elsewhere = performance
        .getEntriesByType("resource")
        .slice(before)
        .filter((entry) => entry.name.includes("evil.example"));
      expect(elsewhere, name).toEqual([]);
      const width = document.documentElement.scrollWidth;
      expect(width, name).toBeLessThanOrEqual(innerWidth);
    }
    expect((window as { hit?: number }).hit).toBeUndefined();
    await expectAccessible();
  });

  test("has a row that says so when nothing of it can be shown", async () => {
    await say({ body: "\u200b" });
    await expect.element(article(/Ann/).getByText("This message cannot be shown.")).toBeVisible();
  });
});
