import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { type OperationRow, operations } from "@weft/spec/operations";
import { describe, expect, test } from "vitest";
import { environmentName, settings, type SettingKey } from "../src/config/schema.ts";

const REPOSITORY = resolve(import.meta.dirname, "..", "..");
/** Made by tools, and named by no page as a part of the repository. */
const MADE = new Set(["node_modules", ".git", ".cache", "dist", "coverage"]);
const PAGES = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "CHANGELOG.md",
  ...["bench", "conformance-tests", "homeserver", "spec", "web-client"].map((each) =>
    join(each, "README.md"),
  ),
  ...["docs", join("docs", "decisions")].flatMap((folder) =>
    readdirSync(join(REPOSITORY, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => join(folder, name)),
  ),
].filter((page) => existsSync(join(REPOSITORY, page)));
/** What pages name that is no part of the repository: data folders and their copies, and what is made. */
const ELSEWHERE = new Set(["data/", "copy/", "media/", "postgres/", ".cache/"]);

const read = (page: string): string => readFileSync(join(REPOSITORY, page), "utf8");

/** Every file and folder of the repository, from its root, with "/" between; folders end with one. */
function everything(folder = REPOSITORY): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (MADE.has(entry.name)) return [];
    const path = join(folder, entry.name);
    const name = relative(REPOSITORY, path).split(sep).join("/");
    return entry.isDirectory() ? [`${name}/`, ...everything(path)] : [name];
  });
}

/** What looks like a file or a folder in code, inline or in blocks: a known ending, or a slash at the end. */
function pathsIn(text: string): string[] {
  const blocks = [...text.matchAll(/^```[^\n]*\n([\s\S]*?)^```/gm)].map((match) => match[1]!);
  const inline = [...text.replaceAll(/^```[\s\S]*?^```/gm, "").matchAll(/`([^`\n]+)`/g)];
  const code = [...blocks, ...inline.map((match) => match[1]!)].join("\n");
  const words = code.split(/[\s"'(),;:|=]+/);
  return words.filter((word) =>
    /^(?!\/|https?)[\w./-]+(\.(ts|mjs|md|ya?ml|tsv|sql|sh|css)|[\w-]\/)$/.test(word),
  );
}

/** Targets of links and pictures that are no addresses, as page and heading. */
function linksIn(page: string): { target: string; heading: string | undefined }[] {
  const links = [...read(page).matchAll(/(?:\]\(|src=")([^)"\s]+)[)"]/g)].map((match) => match[1]!);
  return links
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [file = "", heading] = link.split("#");
      return { target: file === "" ? page : join(dirname(page), file), heading };
    });
}

/** Headings as the sites that show Markdown name them. */
function headingsOf(page: string): string[] {
  const titles = [...read(page).matchAll(/^#+ (.+)$/gm)].map((match) => match[1]!);
  return titles.map((title) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
}

describe("the pages", () => {
  const all = everything();
  const endings = new Set(
    all.flatMap((path) => {
      const parts = path.replace(/\/$/, "").split("/");
      const end = path.endsWith("/") ? "/" : "";
      return parts.map((_, index) => parts.slice(index).join("/") + end);
    }),
  );

  test.each(PAGES)("%s names files and folders that exist", (page) => {
    const named = pathsIn(read(page)).map((path) => path.replace(/^(\.{1,2}\/)+/, ""));
    const missing = named.filter((path) => !endings.has(path) && !ELSEWHERE.has(path));
    expect([...new Set(missing)]).toEqual([]);
  });

  test.each(PAGES)("%s links to pages and headings that exist", (page) => {
    const broken = linksIn(page).filter(({ target, heading }) => {
      if (!existsSync(join(REPOSITORY, target))) return true;
      return heading !== undefined && !headingsOf(target).includes(heading);
    });
    expect(broken).toEqual([]);
  });

  test("each picture is shown by a page", () => {
    const shown = new Set(PAGES.flatMap(linksIn).map(({ target }) => target.split(sep).join("/")));
    const pictures = all.filter((path) => /^docs\/images\/.+\.\w+$/.test(path));
    expect(pictures.filter((path) => !shown.has(path))).toEqual([]);
  });

  test("the README names every setting, and no other", () => {
    const named = new Set(read("README.md").match(/\bWEFT_[A-Z0-9_]+/g));
    const known = (Object.keys(settings) as SettingKey[]).map(environmentName);
    expect([...named].sort()).toEqual(known.sort());
  });

  test("the README says how many operations are served", () => {
    const all: readonly OperationRow[] = Object.values(operations);
    const served = (api: string): number =>
      all
        .filter((operation) => operation.api === api && operation.proposal === null)
        .reduce((count, { also }) => count + 1 + also.length, 0);
    const said = (text: RegExp): number => Number(text.exec(read("README.md"))?.[1]);
    const [clients, servers] = [served("client-server"), served("server-server")];
    const services = served("application-service") + served("push-gateway");
    expect({
      all: said(/ (\d+) are served/),
      clients: said(/ (\d+) of \d+ that clients call/),
      servers: said(/ (\d+) of \d+ that other servers call/),
      services: said(/\s(\d+) of the \d+ that application services/),
      oauth: said(/(\d+) more are endpoints and pages of the OAuth 2.0 API/),
      administrators: said(/ (\d+) more are for\s+administrators/),
      proposals: said(/ (\d+) are of proposals/),
    }).toEqual({
      all: clients + servers + services,
      ...{ clients, servers, services, oauth: served("oauth"), administrators: served("admin") },
      proposals: all.filter((operation) => operation.proposal !== null).length,
    });
  });
});

test("each decision has a number of its own, which its first line repeats", () => {
  const pages = PAGES.filter((page) => /decisions.\d{4}-/.test(page));
  const numbers = pages.map((page) => /decisions.(\d{4})-/.exec(page)![1]!);
  expect(numbers.length).toBeGreaterThan(0);
  expect(numbers.filter((number, i) => numbers.indexOf(number) !== i)).toEqual([]);
  for (const [i, page] of pages.entries()) {
    expect(read(page).split("\n")[0], page).toMatch(new RegExp(`^# ${Number(numbers[i])}\\. `));
  }
});
