/** Every operation says who may call it and what it may cost, in words that are known. */
import { describe, expect, it } from "vitest";
import { guardProblems } from "../tools/guards.ts";
import { readSource, type Node, type Source } from "../tools/source.ts";

/** What is wrong with one operation. */
function problemsOf(operation: Node, path = "/a/{roomId}"): string[] {
  const document = { paths: { [path]: { put: { operationId: "a", ...operation } } } };
  const resource = { api: "client-server", module: "m", file: "m.yaml", document } as const;
  const source: Source = {
    resources: [resource],
    types: new Map([["types/rate-classes.yaml", { other: { by: "user" } }]]),
    events: new Map(),
    edus: new Map(),
  };
  return guardProblems(source);
}

const json = { content: { "application/json": {} } };
const forUsers: Node = {
  security: [{ accessToken: [] }],
  "x-rate-class": "other",
  "x-closed-to": "locked",
  "x-body-limit": 65536,
  "x-body-reading": "strict",
  requestBody: json,
};
const {
  requestBody: _body,
  "x-body-limit": _limit,
  "x-body-reading": _reading,
  ...plain
} = forUsers;
const { "x-closed-to": _closed, ...open } = plain;
const forServers: Node = { ...open, security: [{ serverSignature: [] }], "x-acl": "{roomId}" };

function without(operation: Node, name: string): Node {
  return Object.fromEntries(Object.entries(operation).filter(([key]) => key !== name));
}

describe("the guards of an operation", () => {
  it("stand at every operation of ours", () => {
    expect(guardProblems(readSource())).toEqual([]);
  });

  it("may be these", () => {
    for (const operation of [forUsers, forServers, plain])
      expect(problemsOf(operation)).toEqual([]);
    expect(problemsOf({ ...forServers, "x-acl": "none" }, "/a")).toEqual([]);
    expect(problemsOf({ ...forServers, "x-acl": "in-handler" }, "/a")).toEqual([]);
  });

  it.each([
    [forUsers, "security"],
    [forUsers, "x-rate-class"],
    [forUsers, "x-closed-to"],
    [forUsers, "x-body-limit"],
    [forUsers, "x-body-reading"],
    [forServers, "x-acl"],
  ])("may not be left out (%#: %s)", (operation, name) => {
    expect(problemsOf(without(operation, name)).join()).toContain(name);
  });

  it.each([
    ["a user of no known kind", { ...plain, security: [{ nobody: [] }] }, "security"],
    ["two kinds at once", { ...plain, security: [{ administrator: [] }, {}] }, "security"],
    ["a class that is named nowhere", { ...plain, "x-rate-class": "others" }, "x-rate-class"],
    ["another parameter's room", { ...forServers, "x-acl": "{eventId}" }, "x-acl"],
    ["no access list for a room in the path", { ...forServers, "x-acl": "none" }, "x-acl"],
    ["a handler's look at a room in the path", { ...forServers, "x-acl": "in-handler" }, "x-acl"],
    ["an access list for users", { ...plain, "x-acl": "{roomId}" }, "x-acl"],
    ["no length", { ...forUsers, "x-body-limit": "long" }, "x-body-limit"],
    ["a length of nothing", { ...plain, "x-body-limit": 1 }, "x-body-limit"],
    ["a reading of another name", { ...forUsers, "x-body-reading": "loose" }, "x-body-reading"],
    ["a reading of nothing", { ...plain, "x-body-reading": "strict" }, "x-body-reading"],
    ["a member that nobody reads", { ...plain, "x-rate-limited": true }, "x-rate-limited"],
  ])("may not be %s", (_name, operation, member) => {
    expect(problemsOf(operation).join()).toContain(member);
  });

  it("use every class of rates", () => {
    expect(problemsOf({ ...plain, "x-rate-class": "none" }).join()).toContain("class other");
  });
});
