/** The folder of registration files. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ServerName } from "../protocol/identifiers.ts";
import { parseRegistration, type Registration, RegistrationError } from "./registration.ts";

/**
 * The registrations of a folder, by their files' names. Files whose names begin with a dot are
 * passed over; others that do not end in .yaml or .yml are wrong.
 * @throws RegistrationError, for the first that is wrong
 */
export function readRegistrations(folder: string, serverName: ServerName): readonly Registration[] {
  const all = namesIn(folder).map((file) => {
    if (!/\.ya?ml$/.test(file)) {
      throw new RegistrationError(`${file}: is no registration; its name ends in .yaml or .yml`);
    }
    return parseRegistration(file, textOf(folder, file), serverName);
  });
  refuseDoubles(all, "id", ({ id }) => id);
  refuseDoubles(all, "as_token", ({ asToken }) => asToken);
  refuseDoubles(all, "sender_localpart", ({ sender }) => sender);
  return all;
}

/** A text that changes when a file of the folder does, whether or not they are right. */
export function stampOf(folder: string): string {
  try {
    const stamps = namesIn(folder).map((name) => {
      const { mtimeMs, size, ino } = statSync(join(folder, name));
      return [name, mtimeMs, size, ino];
    });
    return JSON.stringify(stamps);
  } catch (error) {
    return String(error);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith("."))
      .toSorted();
  } catch (error) {
    throw unreadable(folder, error);
  }
}

function textOf(folder: string, file: string): string {
  try {
    return readFileSync(join(folder, file), "utf8");
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(what: string, error: unknown): RegistrationError {
  return new RegistrationError(`${what}: cannot be read (${(error as Error).message})`);
}

function refuseDoubles(
  all: readonly Registration[],
  key: string,
  valueOf: (registration: Registration) => string,
): void {
  const first = new Map<string, string>();
  for (const registration of all) {
    const value = valueOf(registration);
    const other = first.get(value);
    if (other !== undefined) {
      throw new RegistrationError(`${registration.file}: ${key}: is the one of ${other}, too`);
    }
    first.set(value, registration.file);
  }
}
