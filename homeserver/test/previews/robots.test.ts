import { expect, test } from "vitest";
import { robotsAllow } from "../../src/previews/robots.ts";

const allow = (text: string, path: string) => robotsAllow(text, "weftpreview", path);

test("without rules everything is allowed", () => {
  for (const text of ["", "nonsense", "User-agent: *\nDisallow:", "<html></html>"]) {
    expect(allow(text, "/a")).toBe(true);
  }
});

test("the group of the agent counts, and otherwise that of all", () => {
  const text = "User-agent: other\nDisallow: /\n\nUSER-AGENT: *\nDisallow: /all\n";
  expect([allow(text, "/all/x"), allow(text, "/x")]).toEqual([false, true]);
  const own = `${text}User-agent: x\nUser-agent: WeftPreview # us\nDisallow: /own\n`;
  expect([allow(own, "/all"), allow(own, "/own")]).toEqual([true, false]);
});

test("the longest rule that fits counts, and of two the one that allows", () => {
  const text =
    "User-agent: *\nDisallow: /a\nAllow: /a/b\nDisallow: /a/b/c\nAllow: /d\nDisallow: /d";
  const paths = ["/a", "/a/b", "/a/b/c", "/d"];
  expect(paths.map((path) => allow(text, path))).toEqual([false, true, false, true]);
});

test("stars stand for anything, and a dollar for the end", () => {
  const text = "User-agent: *\nDisallow: /*.php$\nDisallow: /a*b*c\nDisallow: /q$";
  const paths = ["/x.php", "/x.php5", "/a1b2c3", "/acb", "/q", "/qq", "/x.php?y"];
  const allowed = [false, true, false, true, false, true, true];
  expect(paths.map((path) => allow(text, path))).toEqual(allowed);
});

test("a file that is made to cost much costs little", () => {
  const stars = `User-agent: *\n${`Disallow: /${"*a".repeat(200)}$\n`.repeat(10_000)}`;
  expect(allow(stars, `/${"a".repeat(2_000)}`)).toBe(true);
  expect(allow(`User-agent:${" ".repeat(500_000)}*`, "/")).toBe(true);
});
