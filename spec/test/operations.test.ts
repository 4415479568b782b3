import { describe, expect, it } from "vitest";
import { operations, type OperationRow } from "../generated/operations.ts";
import { operationSchemas } from "../generated/schemas.ts";
import { coverage, readProtocol } from "../tools/coverage.ts";
import { isNode, readSource, walk, type Node } from "../tools/source.ts";

const rows = Object.entries(operations) as [string, OperationRow][];
const source = readSource();

/** Every operation as the sources have it. */
const described = source.resources.flatMap(({ file, document }) =>
  Object.entries(document["paths"] as Node).flatMap(([path, item]) =>
    Object.values(item as Node).map((node) => ({ file, path, node: node as Node })),
  ),
);

describe("the table of operations", () => {
  it("holds each operation of the sources once", () => {
    const ids = described.map(({ node }) => node["operationId"] as string);
    expect(new Set(ids).size).toBe(ids.length);
    expect(rows.map(([id]) => id).toSorted()).toEqual(ids.toSorted());
  });

  it("has no two operations on one method and path, aliases included", () => {
    const seen = new Map<string, string>();
    for (const [id, row] of rows) {
      for (const path of [row.path, ...row.aliases]) {
        const key = `${row.method} ${path.replaceAll(/\{\w+\}/g, "{}")}`;
        expect(seen.get(key), `${key} belongs to ${id} and another`).toBeUndefined();
        seen.set(key, id);
      }
    }
  });

  it("comes from files whose names are words with hyphens between them", () => {
    const names = new Set(rows.map(([, row]) => row.module));
    for (const name of names) expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  it.each(rows)("%s has a well-formed path", (_id, row) => {
    for (const path of [row.path, ...row.aliases]) {
      expect(path).toMatch(/^(\/([\w.-]+|\{\w+\}))+\/?$/);
      const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it.each(rows)("%s declares exactly the parameters of its path", (id, row) => {
    const names = [...row.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    const schema = operationSchemas[id as keyof typeof operations].params;
    expect(Object.keys(schema["properties"] as object)).toEqual(names);
  });

  it("says for every operation who may call it", () => {
    for (const { file, node } of described) {
      expect(node["security"], `${file}: ${String(node["operationId"])}`).toBeInstanceOf(Array);
    }
  });

  it("asks other servers for their signature and nobody for two things", () => {
    for (const [id, row] of rows) {
      if (row.api === "client-server") expect(row.auth, id).not.toBe("server-signature");
      if (row.api === "server-server") expect(["none", "server-signature"], id).toContain(row.auth);
    }
  });

  it("sends a JSON body with no GET", () => {
    for (const [id, row] of rows) if (row.method === "GET") expect(row.body, id).toBe("none");
  });

  it("names the proposal of what is not in the protocol, and serves that below /unstable/", () => {
    for (const [id, row] of rows) {
      const isUnstable = row.path.startsWith("/_matrix/client/unstable/");
      expect(row.proposal, id).toEqual(isUnstable ? expect.stringMatching(/^MSC\d+$/) : null);
    }
  });

  it("has words for every operation, parameter and answer", () => {
    for (const { file, node } of described) {
      expect(node["summary"], file).toMatch(/^[A-Z].*[^.]$/);
      walk(node, (each) => {
        if (each["in"] !== undefined)
          expect(each["description"], `${file} ${String(each["name"])}`).toBeTruthy();
      });
      for (const response of Object.values(node["responses"] as Node)) {
        expect(isNode(response) && ("$ref" in response || "description" in response)).toBe(true);
      }
    }
  });
});

describe("the coverage of the protocol", () => {
  it("knows the protocol's 212 operations", () => {
    expect(readProtocol()).toHaveLength(212);
  });

  it("finds every client and federation operation of ours among them", () => {
    const found = new Set(
      coverage(readProtocol(), operations, undefined).map((row) => row.operationId),
    );
    for (const [id, row] of rows) {
      const isOfTheProtocol = row.api !== "admin" && row.api !== "oauth" && row.proposal === null;
      if (isOfTheProtocol) expect(found, id).toContain(id);
    }
  });

  it("tells an operation that nobody handles from one that is served", () => {
    const result = coverage(
      [
        { method: "GET", path: "/a" },
        { method: "GET", path: "/b" },
        { method: "GET", path: "/b" },
        { method: "GET", path: "/c" },
      ],
      { a: { method: "GET", path: "/a" }, b: { method: "GET", path: "/b" } },
      new Set(["b"]),
    );
    expect(result.map((row) => row.state)).toEqual(["described", "served", "not yet", "not yet"]);
  });
});
