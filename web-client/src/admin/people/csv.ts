import { msg, str } from "@lit/localize";
import { checkLocalpart } from "./acts.ts";

/** A user to be created, as a line of a list says. */
export interface Wanted {
  /** The line in the list, from 1 on. */
  readonly line: number;
  readonly localpart: string;
  readonly name: string;
  /** "" where one is to be made up. */
  readonly password: string;
  readonly email: string;
  readonly isAdmin: boolean;
  /** What is wrong with the line, in words. */
  readonly problem?: string;
}

/** Lines that one list may have. */
export const MAX_LINES = 2000;

const NAMES: Record<string, string> = {
  localpart: "localpart",
  username: "localpart",
  "user name": "localpart",
  user: "localpart",
  id: "localpart",
  benutzername: "localpart",
  name: "name",
  displayname: "name",
  "display name": "name",
  display_name: "name",
  anzeigename: "name",
  password: "password",
  passwort: "password",
  email: "email",
  "e-mail": "email",
  mail: "email",
  admin: "admin",
  administrator: "admin",
};
const ORDER = ["localpart", "name", "password", "email", "admin"];

/** The cells of each line (RFC 4180): in quotation marks a cell may hold separators, line ends and doubled marks. */
export function readCells(text: string): { line: number; cells: string[] }[] {
  const source = text.replace(/^\uFEFF/, "");
  const separator = separatorOf(source);
  const rows: { line: number; cells: string[] }[] = [];
  let [line, begun, quoted] = [1, 1, false];
  let cells: string[] = [];
  let cell = "";
  const end = (): void => {
    cells.push(cell);
    if (cells.some((one) => one.trim() !== "")) rows.push({ line: begun, cells });
    cells = [];
    cell = "";
  };
  for (let at = 0; at < source.length; at++) {
    const letter = source[at]!;
    if (letter === "\n") line++;
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (source[at + 1] === '"') {
        cell += '"';
        at++;
      } else quoted = false;
    } else if (letter === '"' && cell.trim() === "") {
      quoted = true;
      cell = "";
    } else if (letter === separator) {
      cells.push(cell);
      cell = "";
    } else if (letter === "\n") {
      end();
      begun = line;
    } else if (letter !== "\r") cell += letter;
  }
  end();
  return rows;
}

/** What stands most often in the first line. */
function separatorOf(text: string): string {
  const [first = ""] = text.split("\n", 1);
  const counts = [",", ";", "\t"].map((mark) => [mark, first.split(mark).length] as const);
  return counts.toSorted((a, b) => b[1] - a[1])[0]![0];
}

/** Whom a list wants, each with what is wrong with the line. A first line of names says what stands where. */
export function readWanted(text: string, server: string): Wanted[] {
  const rows = readCells(text);
  const first = rows[0]?.cells.map((cell) => NAMES[cell.trim().toLowerCase()]);
  const isHeading = first?.includes("localpart") === true;
  const order = isHeading ? first : ORDER;
  const seen = new Map<string, number>();
  return rows.slice(isHeading ? 1 : 0, MAX_LINES + (isHeading ? 1 : 0)).map(({ line, cells }) => {
    const at = (name: string): string => cells[order.indexOf(name)]?.trim() ?? "";
    const localpart = at("localpart")
      .replace(/^@/, "")
      .replace(new RegExp(`:${server.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`), "");
    const wanted = {
      line,
      localpart,
      name: at("name"),
      password: at("password"),
      email: at("email"),
      isAdmin: /^(1|yes|true|ja|x)$/i.test(at("admin")),
    };
    const problem = problemOf(wanted, cells.length > order.length, at("admin"), seen);
    return problem === undefined ? wanted : { ...wanted, problem };
  });
}

function problemOf(
  { line, localpart, password, email }: Wanted,
  isLong: boolean,
  admin: string,
  seen: Map<string, number>,
): string | undefined {
  if (localpart === "") return msg("The user name is missing.");
  const wrong = checkLocalpart(localpart);
  if (wrong !== undefined) return wrong;
  const before = seen.get(localpart);
  if (before !== undefined) return msg(str`The same name stands in line ${before}.`);
  seen.set(localpart, line);
  if (isLong)
    return msg("There are more cells than names above them. Put commas in quotation marks.");
  if (password.length > 512) return msg("The password is too long.");
  if (email !== "" && !/^[^\s@]+@[^\s@]+$/.test(email)) return msg("This is no e-mail address.");
  if (admin !== "" && !/^(0|1|yes|no|true|false|ja|nein|x)$/i.test(admin))
    return msg("“Administrator” is yes or no.");
  return undefined;
}
