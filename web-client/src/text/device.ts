import { msg, str } from "@lit/localize";

function find(source: string, names: readonly (readonly [RegExp, string])[]): string | undefined {
  return names.find(([pattern]) => pattern.test(source))?.[1];
}

/** What this device is called in the list of sessions: "Weft in Firefox on Linux". */
export function deviceName(userAgent: string = navigator.userAgent): string {
  const browser = find(userAgent, [
    [/Edg\//, "Edge"],
    [/Firefox\//, "Firefox"],
    [/Chrom(e|ium)\//, "Chromium"],
    [/Safari\//, "Safari"],
  ]);
  const system = find(userAgent, [
    [/Android/, "Android"],
    [/iPhone|iPad/, "iOS"],
    [/Windows/, "Windows"],
    [/Mac OS X/, "macOS"],
    [/Linux/, "Linux"],
  ]);
  return msg(str`Weft in ${browser ?? msg("a browser")} on ${system ?? msg("a device")}`);
}
