import { expect, test } from "vitest";
import type { JsonObject } from "../../src/protocol/json.ts";
import { compareChildren, spaceChild } from "../../src/protocol/events/space-child.ts";
import { vectors } from "./vectors.ts";

interface Case {
  events: { state_key: string; origin_server_ts: number; content: JsonObject }[];
  children: string[];
}

test.each(vectors<Case>("spaces/order-of-children").cases)("$name", ({ events, children }) => {
  const named = events.flatMap(
    ({ state_key: stateKey, origin_server_ts: originServerTs, content }) =>
      spaceChild({ stateKey, originServerTs, content, sender: "@a:example.org" }) ?? [],
  );
  expect(named.toSorted(compareChildren).map(({ roomId }) => roomId)).toEqual(children);
  expect(
    named
      .toReversed()
      .toSorted(compareChildren)
      .map(({ roomId }) => roomId),
  ).toEqual(children);
});
