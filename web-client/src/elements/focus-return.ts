/** The element that has the keyboard, through all shadow roots. */
export function activeElement(): HTMLElement | undefined {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at instanceof HTMLElement && at !== document.body ? at : undefined;
}

function parentOf(node: Element): Element | null {
  const root = node.getRootNode();
  const host = root instanceof ShadowRoot ? root.host : null;
  return node.assignedSlot ?? node.parentElement ?? host;
}

/** The first element of this kind on the page, through all shadow roots. */
function first(selector: string, root: ParentNode): HTMLElement | undefined {
  for (const element of root.querySelectorAll<HTMLElement>("*")) {
    if (element.matches(selector) && element.checkVisibility()) return element;
    const inside = element.shadowRoot === null ? undefined : first(selector, element.shadowRoot);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

/** Gives the keyboard to the window that is open, to the main part of the page, or the rooms where these fill it, so that it does not fall to the body. */
function focusMain(): boolean {
  // Around a window that is open nothing can have it.
  const window = first("dialog:modal", document);
  const main = window ?? first("main", document) ?? first("nav :is(a, button)", document);
  if (main === undefined) return false;
  if (main.tabIndex < 0) main.tabIndex = -1;
  main.focus({ preventScroll: true });
  return activeElement() !== undefined;
}

/** Frames that a page may take until it is drawn. */
const PATIENCE = 300;

/** Sees to it that the page which comes has the keyboard, if what had it goes: at once, or when the page's code is there. */
export function followFocus(frames = PATIENCE): void {
  requestAnimationFrame(() => {
    if (frames === PATIENCE || (activeElement() === undefined && !focusMain() && frames > 0))
      followFocus(frames - 1);
  });
}

/**
 * Remembers where the keyboard is, and answers what gives it back: to that place, to the nearest around it that is still there,
 * or else to the main part of the page.
 */
export function keepFocus(at = activeElement()): () => void {
  const places: HTMLElement[] = [];
  for (let node: Element | null = at ?? null; node !== null; node = parentOf(node)) {
    if (node instanceof HTMLElement && (node === at || node.hasAttribute("tabindex")))
      places.push(node);
  }
  return () => {
    for (const place of places) {
      if (!place.isConnected) continue;
      place.focus({ preventScroll: place !== at });
      if (activeElement() !== undefined) return;
    }
    focusMain();
  };
}
