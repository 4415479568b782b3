import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Network } from "./network.ts";
import { freePorts } from "../../support/ports.ts";
import { eventually, inTime } from "../../support/wait.ts";

/** A server in a process of its own, on loopback, with a data folder that outlives its kills. */
export interface WeftProcess {
  readonly serverName: string;
  /** Plain HTTP. */
  readonly baseUrl: string;
  /** The same APIs over TLS, on the listener for other servers. */
  readonly secureUrl: string;
  readonly pid: number | undefined;
  /** The last lines that it logged. */
  readonly logged: readonly string[];
  /** It ended without having been told to. */
  readonly hasDied: boolean;
  /** Starts it; resolves when it serves. */
  start(): Promise<void>;
  /** Ends it at once, without a chance to tidy up (SIGKILL). */
  kill(): Promise<void>;
  /** Ends it in order (SIGTERM). @returns its exit code */
  stop(): Promise<number | null>;
}

export interface WeftOptions {
  /** Of its data folder and certificate; unique in the network. */
  readonly name: string;
  /** The port in its server name, where other than that of its listener: a link lies between. */
  readonly namePort?: number;
  /** The port of its TLS listener. */
  readonly securePort?: number;
  /** The name, data folder and key of another replica. */
  readonly replicaOf?: { readonly name: string; readonly serverName: string };
  readonly settings?: Readonly<Record<string, string | undefined>>;
}

const MAIN = join(import.meta.dirname, "..", "..", "..", "src", "main.ts");
const PRELOAD = join(import.meta.dirname, "die-with-parent.ts");
const START_MS = 150_000;
const LINES_KEPT = 200;

/** Starts a server that federates over TLS with the others of the network. */
export async function startWeft(network: Network, options: WeftOptions): Promise<WeftProcess> {
  const weft = await prepareWeft(network, options);
  await weft.start();
  return weft;
}

async function prepareWeft(network: Network, options: WeftOptions): Promise<WeftProcess> {
  const [port, anyPort] = await freePorts(2);
  const securePort = options.securePort ?? anyPort!;
  const serverName = options.replicaOf?.serverName ?? `localhost:${options.namePort ?? securePort}`;
  const { cert, key } = await network.issue(options.name);
  const environment = {
    ...withoutSettings(process.env),
    WEFT_SERVER_NAME: serverName,
    WEFT_DATA_DIR: join(network.folder, options.replicaOf?.name ?? options.name),
    WEFT_LISTEN: `127.0.0.1:${port}`,
    WEFT_FEDERATION_LISTEN: `127.0.0.1:${securePort}`,
    WEFT_TLS_CERT: cert,
    WEFT_TLS_KEY: key,
    WEFT_FEDERATION_CA: network.caFile,
    WEFT_FEDERATION_ALLOW_PRIVATE: "true",
    WEFT_REGISTRATION: "open",
    WEFT_RATE_LIMITS: "off",
    WEFT_LOG_LEVEL: "warn",
    ...options.settings,
  };
  const baseUrl = `http://127.0.0.1:${port}`;
  const logged: string[] = [];
  let child: ChildProcess | undefined;

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const ending = child;
    child = undefined;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return null;
    const exit = once(ending, "exit");
    ending.kill(signal);
    const [code] = await inTime(`a server ends after ${signal}`, exit);
    return code as number | null;
  }

  return {
    serverName,
    baseUrl,
    secureUrl: `https://localhost:${securePort}`,
    get pid() {
      return child?.pid;
    },
    get hasDied() {
      return child !== undefined && (child.exitCode !== null || child.signalCode !== null);
    },
    logged,
    async start() {
      child = launch(environment, (line) => {
        logged.push(line);
        if (logged.length > LINES_KEPT) logged.shift();
        if (process.env["WEFT_PEERS_LOG"]) console.error(`${options.name}: ${line}`);
      });
      child.once("exit", (code, signal) => logged.push(`ended with ${code ?? signal}`));
      await healthy(child, baseUrl, logged);
      await checkName(baseUrl, serverName);
    },
    async kill() {
      await end("SIGKILL");
    },
    stop: () => end("SIGTERM"),
  };
}

/** The environment without what would configure a server. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = ["DATABASE_URL", "REDIS_URL", "NODE_OPTIONS", "VITEST"];
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) => !names.includes(name) && !name.startsWith("WEFT_"),
    ),
  );
}

function launch(environment: NodeJS.ProcessEnv, log: (line: string) => void): ChildProcess {
  const child = spawn(process.execPath, ["--import", PRELOAD, MAIN], {
    env: environment,
    stdio: ["pipe", "ignore", "pipe"],
  });
  createInterface({ input: child.stderr }).on("line", log);
  return child;
}

/** A port that was ours may have been taken while nobody listened there. */
async function checkName(baseUrl: string, serverName: string): Promise<void> {
  const answer = await fetch(`${baseUrl}/_matrix/key/v2/server`);
  const { server_name: found } = (await answer.json()) as { server_name: string };
  if (found !== serverName) throw new Error(`${found} answers at ${baseUrl}, not ${serverName}`);
}

async function healthy(
  child: ChildProcess,
  baseUrl: string,
  log: readonly string[],
): Promise<void> {
  const story = () => `a server starts (${child.exitCode}):\n${log.slice(-20).join("\n")}`;
  const isHealthy = async () => {
    if (child.exitCode !== null) throw new Error(story());
    return (await fetch(`${baseUrl}/_weft/health`).catch(() => undefined))?.status === 200;
  };
  try {
    await eventually(story, isHealthy, { within: START_MS, every: 50 });
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}
