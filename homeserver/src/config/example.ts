import { type SettingKey, environmentName, settings } from "./schema.ts";
import type { Setting } from "./setting.ts";

/**
 * A commented YAML file with every setting at its default, for `weft generate-config`.
 * @param given values to write uncommented, such as the server's name
 */
export function exampleConfig(given: Partial<Record<SettingKey, string>> = {}): string {
  const parts = ["# Weft's configuration. Each key is also an environment variable: it wins."];
  for (const [key, setting] of Object.entries(settings) as [SettingKey, Setting][]) {
    const value = given[key] ?? setting.default;
    const written = given[key] !== undefined;
    const text = setting.type === "array" ? yamlList(setting.default) : yamlScalar(value);
    parts.push(
      [
        ...wrap(`${setting.description} (${environmentName(key)})`),
        `${written ? "" : "# "}${key}:${text === "" ? "" : ` ${text}`}`,
      ].join("\n"),
    );
  }
  return `${parts.join("\n\n")}\n`;
}

function yamlList(value: Setting["default"]): string {
  return Array.isArray(value) ? JSON.stringify(value) : "[]";
}

function yamlScalar(value: Setting["default"]): string {
  if (value === undefined) return "";
  // Digits alone would be read as a number.
  const isPlain = typeof value !== "string" || /^(?!\d+$)[\w./-]+(:\d+)?$/.test(value);
  return isPlain ? String(value) : JSON.stringify(value);
}

function wrap(text: string): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1)!;
    if (last.length + word.length > 90) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines.map((line) => `# ${line}`);
}
