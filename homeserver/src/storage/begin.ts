import { setImmediate as turn } from "node:timers/promises";
import type postgres from "postgres";

type Sql = postgres.Sql<Record<string, never>>;
type Tx = postgres.TransactionSql<Record<string, never>>;
type Work = (tx: Tx) => unknown;

/**
 * The client's `begin`, for transactions that end with their connection. When the connection is
 * lost the library rejects, but the work continues, and its queries, and a commit or rollback after
 * them, are still sent: to a closed socket, which ends the process, or on a connection that
 * somebody else uses by then, outside of any transaction or in another's.
 */
export function beginSafely(client: Sql): Sql["begin"] {
  const begin = client.begin.bind(client) as (options: string, work: Work) => Promise<unknown>;

  async function run(first: string | Work, second?: Work): Promise<unknown> {
    const [options, work] = typeof first === "string" ? [first, second!] : ["", first];
    let isOver = false;
    const whileOpen = async (tx: Tx): Promise<unknown> => {
      try {
        return await work(untilOver(tx, () => isOver));
      } catch (error) {
        // A query that fails with its connection rejects before `begin` does.
        await turn();
        throw error;
      }
    };
    try {
      return await begin(options, (tx) => {
        // Without an end after the connection's, so that the library does nothing more.
        return new Promise((resolve, reject) => {
          whileOpen(tx).then(
            (value) => !isOver && resolve(value),
            (error: unknown) => !isOver && reject(error as Error),
          );
        });
      });
    } finally {
      isOver = true;
    }
  }

  return run as Sql["begin"];
}

/** The transaction's handle, which makes no query once it is over. */
function untilOver(tx: Tx, isOver: () => boolean): Tx {
  const check = (): void => {
    if (isOver()) {
      const lost = new Error("the connection of the transaction was lost");
      throw Object.assign(lost, { code: "CONNECTION_CLOSED" });
    }
  };
  return new Proxy(tx, {
    apply(target, self, args) {
      check();
      return Reflect.apply<unknown, unknown[], unknown>(target as never, self, args);
    },
    get(target, key) {
      check();
      return Reflect.get(target, key) as unknown;
    },
  });
}
