/** Bridges as others write them: one of its own, and a few lines each with three libraries. */
import { join } from "node:path";
import type { Subject } from "../../harness/subject.ts";
import { type Tell, installFromNpm, installFromPyPI } from "../programs/install.ts";
import { type Program, startProgram } from "../programs/program.ts";

export interface Bridge {
  readonly name: string;
  readonly id: string;
  readonly bot: string;
  /** Regular expression of its users. */
  readonly users: string;
  start(registration: string, port: number, subject: Subject, owner: string): Program;
  /** It has said so once it listens. */
  readonly ready: RegExp;
  /** Who answers, if not the bot. */
  readonly ghost?: string;
  /** A line to it, and what its answer holds. */
  readonly asks: (turn: number) => readonly [line: string, answer: string];
}

const HEISENBRIDGE = "1.15.4";
const MAUTRIX = "0.21.1";
const APPSERVICE_BRIDGE = "11.2.0";
const BOT_SDK = "0.8.0";
const HERE = import.meta.dirname;

/** Those that can be installed; says which cannot. */
export function findBridges(tell: Tell): Bridge[] {
  const found = [heisenbridge(tell), mautrix(tell), appserviceBridge(tell), botSdk(tell)];
  return found.filter((bridge) => bridge !== undefined);
}

function heisenbridge(tell: Tell): Bridge | undefined {
  const bin = installFromPyPI(tell, "heisenbridge", HEISENBRIDGE);
  if (bin === undefined) return undefined;
  return {
    ...{ name: `heisenbridge ${HEISENBRIDGE}`, id: "heisenbridge", bot: "heisenbridge" },
    users: "@irc_.*",
    ready: /bridge is now running/,
    asks: () => ["help", "following commands are supported"],
    start: (file, _port, { clientUrl }, owner) => {
      const args = ["-u", "-m", "heisenbridge", "-v", "-c", file, "-o", owner, clientUrl];
      return startProgram(join(bin, "python"), args, HERE);
    },
  };
}

function mautrix(tell: Tell): Bridge | undefined {
  const bin = installFromPyPI(tell, "mautrix", MAUTRIX);
  if (bin === undefined) return undefined;
  const program = join(HERE, "mautrix-program.py");
  return {
    ...GREETED,
    ...{ name: `mautrix-python ${MAUTRIX}`, id: "mautrix", bot: "_mautrix_bot" },
    ...{ users: "@_mautrix_.*", ghost: "_mautrix_ghost" },
    start: (file, port, { clientUrl, serverName }) =>
      startProgram(join(bin, "python"), [program, clientUrl, serverName, String(port), file], bin),
  };
}

function appserviceBridge(tell: Tell): Bridge | undefined {
  const library = installFromNpm(tell, "matrix-appservice-bridge", APPSERVICE_BRIDGE);
  if (library === undefined) return undefined;
  return {
    ...GREETED,
    ...{ name: `matrix-appservice-bridge ${APPSERVICE_BRIDGE}`, id: "bridge", bot: "_bridge_bot" },
    ...{ users: "@_bridge_.*", ghost: "_bridge_ghost" },
    start: onNode("appservice-bridge-program.cjs", library),
  };
}

function botSdk(tell: Tell): Bridge | undefined {
  const library = installFromNpm(tell, "matrix-bot-sdk", BOT_SDK);
  if (library === undefined) return undefined;
  return {
    ...GREETED,
    ...{ name: `matrix-bot-sdk ${BOT_SDK}`, id: "bot-sdk", bot: "_botsdk_bot" },
    ...{ users: "@_botsdk_.*", ghost: "_botsdk_ghost" },
    start: onNode("bot-sdk-program.cjs", library),
  };
}

/** Those of a few lines greet back. */
const GREETED: Pick<Bridge, "ready" | "asks"> = {
  ready: /ready/,
  asks: (turn) => [`hello ${turn}`, `hello to you ${turn}`],
};

function onNode(file: string, library: string): Bridge["start"] {
  const program = join(HERE, file);
  return (registration, port, { clientUrl, serverName }) => {
    const args = [program, library, clientUrl, serverName, String(port), registration];
    return startProgram(process.execPath, args, library);
  };
}
