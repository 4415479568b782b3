import { wholeText } from "../../src/text/whole.ts";
import { describe, expect, test } from "vitest";
import { isMarkupBomb, sanitise } from "../../src/text/sanitise.ts";
import { growthOf, pumped } from "../unit/growth.ts";

/** Everything in the HTML that could act: put on a page, it must fetch nothing and run nothing. */
function inspect(html: string): Element {
  const box = document.createElement("div");
  box.innerHTML = html;
  return box;
}

describe("nasty HTML comes out harmless", () => {
  test.each([
    `<script>alert(1)</script>`,
    `<img src=x onerror=alert(1)>`,
    `<img src="https://evil.example/pixel.png">`,
    `<img src="data:image/svg+xml,<svg onload=alert(1)>">`,
    `<svg onload=alert(1)><script>alert(1)</script></svg>`,
    `<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>`,
    `<a href="javascript:alert(1)">x</a>`,
    `<a href="JaVaScRiPt&colon;alert(1)">x</a>`,
    `<a href=" &#1; javascript:alert(1)">x</a>`,
    `<a href="data:text/html,<script>alert(1)</script>">x</a>`,
    `<iframe src="https://evil.example"></iframe>`,
    `<object data="https://evil.example"></object><embed src="https://evil.example">`,
    `<form action="https://evil.example"><input name=q><button>go</button></form>`,
    `<style>* { background: url(https://evil.example) }</style>`,
    `<p style="background:url(https://evil.example)">x</p>`,
    `<link rel=stylesheet href="https://evil.example"><meta http-equiv=refresh content="0;url=//evil.example">`,
    `<video src="https://evil.example/x.mp4" autoplay></video>`,
    `<details open ontoggle=alert(1)><summary>x</summary></details>`,
    `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
    `<template><img src=x onerror=alert(1)></template>`,
    `<weft-app></weft-app><weft-menu></weft-menu>`,
    `<div id="offers" name="cookie">clobber</div>`,
    `<base href="https://evil.example">`,
  ])("%s", (nasty) => {
    const clean = sanitise(nasty);
    const box = inspect(clean);
    expect(
      box.querySelector(
        "script, iframe, object, embed, form, input, button, style, link, meta, video, svg, math, base, template",
      ),
    ).toBeNull();
    for (const element of box.querySelectorAll("*")) {
      expect(element.tagName).not.toContain("-");
      for (const { name, value } of element.attributes) {
        expect(name).not.toMatch(/^on|^style$|^src|^id$|^name$|^action$/);
        expect(value).not.toMatch(/javascript:|^data:/i);
      }
    }
  });
});

describe("what Matrix allows stays", () => {
  test("text formats, lists, tables and code with its language", () => {
    const source = `<strong>b</strong> <code class="language-ts evil">x</code><ol start="3"><li>x</li></ol><table><tbody><tr><td>1</td></tr></tbody></table>`;
    expect(sanitise(source)).toBe(
      `<strong>b</strong> <code class="language-ts">x</code><ol start="3"><li>x</li></ol><table><tbody><tr><td>1</td></tr></tbody></table>`,
    );
  });

  test("links open apart and tell nothing", () => {
    const link = inspect(
      sanitise(`<a href="https://example.org" target="_self" rel="opener">x</a>`),
    ).querySelector("a")!;
    expect(link.getAttribute("href")).toBe("https://example.org");
    expect(link.target).toBe("_blank");
    expect(link.rel).toBe("noopener noreferrer nofollow");
  });

  test("images keep only their mxc address, aside", () => {
    const image = inspect(
      sanitise(`<img src="mxc://one/abc" alt="cat" width="32" height="9e9" title="Cat">`),
    ).querySelector("img")!;
    expect(image.hasAttribute("src")).toBe(false);
    expect(image.dataset["mxc"]).toBe("mxc://one/abc");
    expect(image.getAttribute("width")).toBe("32");
    expect(image.hasAttribute("height")).toBe(false);
    expect(image.alt).toBe("cat");
  });

  test("a data-mxc that somebody wrote does not count", () => {
    expect(sanitise(`<img data-mxc="mxc://one/abc" alt="">`)).not.toContain("mxc://");
  });

  test("colours and spoilers stay, nonsense in them does not", () => {
    const clean = sanitise(
      `<span data-mx-color="#ff0000">a</span><span data-mx-color="red;x">b</span><span data-mx-spoiler="why">c</span>`,
    );
    expect(clean).toBe(
      `<span data-mx-color="#ff0000">a</span><span>b</span><span data-mx-spoiler="why">c</span>`,
    );
  });

  test("the quotation of an answer is left out", () => {
    expect(sanitise(`<mx-reply><blockquote>old</blockquote></mx-reply>new`)).toBe("new");
  });

  test("a thousand nested tags are cut, and quickly", () => {
    const start = performance.now();
    const clean = sanitise("<b>".repeat(5000) + "x");
    expect(performance.now() - start).toBeLessThan(15_000);
    expect((clean.match(/<b>/g) ?? []).length).toBeLessThanOrEqual(100);
  });
});

describe("markup of a whole event is dealt with in time that grows with it", () => {
  test.each([
    ["quotations that never end", pumped("", "<mx-reply>")],
    ["quotations", pumped("", "<mx-reply>a</mx-reply>b")],
    ["elements inside one another", pumped("", "<div>")],
    ["lists inside one another", pumped("", "<ul><li>")],
    ["spoilers", pumped("", "<span data-mx-spoiler>a</span>")],
    ["images", pumped("", '<img src="mxc://a/b">')],
    ["links that are not closed", pumped("", '<a href="https://a">')],
    ["classes", pumped('<code class="', "language-a ", '">x')],
    ["half a tag", pumped("", "<b ")],
    ["attributes", pumped("<p ", "a=1 ", ">x")],
  ])("%s", (_name, html) => {
    expect(growthOf((text) => (isMarkupBomb(text) ? text : sanitise(text)), html)).toBeLessThan(4);
  });

  test("what a browser would make millions of elements of is a bomb, a long message is not", () => {
    const unclosed = Array.from({ length: 1000 }, (_, i) => `<b a=${i}>`).join("");
    expect(isMarkupBomb(unclosed + "<p>x".repeat(10_000))).toBe(true);
    expect(isMarkupBomb("<b><i><u><s><tt><em><code>".repeat(3) + "<p>x".repeat(15_500))).toBe(true);
    expect(isMarkupBomb("<div>".repeat(12_000))).toBe(true);
    expect(isMarkupBomb("<p>x</p>".repeat(2_000))).toBe(false);
    expect(isMarkupBomb("<p><b>x</b> <em>y</em> <code>z</code></p>".repeat(600))).toBe(false);
    const code = '<pre><code class="language-ts">x\n</code></pre>';
    expect(isMarkupBomb(code.repeat(250))).toBe(false);
  });
});

test.each([
  ['<a title="><script>">seen</a>', "seen"],
  ["<!-- <script> -->seen", "seen"],
  ["<script><script></script>seen", "seen"],
  ["<style><!--</style>seen--></style>", "seen-->"],
  ["<p>a</p><p>b <span data-mx-spoiler='why'>c</span></p>", "a\n\nb [Spoiler (why): c]"],
  ["<ul><li>a<ul><li>b</li></ul></li></ul>1 &amp;lt; 2", "• a\n  • b\n1 &lt; 2"],
  ['<img src="x" alt=":wave:" onerror="document.title = 1"> hi<br>you', ":wave: hi\nyou"],
])("whoever reads %s as plain text is shown what others see", (html, words) => {
  expect(wholeText(html)).toBe(words);
  expect(document.title).not.toBe("1");
});
