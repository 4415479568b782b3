/** One-time keys of a database from before they had numbers. */
import { afterAll, expect, test } from "vitest";
import { migrate, readMigrations } from "../../src/storage/migrate.ts";
import {
  fallbackKeysOf,
  givenKeys,
  keyListsOf,
  knownOneTimeKeys,
} from "../../src/storage/users/one-time-keys.ts";
import { freshDatabase } from "../support/database.ts";

const database = await freshDatabase();
afterAll(() => database.close());

const OLD = `
  INSERT INTO one_time_keys (user_id, device_id, algorithm, key_id, digest, key) VALUES
    ('@a:here', 'A', 'one', 'K0', '\\x00', NULL), ('@a:here', 'A', 'two', 'K0', '\\x05', '"two"'),
    ('@a:here', 'A', 'one', 'K1', '\\x01', NULL), ('@a:here', 'A', 'one', 'K3', '\\x03', '"three"'),
    ('@a:here', 'A', 'one', 'K2', '\\x02', '"later"'), ('@b:here', 'B', 'one', 'K0', '\\x00', NULL);
  INSERT INTO fallback_keys (user_id, device_id, algorithm, key_id, key, used) VALUES
    ('@a:here', 'A', 'two', 'F', '"f"', false), ('@b:here', 'B', 'one', 'F', '"f"', true),
    ('@b:here', 'B', 'three', 'F', '"f"', false);
  INSERT INTO one_time_key_changes (user_id, device_id, position) VALUES ('@a:here', 'A', 7)`;

test("keep their order, what was given out, their counts and their fallback keys", async () => {
  const { sql } = database;
  const migrations = await readMigrations();
  await sql.unsafe("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
  await migrate(
    sql,
    migrations.filter(({ name }) => name < "0185"),
  );
  await sql.unsafe(OLD);
  await migrate(sql, migrations);
  const [a, b] = [
    { userId: "@a:here", deviceId: "A" },
    { userId: "@b:here", deviceId: "B" },
  ];
  expect(await keyListsOf(sql, a)).toEqual([
    { algorithm: "one", next: 3, last: 4, unusedFallback: false },
    { algorithm: "two", next: 1, last: 1, unusedFallback: true },
  ]);
  expect(await keyListsOf(sql, b)).toEqual([
    { algorithm: "one", next: 2, last: 1, unusedFallback: false },
    { algorithm: "three", next: 1, last: 0, unusedFallback: true },
  ]);
  const given = await givenKeys(sql, [
    { ...a, algorithm: "one", first: 3, count: 2 },
    { ...a, algorithm: "two", first: 1, count: 1 },
  ]);
  expect(given.map(({ n, id, text }) => [n, id, text])).toEqual([
    [0, "K3", '"three"'],
    [0, "K2", '"later"'],
    [1, "K0", '"two"'],
  ]);
  const known = await sql.begin((tx) =>
    knownOneTimeKeys(
      tx as never,
      a,
      ["K0", "K1", "K2"].map((id) => ({ algorithm: "one", id })),
    ),
  );
  expect(Object.fromEntries(known.map(({ id, text }) => [id, text]))).toEqual({
    ...{ K0: null, K1: null, K2: '"later"' },
  });
  expect((await fallbackKeysOf(sql, b)).map(({ algorithm }) => algorithm)).toEqual([
    "one",
    "three",
  ]);
  const positions = await sql`
    SELECT DISTINCT user_id, position FROM one_time_key_lists ORDER BY user_id`;
  expect(positions.map(({ user_id, position }) => [user_id, position])).toEqual([
    ["@a:here", 7],
    ["@b:here", 0],
  ]);
});
