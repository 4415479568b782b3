import { afterAll, expect, test } from "vitest";
import { MigrationError, migrate, readMigrations } from "../../src/storage/migrate.ts";
import type { Migration } from "../../src/storage/migrate.ts";
import { freshDatabase } from "../support/database.ts";

const database = await freshDatabase();
afterAll(() => database.close());

const extra = (name: string, text: string): Migration => ({ name, text, checksum: text });

test("a migrated database needs nothing more", async () => {
  expect(await migrate(database.sql)).toEqual([]);
});

test("a new migration is applied once, by one of two replicas that start together", async () => {
  const migrations = [
    ...(await readMigrations()),
    extra("9000-cats", "CREATE TABLE cats (name text); INSERT INTO cats VALUES ('Tom')"),
  ];
  const other = database.connect();
  const applied = await Promise.all([
    migrate(database.sql, migrations),
    migrate(other, migrations),
  ]);
  expect(applied.flat()).toEqual(["9000-cats"]);
  expect(await database.sql`SELECT name FROM cats`).toHaveLength(1);
});

test("a migration that fails leaves nothing behind", async () => {
  const migrations = [
    ...(await readMigrations()),
    extra("9000-cats", "CREATE TABLE cats (name text); INSERT INTO cats VALUES ('Tom')"),
    extra("9001-dogs", "CREATE TABLE dogs (name text)"),
    extra("9002-broken", "CREATE TABEL"),
  ];
  await expect(migrate(database.sql, migrations)).rejects.toThrow(/9002-broken failed/);
  expect(await database.sql`SELECT to_regclass('dogs') AS found`).toEqual([{ found: null }]);
});

test("a changed migration and a newer database are refused in words", async () => {
  const migrations = await readMigrations();
  const changed = [...migrations, extra("9000-cats", "CREATE TABLE cats ()")];
  await expect(migrate(database.sql, changed)).rejects.toThrow(/9000-cats has changed/);
  await expect(migrate(database.sql, migrations)).rejects.toThrow(MigrationError);
  await expect(migrate(database.sql, migrations)).rejects.toThrow(/newer version/);
});

test("numbers, arrays and bytes go in and come out unchanged", async () => {
  const texts = [
    "plain",
    'with "quotes"',
    "back\\slash",
    "comma, {brace}",
    "",
    "NULL",
    "null",
    "nulls",
    "@a-b_c.d:e/f+g=",
    "ünï",
  ];
  const [row] = await database.sql`
    SELECT ${9007199254740991}::bigint AS int, ${[1, -2, 3]}::bigint[] AS ints,
      ${texts}::text[] AS texts, ${Buffer.from([0, 255])}::bytea AS bytes, '{}'::text[] AS none`;
  expect(row).toEqual({
    int: 9007199254740991,
    ints: [1, -2, 3],
    texts,
    bytes: Buffer.from([0, 255]),
    none: [],
  });
});
