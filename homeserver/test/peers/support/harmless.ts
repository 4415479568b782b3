/** What a page shows of strangers, looked over from within. As text: it runs there. */

/** Before anything else in the page: what a policy kept from happening. */
export const WATCH = `
  window.kept = [];
  document.addEventListener("securitypolicyviolation", (event) =>
    window.kept.push(event.effectiveDirective + " " + event.blockedURI));
`;

/** In the page: what is wider than the window or far too high, and what turns or hides text in names. */
export const LOOK = `(() => {
  const wrong = [];
  const LINES = "h1, h2, h3, td, th, dt, dd, li, a, b, button, label, summary, option, " +
    ".name, .sender, .topic, .words, .words *, .preview, .context, .note, .said, .id, .by, .hint, .problem, .ellipsis";
  const all = (root) => [...root.querySelectorAll("*")].flatMap((one) => [one, ...(one.shadowRoot ? all(one.shadowRoot) : [])]);
  const page = document.scrollingElement;
  if (page.scrollWidth > innerWidth) {
    const out = all(document).filter((one) => one.getBoundingClientRect().right > innerWidth + 1);
    const names = out.slice(0, 3).concat(out.slice(-3)).map((one) => one.tagName + "." + one.className + " " + one.textContent.trim().slice(0, 20));
    wrong.push("the page is " + page.scrollWidth + " wide: " + names.join(", "));
  }
  for (const one of all(document)) {
    const { width, height } = one.getBoundingClientRect();
    if (one.matches(".row") && height > 6 * innerHeight) wrong.push("a line is " + height + " high");
    if (one.matches(".row, nav, main, h1, h2") && width > innerWidth) wrong.push(one.className + " is " + width + " wide");
    if (one.matches("script, iframe, object, embed, base") && one.getRootNode() !== document) wrong.push(one.outerHTML.slice(0, 80));
    const own = [...one.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join("");
    // A message's own words may turn as they like: they stand alone.
    const isAlone = one.getRootNode().host?.localName === "weft-rich-text";
    const isLine = one.matches(LINES) && one.shadowRoot === null && !isAlone;
    if (isLine && /[\\u202A-\\u202E\\u2066-\\u2069]/.test(own)) {
      wrong.push(one.tagName + "." + one.className + " has marks of direction: " + JSON.stringify(own.trim().slice(0, 60)));
    }
    if (one.matches("a[href]") && /^(javascript|data|vbscript):/i.test(one.href)) wrong.push(one.href.slice(0, 60));
  }
  return wrong;
})()`;

/** Before anything else in the page: notes of the browser are kept, and not shown, and nobody looks at the page. */
export const NOTES = `
  localStorage.setItem("weft.notifications", "on");
  window.shownNotes = [];
  document.hasFocus = () => window.shownNotes === undefined;
  window.Notification = class {
    static permission = "granted";
    static requestPermission = async () => "granted";
    constructor(title, { body, tag }) { window.shownNotes.push({ title, body, tag }); }
    addEventListener() {}
    close() {}
  };
`;
