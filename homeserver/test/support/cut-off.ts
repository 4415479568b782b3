/** A way to PostgreSQL that can be cut off at the worst moment. */
import { rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { DatabaseLocation } from "../../src/storage/sql.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";

export interface CutOff {
  /** The same database, by way of this. */
  readonly location: DatabaseLocation;
  /** Ends every connection; who connects again is let through. */
  cut(): void;
  /**
   * The next commit, or what holds another mark, reaches the database, its answer nobody; who
   * connects again is refused for `ms`.
   */
  loseNextCommit(ms: number, mark?: string): void;
  close(): Promise<void>;
}

const SOCKET = ".s.PGSQL.5432";

export async function openCutOff(location: DatabaseLocation): Promise<CutOff> {
  const { socketFolder } = location;
  if (socketFolder === undefined) throw new Error("the database has no unix socket");
  const folder = makeTemporaryFolder("weft-cut-off-");
  const sockets = new Set<Socket>();
  let refusedFor: number | undefined;
  let mark = "commit";
  let server = await listen();

  function listen(): Promise<Server> {
    const listening = createServer(pass);
    return new Promise((resolve) =>
      listening.listen(join(folder, SOCKET), () => resolve(listening)),
    );
  }

  function pass(near: Socket): void {
    const far = connect(join(socketFolder!, SOCKET));
    let commits = false;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => [near, far].forEach((one) => one.destroy()));
    }
    near.on("data", (bytes) => {
      commits ||= refusedFor !== undefined && bytes.includes(mark);
      far.write(bytes);
    });
    far.on("data", (bytes) => (commits ? refuse() : near.write(bytes)));
  }

  function cut(): void {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  }

  function refuse(): void {
    const ms = refusedFor;
    refusedFor = undefined;
    server.close();
    cut();
    setTimeout(() => void listen().then((next) => (server = next)), ms);
  }

  return {
    location: { ...location, socketFolder: folder },
    loseNextCommit(ms, of = "commit") {
      refusedFor = ms;
      mark = of;
    },
    cut,
    async close() {
      server.close();
      cut();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
