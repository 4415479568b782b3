import { expect, test } from "vitest";
import { roomVersion } from "../../../src/protocol/room-versions.ts";
import type { Head } from "../../../src/rooms/commands/head.ts";
import { newEvent } from "../../../src/rooms/records/new-event.ts";
import { buildAppend } from "../../../src/rooms/commands/append-builder.ts";
import { CREATE, toldEvent } from "../../protocol/event-of-vector.ts";

test("an outlier that gets its place is awaited: a purge of history may have taken it meanwhile", () => {
  const version = roomVersion("10")!;
  const event = toldEvent(CREATE, version, "$create");
  const room = { nid: 1, roomId: event.roomId, version };
  const added = (nid: number, known: boolean) => ({
    ...{ stored: newEvent(1, nid, event), authNids: [], timeline: "live" as const },
    ...{ wasOutlier: known, stateChanged: false },
  });
  const append = buildAppend({
    ...{ room, before: {} as Head, after: undefined, nodes: [], changes: [], redactions: [] },
    ...{ dependencies: { dependsOn: [7] }, transaction: undefined, now: () => 0 },
    added: [added(5, true), added(6, false)],
  });
  expect(append.dependsOn).toEqual([7, 5]);
});
