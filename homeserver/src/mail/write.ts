/** Plain text and HTML of a mail. */
import { escapeMarkup } from "../protocol/text.ts";
import type { Block, Mail } from "./types.ts";

/** The text for programs that show no HTML, and for people who want none. */
export function plainText(blocks: readonly Block[]): string {
  return `${blocks.map(plainBlock).join("\n\n")}\n`;
}

function plainBlock(block: Block): string {
  if (typeof block === "string") return block;
  if ("heading" in block) return `${block.heading}\n${"-".repeat(block.heading.length)}`;
  if ("list" in block) {
    const lines = block.list.map(({ label, text }) =>
      label === undefined ? text : `${label}: ${text}`,
    );
    return lines.map((line) => `  ${line.replaceAll("\n", "\n  ")}`).join("\n");
  }
  return `${block.label}:\n${block.link}`;
}

/** The same as HTML, which loads nothing from anywhere. */
export function htmlText({ language, subject, blocks }: Omit<Mail, "to">): string {
  return `<!doctype html>
<html lang="${escapeMarkup(language)}"><head><meta charset="utf-8"><title>${escapeMarkup(subject)}</title></head>
<body style="margin:0;padding:24px;background:#f4f4f2;color:#1c1c1a;font:16px/1.5 system-ui,sans-serif">
<div style="max-width:560px;margin:0 auto;padding:24px 28px;background:#fff;border-radius:12px">
${blocks.map(htmlBlock).join("\n")}
</div></body></html>
`;
}

function htmlBlock(block: Block): string {
  if (typeof block === "string") return `<p style="margin:0 0 16px">${lines(block)}</p>`;
  if ("heading" in block) {
    return `<h2 style="margin:24px 0 8px;font-size:17px">${lines(block.heading)}</h2>`;
  }
  if ("list" in block) {
    const items = block.list.map(({ label, text }) => {
      const before = label === undefined ? "" : `<b>${lines(label)}</b><br>`;
      return `<div style="margin:0 0 10px;padding-left:12px;border-left:3px solid #dcdcd6">${before}${lines(text)}</div>`;
    });
    return items.join("\n");
  }
  const style = block.isSmall === true ? "color:#6b6b66;font-size:14px" : BUTTON;
  return `<p style="margin:0 0 16px"><a href="${escapeMarkup(block.link)}" style="${style}">${lines(block.label)}</a></p>`;
}

const BUTTON =
  "display:inline-block;padding:10px 18px;border-radius:8px;background:#1c5d4f;color:#fff;text-decoration:none";

const lines = (text: string) => escapeMarkup(text).replaceAll("\n", "<br>");
