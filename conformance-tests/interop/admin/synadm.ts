/** Every command of synadm that Synapse answers. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, must } from "../../harness/must.ts";
import { installFromPyPI, type Tell } from "../programs/install.ts";
import type { Scene } from "./scene.ts";

export const SYNADM_VERSION = "0.49.2";
const PATIENCE_MS = 60_000;

/** A command with what it needs, in the order in which they are run. */
interface Command {
  readonly name: string;
  readonly args: (scene: Scene) => readonly string[] | Promise<readonly string[]>;
  /** The error that Synapse answers, too. */
  readonly errcode?: string;
}

/** Answers what a command says, or why it fails. */
type RunCommand = (args: readonly string[]) => { readonly text: string; failed: boolean };

/** Undefined where PyPI has it not. */
export function installSynadm(tell: Tell, scene: Scene, folder: string): RunCommand | undefined {
  const bin = installFromPyPI(tell, "synadm", SYNADM_VERSION);
  if (bin === undefined) return undefined;
  mkdirSync(folder, { recursive: true });
  const config = join(folder, "synadm.json");
  const { subject, admin } = scene;
  // JSON is YAML.
  const settings = {
    ...{ user: admin.userId, token: admin.accessToken, base_url: subject.clientUrl },
    ...{ protocol: "http", admin_path: "/_synapse/admin", matrix_path: "/_matrix", timeout: 60 },
    ...{ server_discovery: "well-known", homeserver: subject.serverName, ssl_verify: true },
    format: "json",
  };
  writeFileSync(config, JSON.stringify(settings));
  return (args) => {
    const all = ["--config-file", config, "--batch", "--output", "json", ...args];
    const env = { ...process.env, HOME: folder, LC_ALL: "C.UTF-8" };
    const done = spawnSync(join(bin, "synadm"), all, {
      ...{ env, encoding: "utf8", timeout: PATIENCE_MS, input: "" },
    });
    return { text: `${done.stdout}${done.stderr}`.trim(), failed: done.status !== 0 };
  };
}

const NEW_PASSWORD = "a-new-password-1";
const on = (...args: string[]) => args;

