import { unique } from "../../harness/client.ts";
import { eventually } from "../../harness/must.ts";
import { syncToken, syncUntil } from "../../harness/sync.ts";
import type { User } from "../../harness/users.ts";
import { ask } from "../ask.ts";
import { addDevice, newsOf, queryKeys } from "../keys.ts";
import type { Lane } from "../lane.ts";
import type { ApartRow } from "../row.ts";
import type { SideName } from "../servers.ts";
import { woken } from "./woken.ts";

/** Devices that come, and messages for devices, while the other server can't be reached. */
export const apartDevices: readonly ApartRow[] = [
  {
    name: "devices and their messages under a cut link",
    before: async (lane) => {
      await noteTokens(lane, [lane.alice, lane.bob]);
      // Each knows the other's devices before the link is cut.
      await queryKeys(lane.alice, lane.bob.userId);
      await queryKeys(lane.bob, lane.alice.userId);
    },
    async apart(lane) {
      await act(lane, lane.alice, lane.bob);
      await act(lane, lane.bob, lane.alice);
    },
    async after(lane) {
      await woken(lane);
      await arrived(lane, lane.alice, lane.bob);
      await arrived(lane, lane.bob, lane.alice);
    },
  },
  whenDown("weft"),
  whenDown("synapse"),
];

function whenDown(down: SideName): ApartRow {
  const sides = ({ creator, alice, bob }: Lane) =>
    creator === down ? ([bob, alice] as const) : ([alice, bob] as const);
  return {
    name: `devices and their messages when ${down} was down`,
    down,
    before: (lane) => noteTokens(lane, [sides(lane)[1]]),
    apart: (lane) => act(lane, ...sides(lane)),
    async after(lane) {
      await woken(lane);
      await arrived(lane, ...sides(lane));
    },
  };
}

const MESSAGES = 3;

async function noteTokens({ notes }: Lane, users: readonly User[]): Promise<void> {
  for (const user of users) notes.set(`since ${user.userId}`, await syncToken(user));
}

/** Adds a device, and sends messages to the other's. */
async function act({ notes }: Lane, here: User, gone: User): Promise<void> {
  const { user } = await addDevice(here);
  const mark = unique("apart");
  for (let number = 0; number < MESSAGES; number++)
    await ask(here, "PUT", ["v3", "sendToDevice", "org.example.apart", unique("txn")], {
      body: { messages: { [gone.userId]: { [gone.deviceId]: { mark, number } } } },
    });
  notes.set(`device ${here.userId}`, user.deviceId);
  notes.set(`mark ${gone.userId}`, mark);
}

async function arrived({ notes }: Lane, here: User, gone: User): Promise<void> {
  const mark = notes.get(`mark ${gone.userId}`)!;
  let left = Array.from({ length: MESSAGES }, (_, number) => number);
  let since = notes.get(`since ${gone.userId}`)!;
  while (left.length > 0) {
    const hasSome = (body: object) => (newsOf(body).to_device?.events ?? []).length > 0;
    const body = await syncUntil(gone, "messages from before", hasSome, { since });
    for (const { content } of newsOf(body).to_device!.events!) {
      if (content["mark"] !== mark) continue;
      if (content["number"] !== left[0])
        throw new Error(`message ${JSON.stringify(content)} came instead of ${left[0]}`);
      left = left.slice(1);
    }
    since = body.next_batch;
  }
  const deviceId = notes.get(`device ${here.userId}`)!;
  await eventually(
    "the device that came meanwhile",
    async () => deviceId in (await queryKeys(gone, here.userId)).devices,
    20_000,
  );
}
