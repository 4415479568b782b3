/** Registration files: what is read from them, and what is wrong with them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readRegistrations } from "../../src/appservice/folder.ts";
import { parseRegistration } from "../../src/appservice/registration.ts";
import { openServices } from "../../src/appservice/services.ts";
import type { Logger } from "../../src/platform/logger.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import type { RoomAlias, ServerName, UserId } from "../../src/protocol/identifiers.ts";
import { registrationText } from "./support.ts";

const HERE = "here.test" as ServerName;
const parsed = (text: string) => parseRegistration("bridge.yaml", text, HERE);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-appservices-"));
});
afterEach(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

test("a registration as bridges write it is understood", () => {
  const service = parsed(`
id: "IRC Bridge"
url: "http://127.0.0.1:1234/"
as_token: "secret-as"
hs_token: "secret-hs"
sender_localpart: _irc_bot
rate_limited: false
protocols: [irc]
de.sorunome.msc2409.push_ephemeral: true
receive_ephemeral: true
org.matrix.msc3202: true
io.element.msc4190: true
namespaces:
  users:
    - { exclusive: true, regex: "@_irc_.*:here\\\\.test" }
  aliases:
    - { exclusive: false, regex: '#_irc_[[:alnum:]]+' }
  rooms: null
`);
  expect(service).toMatchObject({
    id: "IRC Bridge",
    url: "http://127.0.0.1:1234",
    sender: "@_irc_bot:here.test",
    isRateLimited: false,
    protocols: ["irc"],
    wantsDevices: true,
    ephemeralKeys: ["ephemeral", "de.sorunome.msc2409.ephemeral"],
  });
  expect(service.users.hasExclusively("@_irc_bob:here.test")).toBe(true);
  expect(service.users.has("@xx@_irc_bob:here.test")).toBe(false);
  expect(service.aliases.has("#_irc_weft:here.test")).toBe(true);
  expect(service.aliases.hasExclusively("#_irc_weft:here.test")).toBe(false);
  expect(service.aliases.has("#_irc_-:here.test")).toBe(false);
  expect(service.rooms.has("!a:here.test")).toBe(false);
});

test("a service without an address is told nothing", () => {
  expect(parsed(registrationText({ url: null })).url).toBe(undefined);
  expect(parsed(registrationText({ url: "" })).url).toBe(undefined);
});

test("an expression that would take ages takes no time", () => {
  const users = [{ exclusive: true, regex: "@(a+)+$" }];
  const { users: list } = parsed(registrationText({ users }));
  const began = performance.now();
  expect(list.has(`@${"a".repeat(230)}!:here.test`)).toBe(false);
  expect(performance.now() - began).toBeLessThan(5_000);
});

describe("a registration is refused with its file and key", () => {
  test.each([
    [{ id: undefined }, "id: is missing"],
    [{ url: "ftp://there" }, "url: write an http"],
    [{ url: "http://there/?a=b" }, "url: write an http"],
    [{ as_token: "two words" }, "as_token: must match"],
    [{ hs_token: 5 }, "hs_token: must be string"],
    [{ sender_localpart: "a:b" }, "sender_localpart: @"],
    [{ rate_limited: "no" }, "rate_limited: must be boolean"],
    [{ namespacs: {} }, "namespacs: is no key"],
    [{ namespaces: { user: [] } }, "namespaces.user: is no key"],
    [{ users: [{ regex: "@a" }] }, "namespaces.users.0.exclusive: is missing"],
    [{ users: [{ regex: "@(a", exclusive: true }] }, 'namespaces.users[0].regex: "@(a"'],
    [{ aliases: [{ regex: "a(?!b)", exclusive: true }] }, "namespaces.aliases[0].regex"],
    [{ users: [{ regex: "@a", exclusive: true, group_id: "+a" }] }, "group_id: is no key"],
    [{ protocols: "irc" }, "protocols: must be array"],
  ])("%j", (change, problem) => {
    expect(() => parsed(registrationText(change))).toThrow(`bridge.yaml: ${problem}`.slice(0, 12));
    expect(() => parsed(registrationText(change))).toThrow(problem);
  });

  test.each([
    ["a: [", "is no YAML"],
    ["- list", "must be object"],
    ["", "must be object"],
    ["id: a\nid: b", "is no YAML"],
  ])("%j", (text, problem) => {
    expect(() => parsed(text)).toThrow(problem);
  });
});

describe("the folder", () => {
  test("holds registrations only, but for hidden files", () => {
    write("a.yaml", registrationText({ id: "a" }));
    write(".keep", "");
    expect(readRegistrations(folder, HERE).map(({ id }) => id)).toEqual(["a"]);
    write("notes.txt", "");
    expect(() => readRegistrations(folder, HERE)).toThrow("notes.txt: is no registration");
  });

  test.each(["id", "as_token", "sender_localpart"])("lets no two services have one %s", (key) => {
    const other = { id: "b", as_token: "other", sender_localpart: "other" };
    write("a.yaml", registrationText({ id: "a", as_token: "one", sender_localpart: "one" }));
    const same = { id: "a", as_token: "one", sender_localpart: "one" }[key];
    write("b.yml", registrationText({ ...other, [key]: same }));
    expect(() => readRegistrations(folder, HERE)).toThrow(`b.yml: ${key}: is the one of a.yaml`);
  });
});

describe("a reload", () => {
  function open(watchMs = 3_600_000) {
    const lines: [string, object][] = [];
    const log = (report: object, text: string) => void lines.push([text, report]);
    const logger = { ...silentLogger(), info: log, error: log } as unknown as Logger;
    return { services: openServices({ folder, serverName: HERE, logger, watchMs }), lines };
  }

  test("says what changed, and keeps what did not", () => {
    write("a.yaml", registrationText({ id: "a", as_token: "a", sender_localpart: "a" }));
    write("b.yaml", registrationText({ id: "b", as_token: "b", sender_localpart: "b" }));
    const { services, lines } = open();
    const told: unknown[] = [];
    services.onChange(({ added, changed, removed }) =>
      told.push([added, changed, removed].map((list) => list.map(({ id }) => id))),
    );
    const before = services.byId("a");
    write("b.yaml", registrationText({ id: "b", as_token: "b2", sender_localpart: "b" }));
    write("c.yaml", registrationText({ id: "c", as_token: "c", sender_localpart: "c" }));
    services.reload();
    const report = { added: ["c"], changed: ["b"], removed: [] };
    expect(lines).toEqual([["application services changed", report]]);
    expect(told).toEqual([[["c"], ["b"], []]]);
    expect(services.byToken("b")).toBe(undefined);
    expect(services.byToken("b2")?.id).toBe("b");
    expect(services.byId("a")).toBe(before);
    rmSync(join(folder, "a.yaml"));
    services.reload();
    expect(told[1]).toEqual([[], [], ["a"]]);
    services.reload();
    expect(lines.at(-1)?.[0]).toBe("application services are unchanged");
    services.stop();
  });

  test("with a fault keeps everything, and says what it is", () => {
    write("a.yaml", registrationText({ id: "a", as_token: "a" }));
    const { services, lines } = open();
    write("b.yaml", "id: b\n");
    services.reload();
    expect(services.all.map(({ id }) => id)).toEqual(["a"]);
    expect(services.byToken("a")?.id).toBe("a");
    expect(lines).toEqual([
      [
        "application services stay as they were",
        { problem: "b.yaml: url: is missing; url may be null, a list []" },
      ],
    ]);
    services.stop();
  });

  test("comes by itself when a file changes", async () => {
    write("a.yaml", registrationText({ id: "a", as_token: "a" }));
    const { services } = open(5);
    const changed = new Promise((resolve) => services.onChange(resolve));
    write("a.yaml", registrationText({ id: "a", as_token: "another" }));
    await changed;
    expect(services.byToken("another")?.id).toBe("a");
    services.stop();
  });
});

test("what a service has to itself is reserved, and its sender, too", () => {
  const users = [{ regex: "@_irc_.*", exclusive: true }];
  const shared = [{ regex: "@shared.*", exclusive: false }];
  const aliases = [{ regex: "#_irc_.*", exclusive: true }];
  write(
    "a.yaml",
    registrationText({ id: "a", as_token: "a", sender_localpart: "bot", users, aliases }),
  );
  write(
    "b.yaml",
    registrationText({ id: "b", as_token: "b", sender_localpart: "b", users: shared }),
  );
  const services = openServices({ folder, serverName: HERE, logger: silentLogger() });
  const user = (name: string) => `@${name}:here.test` as UserId;
  const a = services.byId("a")!;
  expect(services.reservesUser(user("_irc_x"))).toBe(true);
  expect(services.reservesUser(user("_irc_x"), "b")).toBe(true);
  expect(services.reservesUser(user("_irc_x"), "a")).toBe(false);
  expect(services.reservesUser(user("bot"))).toBe(true);
  expect(services.reservesUser(user("shared1"))).toBe(false);
  expect(services.reservesAlias("#_irc_x:here.test" as RoomAlias)).toBe(true);
  expect(services.reservesAlias("#x:here.test" as RoomAlias)).toBe(false);
  expect(services.controls(a, user("bot"))).toBe(true);
  expect(services.controls(a, user("_irc_x"))).toBe(true);
  expect(services.controls(a, "@_irc_x:there.test" as UserId)).toBe(false);
  expect(services.controls(a, user("shared1"))).toBe(false);
  services.stop();
});
