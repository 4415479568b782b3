import { describe, expect, it } from "vitest";
import { withoutNetwork } from "../docs.ts";
import { staleFiles } from "../generate.ts";
import { bundle } from "../tools/bundle.ts";
import { readSource, refTarget, type Node, type Source } from "../tools/source.ts";

describe("the generated files", () => {
  it("are what the sources give", async () => {
    expect(await staleFiles()).toEqual([]);
  });
});

const small = (operation: Node, types: [string, Node][] = []): Source => ({
  resources: [
    {
      api: "client-server",
      module: "m",
      file: "openapi/client-server/m.yaml",
      document: { info: { title: "M" }, paths: { "/a/{roomId}": { put: operation } } },
    },
  ],
  types: new Map([
    ["types/parameters.yaml", { roomId: { name: "roomId", in: "path", schema: {} } }],
    ["types/responses.yaml", {}],
    [
      "types/errors.yaml",
      { M_FORBIDDEN: { statuses: [403] }, M_INVALID_PARAM: { statuses: [400] } },
    ],
    ...types,
  ]),
  events: new Map(),
  edus: new Map(),
});
const operation = { operationId: "a", security: [], responses: {} };

describe("the bundle", () => {
  it("adds the parameters that stand in the path", () => {
    const paths = bundle(small(operation)).document["paths"] as Record<string, { put: Node }>;
    expect(paths["/a/{roomId}"]?.put["parameters"]).toEqual([
      { $ref: "#/components/parameters/roomId" },
    ]);
  });

  it("refuses a reference to nowhere", () => {
    const lost = { ...operation, requestBody: { $ref: "../../types/none.yaml#/None" } };
    expect(() => bundle(small(lost))).toThrow("points nowhere");
  });

  it("refuses an error code that is not listed, or not with that status", () => {
    expect(() => bundle(small({ ...operation, "x-errors": { 400: { M_NONE: "" } } }))).toThrow(
      "M_NONE",
    );
    expect(() => bundle(small({ ...operation, "x-errors": { 404: { M_FORBIDDEN: "" } } }))).toThrow(
      "404",
    );
  });

  it("refuses two types of one name", () => {
    const twice: [string, Node][] = [
      ["types/a.yaml", { Same: {} }],
      ["types/b.yaml", { Same: {} }],
    ];
    expect(() => bundle(small(operation, twice))).toThrow("a second type named Same");
  });

  it("points nowhere but into itself", () => {
    const text = JSON.stringify(bundle(readSource()).document);
    for (const match of text.matchAll(/"\$ref":"([^"]+)"/g))
      expect(match[1]).toMatch(/^#\/components\//);
  });

  it("resolves references against the file that holds them", () => {
    expect(refTarget("../../types/a.yaml#/B", "openapi/admin/c.yaml")).toEqual([
      "types/a.yaml",
      "B",
    ]);
    expect(refTarget("#/B", "types/a.yaml")).toEqual(["types/a.yaml", "B"]);
  });
});

describe("the reference site", () => {
  it("may fetch nothing", () => {
    const page = withoutNetwork(
      '<html><head><link href="https://fonts.googleapis.com/x" rel="s"></head><img src="https://cdn.redoc.ly/l.svg"></html>',
    );
    expect(page).not.toContain("https://");
    expect(page).toContain("default-src 'none'");
  });
});
