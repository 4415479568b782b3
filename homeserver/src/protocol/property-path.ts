import { isJsonObject, type Json, type JsonObject } from "./json.ts";

/**
 * The names in a dot-separated property path; `\.` and `\\` stand for themselves, other escapes
 * stay as they are. (Appendices, "Dot-separated property paths".)
 */
export function parsePropertyPath(path: string): string[] {
  const names: string[] = [];
  let name = "";
  for (let at = 0; at < path.length; at++) {
    const unit = path[at] as string;
    const following = path[at + 1];
    if (unit === "\\" && (following === "." || following === "\\")) {
      name += following;
      at++;
    } else if (unit === ".") {
      names.push(name);
      name = "";
    } else {
      name += unit;
    }
  }
  names.push(name);
  return names;
}

/** The property that the names lead to; undefined when it is not there. */
export function propertyAt(object: JsonObject, names: readonly string[]): Json | undefined {
  let value: Json | undefined = object;
  for (const name of names) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

/** A copy with those properties alone (and the objects around them). */
export function pickProperties(
  object: JsonObject,
  paths: readonly (readonly string[])[],
): JsonObject {
  const picked: JsonObject = {};
  for (const names of paths) {
    const value = propertyAt(object, names);
    if (value !== undefined) place(picked, object, names, value);
  }
  return picked;
}

function place(into: JsonObject, from: JsonObject, names: readonly string[], value: Json): void {
  for (const name of names.slice(0, -1)) {
    from = from[name] as JsonObject;
    if (!Object.hasOwn(into, name)) define(into, name, {});
    into = into[name] as JsonObject;
    if (into === from) return; // an earlier path has taken the whole of it
  }
  define(into, names.at(-1) as string, value);
}

function define(object: JsonObject, name: string, value: Json): void {
  Object.defineProperty(object, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
