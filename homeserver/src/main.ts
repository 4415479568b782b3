/** The server's process: configuration, listeners, signals, exit codes. */
import { takeSignals } from "./platform/held-signals.ts";
import "./platform/heap.ts";
import { parseArgs } from "node:util";
import { type App, createApp } from "./app.ts";
import { RegistrationError } from "./appservice/registration.ts";
import type { Config } from "./config/load.ts";
import { type LiveConfig, openConfig } from "./config/live.ts";
import { ConfigError, unknownVariables } from "./config/values.ts";
import { baseUrlOf } from "./config/listen.ts";
import { environmentName, type SettingKey } from "./config/schema.ts";
import { type Listeners, createListeners } from "./http/listeners.ts";
import { collectWhenIdle } from "./platform/idle-collection.ts";
import { type LogLevel, type Logger, createLogger } from "./platform/logger.ts";

/** Exit code for an invalid configuration. */
const EXIT_CONFIG = 2;
/**
 * Time from SIGTERM to exit; the limit is 10 s, and on a very busy machine the process needs two of
 * them to end.
 */
const LAST_MOMENT_MS = 8_000;

/**
 * Runs the server until a signal ends it. Never throws: failures become one line and an exit code.
 */
export async function runServer(file: string | undefined): Promise<void> {
  const stopping = new AbortController();
  let starting: Promise<App> | undefined;
  let tell = (_signal: string): void => undefined;
  let tellLate = (): void => undefined;
  onSignal(
    () => tellLate(),
    async (signal) => {
      stopping.abort(new Error("the server was told to stop"));
      tell(signal);
      // A running start ends by itself and closes what it has opened.
      const app = await starting?.catch(() => undefined);
      await app?.close();
      process.exit(0);
    },
  );
  let serving: App | undefined;
  onHangUp(() => serving?.reload());
  let live: LiveConfig;
  try {
    live = openConfig(file, process.env);
  } catch (error) {
    return fail(error);
  }
  const { config } = live;
  const logger = await createLogger({ level: config.logLevel as LogLevel });
  for (const name of unknownVariables(process.env)) {
    logger.warn(`${name} is no setting of Weft's; weft generate-config lists them`);
  }
  const listeners = createListeners(logger);
  tell = (signal) => logger.info({ signal }, "stopping");
  tellLate = () => {
    const seconds = LAST_MOMENT_MS / 1_000;
    logger.warn(
      `not everything could be closed within ${seconds} s, as when the database does not answer: it ends nevertheless, and nothing that was answered is lost`,
    );
  };
  void collectWhenIdle(stopping.signal);
  try {
    await listen(listeners, config);
    stopping.signal.throwIfAborted();
    starting = createApp(live, logger, listeners, undefined, stopping.signal);
    const app = await starting;
    serving = app;
    if (!stopping.signal.aborted) greet(config, app, logger);
  } catch (error) {
    listeners.cut();
    // The signal handler ends the process.
    if (stopping.signal.aborted) return;
    if (!isConfigError(error)) logger.fatal({ err: error }, "could not start");
    fail(error);
  }
}

/**
 * Calls `stop` at the first SIGTERM or SIGINT; a later one, or too long a time, of which `late`
 * tells, ends the process.
 */
function onSignal(late: () => void, stop: (signal: string) => Promise<void>): void {
  let at: number | undefined;
  takeSignals((signal) => {
    // Ctrl-C reaches every process of the terminal, and ours gets it once more from its parent.
    if (at !== undefined && Date.now() - at > 1000) process.exit(1);
    if (at !== undefined) return;
    at = Date.now();
    const end = () => {
      late();
      process.exit(0);
    };
    setTimeout(end, LAST_MOMENT_MS).unref();
    stop(signal).catch(() => process.exit(1));
  });
}

/**
 * SIGHUP has what may change read again, as services do. In a terminal it says that the terminal is
 * closed, and ends the server.
 */
function onHangUp(reload: () => void): void {
  process.on("SIGHUP", () => {
    if (process.stdin.isTTY) process.kill(process.pid, "SIGTERM");
    else reload();
  });
}

async function listen(listeners: Listeners, config: Config): Promise<void> {
  await opened("listen", config.listen, () => listeners.listen(config.listen));
  const { metricsListen } = config;
  if (metricsListen) {
    await opened("metrics_listen", metricsListen, () => listeners.listenForMetrics(metricsListen));
  }
  const { federationListen: secure, tlsCert: cert, tlsKey: key } = config;
  if (!secure || !cert || !key) return;
  await opened("federation_listen", secure, () => listeners.listenSecurely(secure, { cert, key }));
}

async function opened(
  key: SettingKey,
  { host, port }: { host: string; port: number },
  open: () => Promise<unknown>,
): Promise<void> {
  try {
    await open();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === "EADDRINUSE"
        ? "is in use by another program; stop that one, or write another port"
        : code === "EACCES"
          ? "may not be opened by this user; write a port above 1023"
          : `cannot be opened (${code ?? message}); write an address of this machine, and right TLS files`;
    throw new ConfigError(`${environmentName(key)}: "${host}:${port}" ${why}`);
  }
}

/** Prints the address and how to sign in: for people, on stdout. The log goes to stderr. */
function greet(config: Config, app: App, logger: Logger): void {
  const { publicBaseUrl: url, registration, serverName } = config;
  logger.info({ serverName, listen: baseUrlOf(config.listen) }, "serving");
  const lines = [`Weft serves ${serverName}: open ${url}`];
  if (app.registrationToken !== undefined) {
    const link = `${url}/#/register?registration_token=${app.registrationToken}`;
    lines.push(`  Make the first account, its administrator, here: ${link}`);
  } else if (registration === "open") {
    lines.push(`  Anybody may register: ${url}/#/register`);
  }
  lines.push(
    "  Further accounts: npx weft create-user --username NAME --password SECRET [--admin]",
  );
  console.log(lines.join("\n"));
}

function isConfigError(error: unknown): error is Error {
  return error instanceof ConfigError || error instanceof RegistrationError;
}

function fail(error: unknown): never {
  const isConfig = isConfigError(error);
  console.error(isConfig ? `weft: ${error.message}` : `weft: ${(error as Error).message}`);
  process.exit(isConfig ? EXIT_CONFIG : 1);
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { config: { type: "string" } }, strict: false });
  await runServer((values.config as string | undefined) ?? process.env["WEFT_CONFIG"]);
}
