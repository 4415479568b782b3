/** One setting, in the words of JSON Schema. `x-mend` says how to correct a bad value. */
export interface Setting {
  readonly type: "string" | "boolean" | "integer" | "array";
  readonly description: string;
  readonly default?: string | boolean | number | readonly string[];
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: { readonly type: "string"; readonly pattern?: string };
  /** What to write instead, for the one-line error about a bad value. */
  readonly "x-mend": string;
  /** A further environment variable that is read when WEFT_… is unset. */
  readonly "x-also-env"?: string;
  /**
   * Whether a new value is in force once the settings are read again (SIGHUP, or weft reload); any
   * other takes effect at the next start.
   */
  readonly "x-live"?: true;
}
