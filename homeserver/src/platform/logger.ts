import { pino } from "pino";
import type { DestinationStream, Logger as PinoLogger } from "pino";

/** Structured log lines: `logger.warn({err, roomId}, "…")`; `logger.child({part: "sender"})`. */
export type Logger = PinoLogger;

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Fields whose values never reach the log. */
const SECRET = [
  "password",
  "access_token",
  "accessToken",
  "refresh_token",
  "refreshToken",
  "authorization",
  "headers.authorization",
  "headers.cookie",
];

export interface LoggerOptions {
  level: LogLevel;
  /** Lines for people, with colours, in place of JSON (default: when stderr is a terminal). */
  pretty?: boolean;
}

/** A logger to stderr: JSON lines, pretty on a terminal. */
export async function createLogger(options: LoggerOptions): Promise<Logger> {
  const pretty = options.pretty ?? process.stderr.isTTY;
  const settings = {
    level: options.level,
    redact: { paths: SECRET.flatMap((path) => [path, `*.${path}`]), censor: "[hidden]" },
    base: null,
  };
  if (!pretty) return pino(settings, pino.destination({ dest: 2, sync: true }));
  const { default: prettyStream } = await import("pino-pretty");
  const stream = prettyStream({ destination: 2, colorize: true, translateTime: "SYS:HH:MM:ss.l" });
  return pino(settings, stream as DestinationStream);
}

/** A logger that says nothing. */
export function silentLogger(): Logger {
  return pino({ level: "silent" });
}
