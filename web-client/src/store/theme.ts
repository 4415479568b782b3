import { atom } from "nanostores";
import { readSetting, writeSetting } from "./settings.ts";

export type Theme = "system" | "light" | "dark";

const KEY = "weft.theme";

function stored(): Theme {
  const value = readSetting(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

export const $theme = atom<Theme>(stored());

/** Chooses a theme for this browser; "system" follows the person's own setting. */
export function setTheme(theme: Theme): void {
  writeSetting(KEY, theme);
  $theme.set(theme);
}

/** Writes the theme on the page, where the tokens read it. */
export function applyTheme(): () => void {
  return $theme.subscribe((theme) => {
    document.documentElement.dataset["theme"] = theme;
  });
}
