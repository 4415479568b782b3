import { pino } from "pino";
import { expect, test } from "vitest";
import { createMetrics } from "../../../src/platform/metrics.ts";
import { createPduRejections } from "../../../src/rooms/receiving/pdu-rejections.ts";

test("a refusal has a log line that names room, event, origin and clause, and is counted", async () => {
  const lines: string[] = [];
  const metrics = createMetrics();
  const refusals = createPduRejections(
    pino({}, { write: (line) => void lines.push(line) }),
    metrics,
  );
  const refusal = { room: "!r:a", event: "$e", origin: "b.test", reason: "no power" };
  refusals.note({ ...refusal, clause: "5 state before", outcome: "rejected" });
  refusals.note({ ...refusal, clause: "5 state before", outcome: "rejected" });
  refusals.staged("kept", 3);
  expect(JSON.parse(lines[0]!)).toMatchObject({
    ...refusal,
    clause: "5 state before",
    msg: "an event was rejected",
  });
  const text = await metrics.text();
  expect(text).toContain(
    'weft_received_events_refused_total{outcome="rejected",clause="5 state before"} 2',
  );
  expect(text).toContain('weft_staged_events_total{outcome="kept"} 3');
});
