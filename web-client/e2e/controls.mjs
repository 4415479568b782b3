/**
 * What is amiss with the controls of the page, or of the window in front of it: `lost`, those that cannot be brought into view
 * whole, however one scrolls; `unmarked`, those of which one does not see that they have the keyboard. Runs in the page, and is
 * handed there as it stands: it knows nothing from outside of itself.
 */
export function amissControls(what) {
  const USABLE =
    "button, a[href], input:not([type=hidden], [type=file]), select, textarea, summary";
  const drawn = (root) =>
    [...root.querySelectorAll("*")].flatMap((each) => [
      ...(each.checkVisibility({ visibilityProperty: true, opacityProperty: true }) ? [each] : []),
      ...(each.shadowRoot === null ? [] : drawn(each.shadowRoot)),
    ]);
  const all = drawn(document);
  const front = all.findLast((each) => each.matches("dialog:modal, [popover]:popover-open"));
  const isInFront = (element) => {
    for (
      let at = element;
      at !== null && at !== undefined;
      at = at.assignedSlot ?? at.parentNode ?? at.host
    )
      if (at === front) return true;
    return front === undefined;
  };
  const isLost = (each) => {
    each.scrollIntoView({ block: "nearest", inline: "nearest" });
    const { left, right, top, bottom, width } = each.getBoundingClientRect();
    const isTall = bottom - top > innerHeight;
    const isBeside = left < -1 || right > innerWidth + 1;
    return width > 1 && (isBeside || (!isTall && (top < -1 || bottom > innerHeight + 1)));
  };
  const focused = () => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at;
  };
  /** The element and the boxes that it stands in, as far as they have an outline. */
  const marked = (each) => {
    const found = new Set();
    for (let at = each; at !== null; at = at.parentElement) {
      const { outlineStyle, outlineWidth } = getComputedStyle(at);
      if (outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 1) found.add(at);
    }
    return found;
  };
  const isUnmarked = (each) => {
    focused()?.blur();
    const before = marked(each);
    each.focus({ focusVisible: true, preventScroll: true });
    return focused() === each && [...marked(each)].every((one) => before.has(one));
  };
  const hadFocus = focused();
  const controls = all.filter(
    (each) => each.matches(USABLE) && !each.matches(":disabled") && isInFront(each),
  );
  const found = controls.filter(what === "lost" ? isLost : isUnmarked);
  if (what === "unmarked") hadFocus?.focus();
  return found.map((each) => each.outerHTML.slice(0, 120));
}
