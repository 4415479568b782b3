/** What other servers say to a server goes through here, and may be lost on its way. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, request as send, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { loadSigningKey } from "../../../src/config/signing-key.ts";
import { xMatrixHeader } from "../../../src/federation-client/requests/signed-request.ts";
import { systemRandom } from "../../../src/platform/random.ts";
import { parseServerName, type ServerName } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { freePorts } from "../../support/ports.ts";
import { startServer, type TestServer } from "../../support/server.ts";

/**
 * What becomes of requests from one server to another: they do not arrive; transactions
 * arrive, and their answers are lost; or updates of devices are taken out of transactions, as by a peer that forgets
 * them.
 */
export type Fault = "cut" | "deaf" | "forgets";

export interface Wires {
  readonly servers: readonly TestServer[];
  /** From now on this becomes of what `from` sends to `to`. */
  breaks(from: TestServer, to: TestServer, fault: Fault): void;
  /** Nothing is lost any more. Returns the pairs between which something was. */
  mend(): (readonly [from: TestServer, to: TestServer])[];
  /** Nothing that a server sends arrives until the promise resolves: it is being killed. */
  silence(server: TestServer, dying: Promise<void>): Promise<void>;
  /** Users of whom an update was lost since the last call, and whether one was of cross-signing. */
  lost(): { readonly users: ReadonlySet<string>; readonly ofSigning: boolean };
  close(): Promise<void>;
}

const UPDATES: ReadonlySet<unknown> = new Set(["m.device_list_update", "m.signing_key_update"]);

/** Starts so many servers that can be killed, each behind a wire. */
export async function startWired(count: number): Promise<Wires> {
  const ports = await freePorts(count);
  const servers = await Promise.all(
    ports.map((port) =>
      startServer({ serverName: parseServerName(`localhost:${port}`) }, { mortal: true }),
    ),
  );
  const faults = new Map<string, Fault>();
  const dying = new Set<string>();
  let lost = { users: new Set<string>(), ofSigning: false };
  const named = (name: string) => servers.find((server) => server.name === name)!;

  const wires = servers.map((to) => {
    const agent = new Agent({ keepAlive: true });
    const sockets = new Set<Duplex>();
    const listener = createServer(
      { cert: readFileSync(to.config.tlsCert!), key: readFileSync(to.config.tlsKey!) },
      (request, response) => void pass(request, response).catch(() => request.socket.destroy()),
    );
    listener.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });

    async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const from = originOf(request);
      const fault = faults.get(`${from} ${to.name}`);
      if (fault === "cut" || isDying(from)) return void request.socket.destroy();
      const body = await buffer(request);
      const passed = fault === "forgets" ? without(request, body) : { headers: {}, body };
      const { method, url: path, headers } = request;
      const onward = send(`${to.baseUrl}${path}`, {
        ...{ method, agent, headers: { ...headers, ...passed.headers } },
      });
      onward.end(passed.body);
      const [answer] = (await once(onward, "response")) as [IncomingMessage];
      const text = await buffer(answer);
      const isLost = fault === "deaf" && isTransaction(request);
      if (isLost || isDying(from)) return void request.socket.destroy();
      response.writeHead(answer.statusCode!, answer.headers).end(text);
    }

    /** A transaction as a server sends it that forgot the updates of devices. */
    function without(request: IncomingMessage, body: Buffer) {
      if (!isTransaction(request)) return { headers: {}, body };
      const { method, url: uri } = request;
      const content = JSON.parse(body.toString()) as JsonObject & { edus?: Edu[] };
      for (const { edu_type, content: told } of content.edus ?? []) {
        if (!UPDATES.has(edu_type)) continue;
        lost.users.add(told.user_id);
        lost.ofSigning ||= edu_type === "m.signing_key_update";
      }
      content.edus = content.edus?.filter(({ edu_type }) => !UPDATES.has(edu_type)) ?? [];
      const from = named(content["origin"] as string);
      const text = JSON.stringify(content);
      const asked = { method: method!, uri: uri!, origin: from.name, destination: to.name };
      const authorization = xMatrixHeader(
        { ...asked, content } as Parameters<typeof xMatrixHeader>[0],
        loadSigningKey(from.config.dataDir, systemRandom),
      );
      const length = String(Buffer.byteLength(text));
      return { headers: { authorization, "content-length": length }, body: text };
    }

    return { listener, sockets, agent };
  });

  const isDying = (from: string | undefined) => from !== undefined && dying.has(from);
  await Promise.all(
    wires.map(({ listener }, index) =>
      once(listener.listen(ports[index], "127.0.0.1"), "listening"),
    ),
  );

  return {
    servers,
    breaks: (from, to, fault) => void faults.set(`${from.name} ${to.name}`, fault),
    mend() {
      const pairs = [...faults.keys()].map((pair) => pair.split(" ").map(named));
      faults.clear();
      return pairs as [TestServer, TestServer][];
    },
    async silence({ name }, until) {
      dying.add(name);
      await until;
      dying.delete(name);
    },
    lost() {
      const all = lost;
      lost = { users: new Set(), ofSigning: false };
      return all;
    },
    async close() {
      await Promise.all(servers.map((server) => server.close()));
      for (const { listener, sockets, agent } of wires) {
        agent.destroy();
        for (const socket of sockets) socket.destroy();
        await once(listener.close(), "close");
      }
    },
  };
}

const isTransaction = ({ url }: IncomingMessage) =>
  url?.startsWith("/_matrix/federation/v1/send/") === true;

interface Edu {
  readonly edu_type: string;
  readonly content: { readonly user_id: string };
}

/** The server that signed a request; undefined: none did. */
function originOf({ headers }: IncomingMessage): ServerName | undefined {
  return /origin="([^"]+)"/.exec(headers.authorization ?? "")?.[1] as ServerName | undefined;
}
