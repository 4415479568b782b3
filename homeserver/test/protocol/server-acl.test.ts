import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/protocol/json.ts";
import { aclRuleOf } from "../../src/protocol/server-acl.ts";
import { vectors } from "./vectors.ts";

interface Story {
  readonly name: string;
  readonly content: JsonObject;
  readonly allows: readonly string[];
  readonly refuses: readonly string[];
}

describe("a server's place in an access control list", () => {
  it.each(vectors<Story>("server-acl/stories").cases)("$name", ({ content, allows, refuses }) => {
    const rule = aclRuleOf(content);
    expect(allows.filter((server) => !rule(server))).toEqual([]);
    expect(refuses.filter((server) => rule(server))).toEqual([]);
  });
});