/** All but `config`, which asks nothing, and `group`, which Synapse knows no more. */
const COMMANDS: readonly Command[] = [
  { name: "version", args: () => on("version") },
  { name: "raw", args: () => on("raw", "v1/server_version") },
  { name: "matrix raw", args: () => on("matrix", "raw", "client/versions") },
  {
    name: "matrix login",
    args: ({ user }) => on("matrix", "login", user.userId, "-p", user.password),
  },
  { name: "user list", args: () => on("user", "list", "--admins", "--sort-by", "name") },
  { name: "user search", args: () => on("user", "search", "some") },
  { name: "user details", args: ({ user }) => on("user", "details", user.userId) },
  { name: "user whois", args: ({ user }) => on("user", "whois", user.userId) },
  { name: "user membership", args: ({ user }) => on("user", "membership", user.userId) },
  {
    name: "user media",
    args: ({ user }) => on("user", "media", user.userId, "--sort", "media_id"),
  },
  { name: "user login", args: ({ user }) => on("user", "login", user.userId, "--expire-never") },
  {
    name: "user modify",
    args: ({ user }) => on("user", "modify", user.userId, "--display-name", "Somebody else"),
  },
  {
    name: "user password",
    args: async ({ newUser }) =>
      on("user", "password", (await newUser()).userId, "-p", NEW_PASSWORD, "--no-logout"),
  },
  {
    name: "user prune-devices",
    args: async ({ newUser }) =>
      on("user", "prune-devices", (await newUser()).userId, "--min-days", "0", "-s", "1"),
  },
  { name: "user 3pid", args: () => on("user", "3pid", "nobody@a.test"), errcode: "M_NOT_FOUND" },
  {
    name: "user auth-provider",
    args: () => on("user", "auth-provider", "nobody", "--provider", "oidc"),
    errcode: "M_NOT_FOUND",
  },
  {
    name: "user suspend",
    args: async ({ newUser }) => on("user", "suspend", (await newUser()).userId),
  },
  {
    name: "user suspend --unsuspend",
    args: ({ user }) => on("user", "suspend", "--unsuspend", user.userId),
  },
  {
    name: "user shadow-ban",
    args: async ({ newUser }) => on("user", "shadow-ban", (await newUser()).userId),
  },
  {
    name: "user shadow-ban --unban",
    args: ({ user }) => on("user", "shadow-ban", "--unban", user.userId),
  },
  {
    name: "user deactivate",
    args: async ({ newUser }) => on("user", "deactivate", (await newUser()).userId, "--gdpr-erase"),
  },
  {
    name: "user deactivate-regex",
    args: () => on("user", "deactivate-regex", "@nobody.*", "--dry-run"),
  },
  { name: "room list", args: () => on("room", "list", "--sort", "name", "--reverse") },
  { name: "room search", args: () => on("room", "search", "tools") },
  { name: "room details", args: ({ roomId }) => on("room", "details", roomId) },
  { name: "room members", args: ({ roomId }) => on("room", "members", roomId) },
  { name: "room state", args: ({ roomId }) => on("room", "state", roomId) },
  { name: "room power-levels", args: ({ roomId }) => on("room", "power-levels", "-i", roomId) },
  { name: "room resolve", args: ({ alias }) => on("room", "resolve", alias) },
  { name: "room resolve --reverse", args: ({ roomId }) => on("room", "resolve", "-r", roomId) },
  {
    name: "room join",
    args: async ({ newUser, roomId }) => on("room", "join", roomId, (await newUser()).userId),
  },
  {
    name: "room make-admin",
    args: ({ roomId, user }) => on("room", "make-admin", roomId, "-u", user.userId),
  },
  {
    name: "room block",
    args: async ({ newRoom }) => on("room", "block", await newRoom(), "--block"),
  },
  { name: "room block-status", args: ({ roomId }) => on("room", "block-status", roomId) },
  { name: "room purge-empty", args: () => on("room", "purge-empty", "--dry-run") },
  {
    name: "room delete",
    args: async ({ newRoom, admin }) =>
      on("room", "delete", await newRoom(), "-u", admin.userId, "-m", "closed", "--block"),
  },
  {
    name: "room delete --v1",
    args: async ({ newRoom }) => on("room", "delete", "--v1", await newRoom()),
  },
  { name: "media list -r", args: ({ roomId }) => on("media", "list", "-r", roomId) },
  { name: "media list -u", args: ({ user }) => on("media", "list", "-u", user.userId) },
  {
    name: "media quarantine -i",
    args: async ({ subject, upload }) =>
      on("media", "quarantine", "-s", subject.serverName, "-i", await upload()),
  },
  {
    name: "media quarantine -r",
    args: async ({ newRoom }) => on("media", "quarantine", "-r", await newRoom()),
  },
  {
    name: "media quarantine -u",
    args: async ({ newUser }) => on("media", "quarantine", "-u", (await newUser()).userId),
  },
  {
    name: "media unquarantine",
    args: ({ subject, mediaId }) =>
      on("media", "unquarantine", "-s", subject.serverName, "-i", mediaId),
  },
  { name: "media protect", args: async ({ upload }) => on("media", "protect", await upload()) },
  { name: "media purge", args: () => on("media", "purge", "-d", "30") },
  {
    name: "media delete -i",
    args: async ({ upload }) => on("media", "delete", "-i", await upload()),
  },
  {
    name: "media delete -d",
    args: () => on("media", "delete", "-d", "30"),
  },
  {
    name: "notice send",
    args: ({ user }) => on("notice", "send", user.userId, "Hello", "<b>Hello</b>"),
  },
  { name: "regtok new", args: () => on("regtok", "new", "-n", "of-synadm", "-u", "3") },
  { name: "regtok list", args: () => on("regtok", "list", "--valid") },
  { name: "regtok details", args: () => on("regtok", "details", "of-synadm") },
  { name: "regtok update", args: () => on("regtok", "update", "of-synadm", "-u", "5") },
  { name: "regtok delete", args: () => on("regtok", "delete", "of-synadm") },
];

/** Commands that ask for something in the background, and by which one looks after it. */
const LATER = [
  {
    name: "room delete-status",
    begin: async ({ newRoom }: Scene) => on("room", "delete", await newRoom()),
    key: "delete_id",
    look: (id: string) => on("room", "delete-status", "-d", id),
  },
  {
    name: "history purge",
    begin: async ({ roomId, eventId }: Scene) => on("history", "purge", roomId, "-i", eventId),
    key: "purge_id",
    look: (id: string) => on("history", "purge-status", id),
  },
  {
    name: "user redact",
    begin: async ({ newUser }: Scene) => on("user", "redact", (await newUser()).userId),
    key: "redact_id",
    look: (id: string) => on("user", "redact-status", id),
  },
] as const;

/** Runs them all; answers how many work, and why the others do not. */
export async function runSynadm(scene: Scene, run: RunCommand) {
  const wrong: string[] = [];
  let right = 0;
  const judge = async (name: string, work: () => Promise<void>) => {
    try {
      await work();
      right += 1;
    } catch (error) {
      wrong.push(`${name}: ${(error as Error).message.slice(0, 300)}`);
    }
  };
  for (const { name, args, errcode } of COMMANDS) {
    await judge(name, async () => {
      const { text, failed } = run(await args(scene));
      const said = /"errcode": ?"(\w+)"/.exec(text)?.[1];
      must(said === errcode, `${said ?? "no error"}: ${text}`);
      must(errcode !== undefined || (!failed && !/ERROR|Traceback/.test(text)), text);
    });
  }
  for (const { name, begin, key, look } of LATER) {
    await judge(name, async () => {
      const begun = run(await begin(scene));
      const id = new RegExp(`"${key}": ?"([^"]+)"`).exec(begun.text)?.[1];
      must(id !== undefined, begun.text);
      await eventually(`${name} is done`, async () => {
        const { text } = run(look(id));
        must(!/errcode|Traceback/.test(text), text);
        return /complete/.test(text);
      });
    });
  }
  return { right, wrong };
}
