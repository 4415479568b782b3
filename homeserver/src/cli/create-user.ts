import type { Config } from "../config/load.ts";
import { createLog } from "../log/log.ts";
import { createMemoryWake } from "../log/wake.ts";
import { systemClock } from "../platform/clock.ts";
import { silentLogger } from "../platform/logger.ts";
import { systemRandom } from "../platform/random.ts";
import { connectWriter } from "../storage/append/append.ts";
import { migrate } from "../storage/migrate.ts";
import { shareDatabase } from "../storage/embedded/open-database.ts";
import { connect } from "../storage/sql.ts";
import { createUsers } from "../users/users.ts";
import { type NewUser, askControl } from "./control.ts";

/**
 * Creates an account through the server that is running on the data folder, or in its database when
 * none is.
 * @returns the user id
 * @throws Error whose message says why not
 */
export async function createUser(config: Config, user: NewUser): Promise<string> {
  return (
    (await askControl(config.dataDir, "createUser", user)) ?? (await createInDatabase(config, user))
  );
}

async function createInDatabase(config: Config, user: NewUser): Promise<string> {
  const { serverName } = config;
  const [clock, random, logger] = [systemClock, systemRandom, silentLogger()];
  const database = await shareDatabase(config);
  const sql = connect(database.location, { max: 2 });
  try {
    await migrate(sql);
    // Another server process may write to the same database: the log looks for its commits.
    const wake = createMemoryWake({ shared: true });
    const writer = connectWriter(database.location);
    const log = await createLog({ sql, writer, wake, clock, logger, serverName });
    const users = await createUsers({
      sql,
      log,
      clock,
      random,
      logger,
      serverName,
      registration: config.registration,
      identityServers: { bind: async () => ({}), unbind: async () => false },
      hooks: {
        profileChanged: async () => undefined,
        leaveAllRooms: async () => undefined,
        remoteProfile: async () => ({}),
        isReserved: () => false,
      },
    });
    try {
      const { username, password, isAdmin } = user;
      return await users.registration.create(username, password, { isAdmin });
    } finally {
      await users.stop();
      await log.stop();
    }
  } finally {
    await sql.end({ timeout: 5 });
    await database.close();
  }
}
