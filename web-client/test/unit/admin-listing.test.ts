import { expect, test } from "vitest";
import { byPlace, ofWhole, PAGE, queryOf, wishOf } from "../../src/admin/parts/listing.ts";

const listing = {
  order: "name",
  filters: [
    {
      name: "status",
      label: "",
      options: [
        ["open", ""],
        ["closed", ""],
      ] as const,
    },
  ],
};

test("what is wished for stands in the address, and comes back from it", () => {
  const wish = {
    from: "50",
    limit: PAGE,
    order: "last_seen_ts",
    dir: "b" as const,
    search: "ann",
    filters: { status: "closed" },
  };
  const query = queryOf(listing, wish);
  expect(query).toEqual({
    search: "ann",
    status: "closed",
    order: "last_seen_ts",
    dir: "b",
    from: "50",
  });
  expect(wishOf(listing, query)).toEqual(wish);
  expect(queryOf(listing, wishOf(listing, {}))).toEqual({});
});

test("an address that somebody made up asks for nothing odd", () => {
  const wish = wishOf(listing, { status: "<b>", dir: "sideways", from: "" });
  expect(wish).toMatchObject({ from: undefined, dir: "f", filters: { status: "open" } });
});

test("pages end where the list does", () => {
  const wish = wishOf(listing, { from: "50" });
  const rows = Array.from({ length: 50 }, (_, at) => at);
  expect(byPlace(wish, rows, 10_000).next).toBe("100");
  expect(byPlace(wish, rows, 100).next).toBeUndefined();
  expect(byPlace(wish, [], 10_000).next).toBeUndefined();
  const whole = Array.from({ length: 70 }, (_, at) => at);
  expect(ofWhole(wish, whole)).toEqual({ rows: whole.slice(50), total: 70, next: undefined });
});
