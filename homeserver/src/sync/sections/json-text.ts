/**
 * Builds JSON objects from parts that are JSON text already; nothing is parsed or serialised twice.
 */
export class JsonText {
  #text = "";

  /** Adds a member whose value is JSON text. */
  member(key: string, json: string): this {
    this.#text += `${this.#text === "" ? "" : ","}${JSON.stringify(key)}:${json}`;
    return this;
  }

  /** Adds a member unless its text is undefined. */
  optional(key: string, json: string | undefined): this {
    return json === undefined ? this : this.member(key, json);
  }

  /** Adds the members of another object. */
  append(other: JsonText): this {
    return other.empty ? this : this.members(other.#text);
  }

  /** Adds members that are JSON text already, without braces. */
  members(text: string): this {
    this.#text += `${this.#text === "" ? "" : ","}${text}`;
    return this;
  }

  get empty(): boolean {
    return this.#text === "";
  }

  toString(): string {
    return `{${this.#text}}`;
  }
}

/** `{"events":[…]}`. */
export function eventsJson(events: readonly string[]): string {
  return `{"events":[${events.join(",")}]}`;
}
