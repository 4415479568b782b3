import { activeElement, keepFocus } from "./focus-return.ts";

/** Frames in which whoever takes something away may give the keyboard on by themselves. */
const FRAMES = 3;

/** Milliseconds after which it is looked once more where the keyboard is. */
const LATER_MS = 1000;
/** The browser tells the document nothing of the keyboard's ways within one element's shadow root; these it tells. */
const DEEDS = ["focusin", "focusout", "pointerup", "click", "keydown"] as const;

/** Whether something cannot have the keyboard any more. */
const isGone = (at: HTMLElement): boolean =>
  !at.isConnected || !at.checkVisibility({ visibilityProperty: true }) || at.matches(":disabled");

/**
 * Gives the keyboard on where what has it is taken away, is hidden or cannot be used any more, so that it does not fall to the body; and back to what
 * can be used again. Who clicks beside everything has it nowhere, and keeps it there. Answers the function that ends it.
 */
export function guardFocus(): () => void {
  let held: { at: HTMLElement; giveOn(): void } | undefined;
  /** Cannot be used for a while, and what has the keyboard meanwhile. */
  let away: { at: HTMLElement; stand: HTMLElement | undefined } | undefined;
  let isLooking = false;
  let later: ReturnType<typeof setTimeout> | undefined;
  const sight = new IntersectionObserver(look);
  const use = new MutationObserver(look);

  function letGo(): void {
    sight.disconnect();
    use.disconnect();
    held = undefined;
  }

  function watch(at: HTMLElement): void {
    sight.observe(at);
    use.observe(at, { attributes: true, attributeFilter: ["disabled"] });
  }

  function hold(at: HTMLElement): void {
    if (at === held?.at) return;
    letGo();
    held = { at, giveOn: keepFocus(at) };
    watch(at);
    if (away !== undefined && away.stand !== at) away = undefined;
    if (away !== undefined) watch(away.at);
  }

  function settle(): void {
    const at = activeElement();
    if (away !== undefined && at === away.stand && !isGone(away.at)) {
      const { at: back } = away;
      away = undefined;
      back.focus({ preventScroll: true });
    } else if (at !== undefined) hold(at);
    else if (held !== undefined && isGone(held.at)) {
      const lost = held;
      lost.giveOn();
      const stand = activeElement();
      if (lost.at.isConnected) away = { at: lost.at, stand };
      letGo();
      if (stand !== undefined) hold(stand);
    } else if (document.hasFocus()) letGo();
  }

  function look(): void {
    if (isLooking) return;
    isLooking = true;
    let left = FRAMES;
    const frame = (): void => {
      left -= 1;
      if (left > 0) requestAnimationFrame(frame);
      else {
        isLooking = false;
        settle();
      }
    };
    requestAnimationFrame(frame);
  }

  /** What a person does takes away what has the keyboard, or moves it: at once, or when what was asked for has come. */
  function onDeed(): void {
    const at = activeElement();
    if (at !== undefined) hold(at);
    look();
    clearTimeout(later);
    later = setTimeout(look, LATER_MS);
  }

  for (const type of DEEDS) document.addEventListener(type, onDeed, { capture: true });
  onDeed();
  return () => {
    for (const type of DEEDS) document.removeEventListener(type, onDeed, { capture: true });
    clearTimeout(later);
    letGo();
  };
}
