/** Of several updates of a device that go out together the newest is sent. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { OutboundEdu, OutboundItem } from "../../src/sender/outbound-item.ts";
import { withoutSuperseded } from "../../src/sender/superseded.ts";

interface Change {
  readonly user: number;
  readonly device: number;
}

function update({ user, device }: Change, id: number, before: number[]): OutboundEdu {
  const content = {
    user_id: `@${user}:a`,
    device_id: `D${device}`,
    stream_id: id,
    prev_id: before,
  };
  return { edu_type: "m.device_list_update", content };
}

/** The updates of changes at positions 1, 2, …, each by itself; some come with a message. */
function itemsOf(changes: readonly Change[]): OutboundItem[] {
  const last = new Map<number, number>();
  return changes.map((change, at) => {
    const position = at + 1;
    const before = last.get(change.user);
    last.set(change.user, position);
    const edu = update(change, position, before === undefined ? [] : [before]);
    const message = { edu_type: "m.direct_to_device", content: `{"n":${position}}` };
    return { position, edus: position % 3 === 0 ? [message, edu] : [edu] };
  });
}

const change = fc.record({ user: fc.nat(1), device: fc.nat(2) });

test("whoever follows the links misses nothing, wherever transactions are cut, and gets each device once in each", () => {
  const batches = fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 8 });
  fc.assert(
    fc.property(batches, (cut) => {
      const items = itemsOf(cut.flat());
      const newest = new Map<unknown, unknown>();
      const devices = new Map<string, unknown>();
      let messages = 0;
      for (const { length } of cut) {
        const sent = withoutSuperseded(items.splice(0, length)).flatMap(({ edus }) => edus);
        const seen = new Set<string>();
        for (const { content } of sent) {
          if (typeof content === "string") {
            messages += 1;
            continue;
          }
          const { user_id: user, device_id: device, stream_id: id, prev_id: before } = content;
          const key = `${user as string} ${device as string}`;
          expect(before).toEqual(newest.has(user) ? [newest.get(user)] : []);
          expect(seen.has(key)).toBe(false);
          seen.add(key);
          newest.set(user, id);
          devices.set(key, id);
        }
      }
      const truth = new Map(
        cut.flat().map((one, at) => [`@${one.user}:a D${one.device}`, at + 1] as const),
      );
      expect(devices).toEqual(truth);
      expect(messages).toBe(Math.floor(cut.flat().length / 3));
    }),
  );
});

test("an update that comes twice, by a change and by an introduction, stays one, and what follows names it", () => {
  const first = update({ user: 0, device: 0 }, 5, [4]);
  const items: OutboundItem[] = [
    { position: 5, edus: [first] },
    { position: 6, edus: [{ ...first }] },
    { position: 7, edus: [update({ user: 0, device: 1 }, 7, [5])] },
  ];
  expect(withoutSuperseded(items).flatMap(({ edus }) => edus)).toEqual([
    first,
    update({ user: 0, device: 1 }, 7, [5]),
  ]);
});
