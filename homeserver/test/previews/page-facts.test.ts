import { describe, expect, test } from "vitest";
import { pageFacts } from "../../src/previews/page-facts.ts";
import { pageText } from "../../src/previews/page-text.ts";

describe("what a page says of itself", () => {
  test("Open Graph counts before Twitter's cards, and these before plain HTML", () => {
    const facts = pageFacts(`<!doctype html><html><head>
      <title>Plain &amp; simple</title><base href="https://cdn.test/">
      <meta name="description" content="plain">
      <meta name="twitter:title" content="bird">
      <meta property="og:description" content="  a
        graph  "><meta property="og:description" content="another">
      <META PROPERTY="OG:IMAGE" CONTENT="/a.png"><meta property="og:image:alt" content="A">
      <meta property="og:site_name" content="Site"><meta property="og:type" content="article">
    </head><body><svg><title>not this</title></svg></body></html>`);
    expect(facts).toMatchObject({
      ...{ title: "bird", description: "a graph", image: "/a.png", imageAlt: "A" },
      ...{ siteName: "Site", type: "article", base: "https://cdn.test/" },
    });
    expect(pageFacts("<title>Plain &amp; simple</title>").title).toBe("Plain & simple");
    expect(pageFacts("")).toEqual({});
  });

  test("texts are one line, whole letters, and of bounded length", () => {
    const long = "\u{1f980}".repeat(600);
    const { title, description } = pageFacts(
      `<meta property="og:title" content="${long}"><meta name=description content="a\0b\u202ec\ud800">`,
    );
    expect(Array.from(title!)).toHaveLength(500);
    expect(title!.isWellFormed()).toBe(true);
    expect(description).toBe("a bc\ufffd");
  });

  test.each([
    ["elements within one another", "<div>".repeat(200_000)],
    ["ends of elements that never began", "<b>".repeat(20_000) + "</i>".repeat(200_000)],
    ["one with very many attributes", `<meta ${"a=b ".repeat(200_000)}>`],
    ["a comment without an end", `<!--${"-".repeat(1_000_000)}`],
    ["an attribute without an end", `<meta content="${"x".repeat(1_000_000)}`],
    ["entities", `<title>${"&amp;&#x1f980;&bogus".repeat(50_000)}</title>`],
    ["titles", "<title>x</title>".repeat(60_000)],
    ["brackets", "<".repeat(1_000_000)],
    ["a head that comes after all of it", `${"<p>".repeat(300)}<meta property=og:title content=T>`],
  ])("a page of %s is read, as far as it makes sense", (_what, html) => {
    expect(() => pageFacts(html)).not.toThrow();
  });
});

describe("the encoding of a page", () => {
  const text = (bytes: Uint8Array | string, type = "text/html") =>
    pageText({
      bytes: typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes,
      contentType: type,
    });

  test("is that of its first bytes, of the header, or of its own words, in that order", () => {
    const utf8 = Buffer.from("\ufeffé");
    expect(text(utf8, "text/html; charset=shift_jis")).toBe("é");
    expect(text("\xe9", 'text/html; charset="iso-8859-1"')).toBe("é");
    expect(text('<meta charset="koi8-r">\xc0', "text/html")).toContain("ю");
    expect(
      text("<meta http-equiv=content-type content='text/html; charset=euc-jp'>\xa4\xa2"),
    ).toContain("あ");
    expect(text(Buffer.from("\ufeffé", "utf16le"))).toBe("é");
  });

  test("is guessed where nothing says it, also of a page that was cut off within a letter", () => {
    expect(text("\xe9t\xe9")).toBe("été");
    expect(text(Buffer.from("été").subarray(0, 4))).toBe("ét");
  });

  test("is none that would hide what is there", () => {
    expect(text("+ADw-script+AD4-", "text/html; charset=utf-7")).toBe("+ADw-script+AD4-");
    expect(text('<meta charset="utf-16"><title>x</title>')).toContain("<title>");
    expect(text("x", "text/html; charset=iso-2022-kr")).toBe("x");
  });
});
