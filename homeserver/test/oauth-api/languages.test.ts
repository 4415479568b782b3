/** The languages of the server's own pages. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GERMAN } from "../../src/oauth-api/words/german.ts";
import { GERMAN_PROBLEMS, germanProblem } from "../../src/oauth-api/words/german-problems.ts";
import { keyOf } from "../../src/oauth-api/words/html.ts";
import { openApi, type TestApi } from "../client-api/support.ts";
import { authorizePath, openBrowser, registerClient, type TestBrowser } from "./support.ts";

const SOURCES = join(import.meta.dirname, "../../src");
const SIGN_IN = "/_weft/account/sign-in";
const ACCOUNT = "/_weft/account";

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** How the catalogue names what a file says. */
function saidIn(path: string): string[] {
  const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTaggedTemplateExpression(node) && node.tag.getText() === "say") {
      const { template } = node;
      const pieces = ts.isNoSubstitutionTemplateLiteral(template)
        ? [template.text]
        : [template.head.text, ...template.templateSpans.map(({ literal }) => literal.text)];
      found.push(keyOf(pieces));
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

const putIn = (text: string): string[] => (text.match(/\{\d\}/g) ?? []).sort();

describe("German", () => {
  const said = new Set(filesOf(join(SOURCES, "oauth-api")).flatMap(saidIn));

  test("has all that the pages say, and nothing that they do not", () => {
    expect(said.size).toBeGreaterThan(80);
    const { en: code, ...words } = GERMAN;
    expect(code).toBe("de");
    expect([...said].filter((english) => !Object.hasOwn(words, english))).toEqual([]);
    expect(Object.keys(words).filter((english) => !said.has(english))).toEqual([]);
  });

  test("puts the same in, wherever it stands", () => {
    for (const [english, german] of Object.entries({ ...GERMAN, ...GERMAN_PROBLEMS })) {
      expect(putIn(german), english).toEqual(putIn(english));
    }
  });

  test("knows messages that the server has", () => {
    const sources = filesOf(SOURCES)
      .filter((path) => !path.endsWith("german-problems.ts"))
      .map((path) => readFileSync(path, "utf8"));
    const isThere = (message: string) => {
      const pieces = message.split("{0}");
      return sources.some((text) => pieces.every((piece) => text.includes(piece)));
    };
    expect(Object.keys(GERMAN_PROBLEMS).filter((message) => !isThere(message))).toEqual([]);
  });

  test("says what was put into a message, and leaves others as they are", () => {
    expect(germanProblem("A password needs at least 8 characters")).toBe(
      "Ein Passwort braucht mindestens 8 Zeichen.",
    );
    expect(germanProblem("You have not signed in at $& {0}")).toBe(
      "Du hast dich bei $& {0} nicht angemeldet.",
    );
    for (const message of ["redirect_uri is none of the client's", "constructor", ""]) {
      expect(germanProblem(message)).toBe(message);
    }
  });
});

describe("pages", () => {
  let t: TestApi;
  let clientId: string;
  beforeAll(async () => {
    t = await openApi();
    await t.register("alice");
    clientId = await registerClient(t);
  });
  afterAll(() => t.close());

  const languageOf = async (accepted: string | undefined) => {
    const { headers, body } = await openBrowser(t, accepted).get(SIGN_IN);
    expect(body).toContain(`<html lang="${String(headers["content-language"])}">`);
    return headers["content-language"];
  };

  test("are in the language that the browser likes best", async () => {
    for (const accepted of ["de", "DE-at", "fr, de;q=0.8, en;q=0.5", "x;q=0.1,de-CH"]) {
      expect(await languageOf(accepted), accepted).toBe("de");
    }
    const others = [undefined, "", "fr", "en-GB, de;q=0.9", "de;q=0", "*", "de".repeat(5_000)];
    for (const accepted of others) expect(await languageOf(accepted), accepted).toBe("en");
  });

  /** English words that stand on a page by themselves. */
  function englishOn(page: string): string[] {
    const shown = page.replaceAll(/\s+/g, " ");
    return Object.entries(GERMAN)
      .filter(([english, german]) => english !== german && putIn(english).length === 0)
      .map(([english]) => english)
      .filter((english) =>
        new RegExp(`> ?${english.replaceAll(/[.?+*()]/g, "\\$&")} ?<`).test(shown),
      );
  }

  test("say nothing in English to whoever reads German", async () => {
    const stranger = openBrowser(t, "de");
    const wrong = await stranger.signIn("alice", "wrong");
    expect(wrong.body).toContain("Benutzername oder Passwort ist falsch.");
    const alice: TestBrowser = openBrowser(t, "de");
    await alice.signIn("alice", "pw");
    const actions = ["profile", "devices_list", "account_deactivate", "cross_signing_reset"];
    const pages = [
      wrong,
      await stranger.get("/_weft/account/register"),
      await stranger.get("/_weft/account/forgot"),
      await stranger.get("/_weft/mail/confirm?sid=a&token=b"),
      await alice.get(authorizePath(clientId)),
      await alice.get(authorizePath("nobody")),
      await alice.get("/_weft/oauth/link"),
      await alice.get("/_weft/oauth/link?user_code=ABCD-EFGH"),
      await alice.get(ACCOUNT),
      ...(await Promise.all(
        actions.map((action) => alice.get(`${ACCOUNT}?action=org.matrix.${action}`)),
      )),
    ];
    for (const { body, headers } of pages) {
      expect(headers["content-language"]).toBe("de");
      expect(englishOn(body), body).toEqual([]);
    }
    expect(englishOn((await openBrowser(t).get(SIGN_IN)).body)).toContain("Sign in");
  });

  test("show the same harmless names in every language", async () => {
    const browser = openBrowser(t, "de");
    const page = await browser.signIn('"><script>x</script>{0}{1}', "wrong");
    expect(page.body).not.toContain("<script");
    expect(page.body).toContain("&quot;&gt;&lt;script&gt;x&lt;/script&gt;{0}{1}");
  });
});
