import { expect, test } from "vitest";
import { NOT_APPLICABLE, PASS, differs } from "./row.ts";
import { Table } from "./table.ts";

test("a cell that differed in one step still differs after a later step passed", () => {
  const table = new Table();
  table.set("fork", "v10 weft", differs("topic"));
  table.set("fork", "v10 weft", PASS);
  expect(table.differences()).toEqual(["fork, v10 weft: topic"]);
});

test("the table has a line for each feature and a sign for each creator", () => {
  const table = new Table();
  table.set("join", "v1 weft", PASS);
  table.set("join", "v1 synapse", differs("no"));
  table.set("knock", "v1 weft", NOT_APPLICABLE);
  expect(table.print(["join", "knock"], ["1"], ["weft", "synapse"]).split("\n")).toEqual([
    "| feature | v1  |",
    "| ------- | --- |",
    "| join    | +✗  |",
    "| knock   | ·?  |",
  ]);
  expect(table.counts()).toEqual({ pass: 1, differs: 1, "not applicable": 1 });
});
