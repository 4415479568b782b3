import { atom, type WritableAtom } from "nanostores";
import { readSetting, writeSetting } from "./settings.ts";

export type Theme = "system" | "light" | "dark";
export type Contrast = "system" | "more";
export type Density = "roomy" | "compact";

/** A choice of this browser's, the first of some unless another was made. */
function choice<Value extends string>(key: string, values: readonly [Value, ...Value[]]) {
  const kept = readSetting(key);
  const $value = atom<Value>(values.find((value) => value === kept) ?? values[0]);
  const choose = (value: Value): void => {
    writeSetting(key, value);
    $value.set(value);
  };
  return [$value as WritableAtom<Value>, choose] as const;
}

/** "system" follows the person's own setting. */
export const [$theme, setTheme] = choice<Theme>("weft.theme", ["system", "light", "dark"]);
export const [$contrast, setContrast] = choice<Contrast>("weft.contrast", ["system", "more"]);
export const [$density, setDensity] = choice<Density>("weft.density", ["roomy", "compact"]);

/** Writes the choices on the page, where the tokens read them; answers the function that ends it. */
export function applyTheme(): () => void {
  const marks = document.documentElement.dataset;
  const wantsMore = matchMedia("(prefers-contrast: more)");
  const showContrast = (): void => {
    marks["contrast"] = $contrast.get() === "more" || wantsMore.matches ? "more" : "normal";
  };
  wantsMore.addEventListener("change", showContrast);
  const stops = [
    $theme.subscribe((theme) => void (marks["theme"] = theme)),
    $density.subscribe((density) => void (marks["density"] = density)),
    $contrast.subscribe(showContrast),
    () => wantsMore.removeEventListener("change", showContrast),
  ];
  return () => stops.forEach((stop) => stop());
}
