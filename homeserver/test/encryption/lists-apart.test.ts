/** Lists of users with whom no room was shared for a while. */
import { expect, test } from "vitest";
import { crossSigning, deviceOf } from "./keys-of-others.ts";
import {
  ALICE,
  BOB,
  bobHas,
  join,
  known,
  leave,
  lists,
  on,
  passes,
  read,
  roomOf,
  told,
  untilLater,
  update,
} from "./one-server.ts";

const phone = deviceOf(BOB, "PHONE").object;
const tablet = deviceOf(BOB, "TABLET").object;

test("once no room was shared the list is not used again, and forgotten", async () => {
  const first = await roomOf(ALICE, BOB);
  bobHas(5, { PHONE: phone });
  await passes();
  await read();
  const second = await roomOf(ALICE);
  await passes();
  await join(second, BOB);
  expect(await known()).toMatchObject({ isShared: true, isFresh: true });
  await leave(first, BOB);
  expect(await known()).toMatchObject({ isShared: true, isFresh: false });
  await read();
  expect(await known()).toMatchObject({ isFresh: true });
  await leave(second, BOB);
  expect(await known()).toMatchObject({ isShared: false, isFresh: false });
  await untilLater(60_000, async () => (await known()).changes === undefined);
  expect(await on.sql`SELECT FROM remote_devices`).toHaveLength(0);
});

test("an update does not bring a list back that was not kept for a while", async () => {
  const first = await roomOf(ALICE, BOB);
  bobHas(5, { PHONE: phone });
  await read();
  await leave(first, BOB);
  await passes();
  await roomOf(ALICE, BOB);
  // It follows on the list, but keys for cross-signing may have been made meanwhile.
  const keys = crossSigning(BOB);
  bobHas(6, { PHONE: phone, TABLET: tablet }, { master_key: keys.master.object });
  await update(6, [5], "TABLET", { keys: tablet });
  expect([await known(), told.at(-1)]).toMatchObject([{ isFresh: false }, BOB]);
  await read();
  const list = (await lists.lists.load([BOB])).get(BOB)!;
  expect([await known(), list.masterKey]).toMatchObject([{ isFresh: true }, expect.any(String)]);
});
