import { type Connection, createConnection, requestText } from "../load/connection.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- answers of servers that are not ours to type
export type Answer = any;

interface Request {
  readonly method?: "GET" | "PUT" | "POST";
  /** Path with query, encoded. */
  readonly path: string;
  readonly body?: unknown;
  /** Access token. */
  readonly token?: string | undefined;
  /** Instead of a token: the whole header. */
  readonly authorization?: string | undefined;
}

/** Set-up and verification requests, over a few connections; what is measured uses connections of its own. */
export interface Api {
  readonly origin: URL;
  /** The JSON answer. @throws Error for any status but 200 */
  call(request: Request): Promise<Answer>;
  close(): void;
}

/** So many requests at once; more wait for a free connection. */
const WIDTH = 16;

export function createApi(origin: URL, ca?: string): Api {
  const idle: Connection[] = Array.from({ length: WIDTH }, () => createConnection(origin, { ca }));
  const every = [...idle];
  const queue: ((connection: Connection) => void)[] = [];

  async function acquire(): Promise<Connection> {
    return idle.pop() ?? (await new Promise((resolve) => queue.push(resolve)));
  }

  return {
    origin,
    async call(request) {
      const connection = await acquire();
      try {
        return await ask(connection, origin, request);
      } finally {
        const next = queue.shift();
        if (next) next(connection);
        else idle.push(connection);
      }
    },
    close() {
      for (const connection of every) connection.close();
    },
  };
}

async function ask(connection: Connection, origin: URL, request: Request): Promise<Answer> {
  const { method = "GET", path, token } = request;
  const authorization = token === undefined ? request.authorization : `Bearer ${token}`;
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const reply = await connection.exchange(
    requestText(origin, method, path, { authorization, body }),
  );
  const text = reply.body.toString();
  if (reply.status !== 200) {
    throw new Error(`${method} ${path.slice(0, 120)}: ${reply.status} ${text.slice(0, 300)}`);
  }
  return JSON.parse(text);
}
