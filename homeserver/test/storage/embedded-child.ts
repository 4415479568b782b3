// A server process of a test: embedded PostgreSQL and a log, appending until it is killed. Writes the nid of
// every acknowledged event as a line.
import { migrate } from "../../src/storage/migrate.ts";
import { startEmbeddedPostgres } from "../../src/storage/embedded/postgres.ts";
import { connect } from "../../src/storage/sql.ts";
import { command, makeRoom, onlyEvent, openLog } from "../log/support.ts";

const postgres = await startEmbeddedPostgres({ dataDir: process.argv[2] as string });
const sql = connect(postgres.location, { max: 2 });
await migrate(sql);
const { log } = await openLog(postgres.location);
process.stdout.write(`ready ${postgres.pid}\n`);

process.once("SIGTERM", () => {
  void (async () => {
    await log.stop();
    await sql.end();
    await postgres.stop();
    process.exit(0);
  })();
});

await Promise.all(
  Array.from({ length: 8 }, async (_, writer) => {
    const room = await makeRoom(sql, `${process.pid}-${writer}`);
    for (;;) {
      const append = command(room);
      const nid = process.pid * 1_000_000 + (onlyEvent(append).nid % 1_000_000);
      append.events = [{ ...onlyEvent(append), nid }];
      const done = await log.append(append).then(
        () => true,
        () => false,
      );
      if (!done) return;
      process.stdout.write(`${nid}\n`);
    }
  }),
);
