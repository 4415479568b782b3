/** What `weft admin --help` prints. */
import { type Command, type Flag, kebab } from "./admin-commands.ts";

const COMMON = `Flags of every command:

  --server URL            address of the server, or WEFT_ADMIN_URL; else the one that runs on this machine
  --access-token TOKEN    an administrator's access token, or WEFT_ADMIN_TOKEN; else this machine's server gives one
                          for this command alone
  --as USER               the administrator as whom it gives one, where there are several
  --config FILE           the settings of the server on this machine`;

/** All commands, as the contract describes them. */
export function helpOnAll(commands: Iterable<Command>): string {
  const groups = Map.groupBy(commands, ({ group }) => group);
  const lists = [...groups].map(([group, some]) => {
    const width = Math.max(...some.map(({ name }) => name.length));
    const lines = some.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
    return `${group}\n\n${lines.join("\n")}`;
  });
  const usage = `Usage: weft admin COMMAND [NAME…] [--flag value…]
       weft admin COMMAND --help
       weft admin token [--minutes N] [--as USER]: print an access token of the server on this machine

Answers are JSON. Errors go to the standard error, with exit code 1, and 2 for what was typed wrongly.`;
  return [usage, COMMON, ...lists].join("\n\n");
}

/** One command. */
export function helpOn(command: Command): string {
  const { name, args, flags, summary, description, hasBody, method, path } = command;
  const words = args.map((arg) => kebab(arg.name).toUpperCase());
  const rows = [
    ...args.map((arg) => [kebab(arg.name).toUpperCase(), arg.description]),
    ...flags.map((flag) => [form(flag), describe(flag)]),
    ...(hasBody ? [["--body JSON", "The whole body; - reads it from the standard input."]] : []),
  ] as [string, string][];
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return [
    `Usage: ${["weft admin", name, ...words].join(" ")}${flags.length > 0 ? " [--flag value…]" : ""}`,
    `${summary}.${description === "" ? "" : ` ${description}`}`,
    `${method} ${path}`,
    ...(rows.length > 0
      ? [rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd()).join("\n")]
      : []),
    COMMON,
  ].join("\n\n");
}

function form({ name, kinds, values }: Flag): string {
  const flag = `--${kebab(name)}`;
  if (values !== undefined) return `${flag} ${values.map((one) => one || '""').join("|")}`;
  if (kinds.has("boolean")) return `${flag}, --no-${kebab(name)}`;
  if (kinds.has("integer")) return `${flag} N`;
  return `${flag} ${kinds.has("string") ? "TEXT" : "JSON"}`;
}

function describe({ description, isRequired, isList }: Flag): string {
  return [
    description.replaceAll("\n", " "),
    ...(isRequired ? ["Needed."] : []),
    ...(isList ? ["May be given more than once."] : []),
  ].join(" ");
}
