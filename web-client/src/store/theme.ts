import { atom } from "nanostores";

export type Theme = "system" | "light" | "dark";

const KEY = "weft.theme";

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}

export const $theme = atom<Theme>(typeof localStorage === "undefined" ? "system" : stored());

/** Chooses a theme for this browser; "system" follows the person's own setting. */
export function setTheme(theme: Theme): void {
  localStorage.setItem(KEY, theme);
  $theme.set(theme);
}

/** Writes the theme on the page, where the tokens read it. */
export function applyTheme(): () => void {
  return $theme.subscribe((theme) => {
    document.documentElement.dataset["theme"] = theme;
  });
}
