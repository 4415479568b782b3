/**
 * Prints these lines and nothing of the page, the first as a heading. What is printed stands in the page's own tree for that
 * moment only, since a window of its own would need an address.
 */
export function printSheet(lines: readonly string[]): void {
  const sheet = document.createElement("div");
  sheet.className = "print-sheet";
  const [first = "", ...rest] = lines;
  const heading = document.createElement("h1");
  heading.textContent = first;
  sheet.append(heading);
  for (const line of rest) {
    const paragraph = document.createElement("p");
    paragraph.textContent = line;
    sheet.append(paragraph);
  }
  document.body.append(sheet);
  // Returns when the person has printed or thought better of it; phones return at once and print a moment later.
  window.addEventListener("afterprint", () => sheet.remove(), { once: true });
  window.print();
}
