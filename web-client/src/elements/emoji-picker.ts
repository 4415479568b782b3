import { Picker } from "emoji-picker-element";
import dataSource from "emoji-picker-element-data/en/emojibase/data.json?url";

/** emoji-picker-element with its data from our own server, dressed in our colours. */
export function createPicker(onPick: (emoji: string) => void): Picker {
  const picker = new Picker({ dataSource, locale: "en" });
  const tokens: Record<string, string> = {
    "--background": "var(--raised)",
    "--border-color": "var(--line)",
    "--border-radius": "14px",
    "--button-hover-background": "var(--hover)",
    "--button-active-background": "var(--accent-soft)",
    "--category-font-color": "var(--muted)",
    "--indicator-color": "var(--accent)",
    "--input-border-color": "var(--line-strong)",
    "--input-font-color": "var(--text)",
    "--input-placeholder-color": "var(--muted)",
    "--outline-color": "var(--accent)",
    "--num-columns": innerWidth < 400 ? "7" : "8",
    "--emoji-size": "1.4rem",
  };
  for (const [name, value] of Object.entries(tokens)) picker.style.setProperty(name, value);
  picker.style.boxShadow = "var(--shadow)";
  picker.style.borderRadius = "14px";
  picker.style.maxWidth = "calc(100vw - 16px)";
  picker.style.height = "360px";
  picker.addEventListener("emoji-click", (event) => {
    if (event.detail.unicode !== undefined) onPick(event.detail.unicode);
  });
  return picker;
}
