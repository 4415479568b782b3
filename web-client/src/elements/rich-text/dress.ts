import { msg, str } from "@lit/localize";
import { attempt, toast } from "../../store/toasts.ts";
import { sanitiseCode, sanitiseMaths } from "../../text/sanitise.ts";
import { typeset } from "../../text/typeset.ts";

/** Parts of one message that are coloured and set, at most. */
const MAX_CODE = 20;
const MAX_MATHS = 100;

/** Gives a message's HTML what HTML alone does not: colours, hidden words, code with a copy button, formulas, wide tables. */
export function dress(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLElement>("[data-mx-color], [data-mx-bg-color]")) {
    element.style.color = element.dataset["mxColor"] ?? "";
    element.style.backgroundColor = element.dataset["mxBgColor"] ?? "";
  }
  for (const spoiler of root.querySelectorAll<HTMLElement>("[data-mx-spoiler]")) hide(spoiler);
  for (const table of root.querySelectorAll("table")) wrap(table, "wide", msg("Table"));
  [...root.querySelectorAll("pre")].forEach((pre, at) => dressCode(pre, at < MAX_CODE));
  const formulas = [...root.querySelectorAll<HTMLElement>("[data-mx-maths]")];
  for (const formula of formulas.slice(0, MAX_MATHS)) void setFormula(formula);
}

/** Hides words until they are asked for; what cannot be seen cannot be heard either. */
function hide(spoiler: HTMLElement): void {
  if (spoiler.querySelector(".hidden-words") !== null || spoiler.closest(".hidden-words")) return;
  const words = document.createElement("span");
  words.className = "hidden-words";
  words.append(...spoiler.childNodes);
  const reason = spoiler.dataset["mxSpoiler"]?.slice(0, 100) ?? "";
  spoiler.append(words);
  spoiler.tabIndex = 0;
  spoiler.role = "button";
  spoiler.ariaLabel =
    reason === "" ? msg("Spoiler. Show it") : msg(str`Spoiler: ${reason}. Show it`);
  spoiler.title = reason;
}

/** Shows what was hidden. The keyboard stays where it is. */
export function reveal(spoiler: HTMLElement): void {
  spoiler.classList.add("shown");
  spoiler.tabIndex = -1;
  spoiler.role = null;
  spoiler.ariaLabel = null;
}

/** Puts what may be wider than the window in a box that scrolls, by the keyboard too. */
function wrap(element: HTMLElement, name: string, label: string): HTMLElement {
  const box = document.createElement("div");
  box.className = name;
  box.tabIndex = 0;
  box.role = "region";
  box.ariaLabel = label;
  element.replaceWith(box);
  box.append(element);
  return box;
}

function dressCode(pre: HTMLElement, inColour: boolean): void {
  const box = document.createElement("div");
  box.className = "code";
  pre.replaceWith(box);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = msg("Copy");
  button.addEventListener("click", () => {
    void attempt(async () => {
      await navigator.clipboard.writeText(pre.textContent ?? "");
      toast(msg("Code copied."));
    });
  });
  box.append(pre, button);
  const code = pre.querySelector("code");
  const language = /\blanguage-([\w+-]+)/.exec(code?.className ?? "")?.[1];
  pre.tabIndex = 0;
  pre.role = "region";
  pre.ariaLabel = language === undefined ? msg("Code") : msg(str`Code: ${language}`);
  if (inColour && code !== null && language !== undefined) void colour(code, language);
}

async function colour(code: HTMLElement, language: string): Promise<void> {
  const text = code.textContent ?? "";
  const html = await typeset({ kind: "code", text, language: language.toLowerCase() });
  if (html !== undefined && code.isConnected) code.innerHTML = sanitiseCode(html);
}

async function setFormula(formula: HTMLElement): Promise<void> {
  const text = formula.dataset["mxMaths"] ?? "";
  if (text.trim() === "") return;
  if (formula.tagName === "DIV") formula.tabIndex = 0;
  const html = await typeset({ kind: "maths", text, display: formula.tagName === "DIV" });
  if (html === undefined || !formula.isConnected) return;
  formula.innerHTML = sanitiseMaths(html);
  formula.title = text;
}
